"""The cleaner of images; see stages/contracts/clean.py."""

from stages.modalities.image.clean.cleaner import MEASURES, CleanParams, clean, measure_together, suggest
from stages.modalities.image.clean.reasons import REASONS, REASONS_TOGETHER, SEE

__all__ = ["MEASURES", "REASONS", "REASONS_TOGETHER", "SEE", "CleanParams", "clean", "measure_together", "suggest"]
