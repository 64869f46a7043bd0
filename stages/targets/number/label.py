"""A number: a finite float."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.label import CleanedLabel, Suggestion
from stages.core.params import Strict

LABEL = pa.float64()
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "not_a_number": "its label is not a number",
    "out_of_range": "its label is smaller or larger than params allow",
}


CLOSED = False


STRATA = 10


class LabelParams(Strict):
    minimum: float | None = Field(description="smaller labels are left out; null: none is too small")
    maximum: float | None = Field(description="larger labels are left out; null: none is too large")

    @model_validator(mode="after")
    def check_range(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum is not below maximum, so that no label could stay")
        return self


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    if not (raw or "").strip():
        return CleanedLabel(None, "missing_label")
    number = parsed(raw)
    if not math.isfinite(number):
        return CleanedLabel(None, "not_a_number")
    low, high = params.minimum, params.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return CleanedLabel(None, "out_of_range")
    return CleanedLabel(number)


def parsed(raw: Any) -> float:
    """NaN for what is no number. An underscore between digits is Python's own way to write numbers, not people's."""
    try:
        return math.nan if "_" in str(raw) else float(raw)
    except (TypeError, ValueError):
        return math.nan


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    return []


def without_rare_labels(labels: Iterable[float], params: LabelParams) -> LabelParams | None:
    return None


def preview(label: float, content: Any) -> str:
    return f"{label:.6g}"


def strata(labels: Sequence[float]) -> list[tuple[str, ...]]:
    """Tenths of the rows, by size; equal labels share one, so there may be fewer."""
    edges = np.unique(np.quantile(labels, np.linspace(0, 1, STRATA + 1)[1:-1]))
    return [(str(stratum),) for stratum in np.searchsorted(edges, labels, side="right")]


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    """Ranges as wide as a tenth of the spread, or somewhat more."""
    numbers = np.array([parsed(label) for label in labels])
    finite = numbers[np.isfinite(numbers)]
    low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (0.0, 1.0)
    wanted = (high - low) / STRATA if high > low else 1.0
    power = 10.0 ** math.floor(math.log10(wanted))
    width = next(step * power for step in (1, 2, 5, 10) if step * power >= wanted * (1 - 1e-9))
    starts = np.floor(numbers / width) * width
    return [(f"{start:.12g} to {start + width:.12g}",) if math.isfinite(start) else ("",) for start in starts]
