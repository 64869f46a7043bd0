"""The cleaner of images; see stages/contracts/clean.py."""

from stages.modalities.image.clean.cleaner import MEASURES, REASONS, REASONS_AMONG, CleanParams, among, clean, suggest

__all__ = ["MEASURES", "REASONS", "REASONS_AMONG", "CleanParams", "among", "clean", "suggest"]
