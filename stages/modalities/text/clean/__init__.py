"""The cleaner of texts; see stages/contracts/clean.py."""

from stages.modalities.text.clean.cleaner import MEASURES, CleanParams, clean, measure_together, suggest
from stages.modalities.text.clean.reasons import REASONS, REASONS_TOGETHER, SEE

__all__ = ["MEASURES", "REASONS", "REASONS_TOGETHER", "SEE", "CleanParams", "clean", "measure_together", "suggest"]
