"""The cleaner of recordings; see stages/contracts/clean.py."""

from stages.modalities.audio.clean.cleaner import (
    MEASURES,
    REASONS,
    REASONS_TOGETHER,
    CleanParams,
    clean,
    measure_together,
    suggest,
)

__all__ = ["MEASURES", "REASONS", "REASONS_TOGETHER", "CleanParams", "clean", "measure_together", "suggest"]
