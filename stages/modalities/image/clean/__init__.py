"""The cleaner of images; see stages/contracts/clean.py."""

from stages.modalities.image.clean.cleaner import (
    MEASURES,
    REASONS,
    REASONS_TOGETHER,
    CleanParams,
    clean,
    measure_together,
    suggest,
)

__all__ = ["MEASURES", "REASONS", "REASONS_TOGETHER", "CleanParams", "clean", "measure_together", "suggest"]
