"""The cleaner of recordings; see stages/contracts/clean.py."""

from stages.modalities.audio.clean.cleaner import MEASURES, REASONS, REASONS_AMONG, CleanParams, among, clean, suggest

__all__ = ["MEASURES", "REASONS", "REASONS_AMONG", "CleanParams", "among", "clean", "suggest"]
