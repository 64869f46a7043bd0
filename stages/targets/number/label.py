"""A number: a finite float."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.label import CleanedLabel, Suggestion
from stages.core.params import Strict
from stages.core.run import DataWarning
from stages.labels.names import as_name
from stages.labels.numbers import as_number, check_numbers, suggest_numbers

LABEL = pa.float64()
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "not_a_number": "its label is not a number",
    "out_of_range": "its label is smaller or larger than params allow",
}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "missing_label": "collect.columns.label",
    "not_a_number": "collect.columns.label and collect.decimal",
    "out_of_range": "clean.label.minimum and clean.label.maximum",
}
CLOSED = False
STRATA = 10


class LabelParams(Strict):
    minimum: float | None = Field(description="rows with smaller labels are dropped; null: no minimum")
    maximum: float | None = Field(description="rows with larger labels are dropped; null: no maximum")

    @model_validator(mode="after")
    def check_range(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError("minimum must be less than maximum, else all rows are dropped")
        return self


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    if raw is None or not as_name(raw):
        return CleanedLabel(None, "missing_label")
    number = as_number(raw)
    if not math.isfinite(number):
        return CleanedLabel(None, "not_a_number")
    low, high = params.minimum, params.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        return CleanedLabel(None, "out_of_range")
    return CleanedLabel(number)


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    return suggest_numbers(given)


def check(given: Mapping[str, int], params: LabelParams) -> list[DataWarning]:
    return check_numbers(given)


def without_rare_labels(labels: Iterable[float], params: LabelParams) -> LabelParams | None:
    return None


def preview(label: float, content: Any) -> str:
    return f"{label:.6g}"


def strata(labels: Sequence[float]) -> list[tuple[str, ...]]:
    """Deciles of the labels. Equal labels are in the same stratum, so there may be fewer than STRATA."""
    edges = np.unique(np.quantile(labels, np.linspace(0, 1, STRATA + 1)[1:-1]))
    return [(str(stratum),) for stratum in np.searchsorted(edges, labels, side="right")]


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    """Ranges of a round width: at least a tenth of the spread, the 1st to the 99th percentile."""
    numbers = np.array([as_number(label) for label in labels])
    finite = numbers[np.isfinite(numbers)]
    low, high = np.quantile(finite, [0.01, 0.99]) if len(finite) else (0.0, 1.0)
    width = round_width((high - low) / STRATA if high > low else 1.0)
    starts = np.floor(numbers / width) * width
    return [(f"{start:.12g} to {start + width:.12g}",) if math.isfinite(start) else ("",) for start in starts]


def round_width(minimum: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is at least `minimum`."""
    power = 10.0 ** math.floor(math.log10(minimum))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= minimum * (1 - 1e-9))
