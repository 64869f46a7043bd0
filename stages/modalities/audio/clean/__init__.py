"""Cleaning of recordings: what stages.contracts.clean asks for."""

from stages.modalities.audio.clean.cleaner import MEASURES, REASONS, REASONS_AMONG, CleanParams, among, clean, suggest

__all__ = ["MEASURES", "REASONS", "REASONS_AMONG", "CleanParams", "among", "clean", "suggest"]
