"""The params of cleaning a text that several tests use."""

from typing import Any

from stages.contracts.clean import Cleaned
from stages.modalities.text.clean import cleaner
from stages.modalities.text.clean.cleaner import CleanParams, clean
from tests import tiny

CLEAN_TEXT = cleaner.CleanParams(**{**tiny.CLEAN_TEXT, "min_chars": 3, "max_chars": 80})


def params(**changes: Any) -> CleanParams:
    return CleanParams(**{**tiny.CLEAN_TEXT, **changes})


def cleaned(text: str, **changes: Any) -> Cleaned:
    return clean(text.encode(), params(**changes))
