"""A number: a finite float."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import CleanedLabel, Conclusion, Judged, Predictions, Suggestion, Vectors
from stages.params import Strict

if TYPE_CHECKING:
    import pandas as pd

LABEL = pa.float64()
REASONS = ("missing_label", "not_a_number", "out_of_range")
VECTORS = "vector"
CLOSED = False
CONSTANT = "mean"
HEADLINE = ("pearson", "mae", "r2", "coverage_90")

STRATA = 10
ISSUE = math.exp(-3)  # the quality of a label that lies three standard deviations from what is predicted


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


def fit_predict(labels: Sequence[float], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> Predictions:
    """(n_others, 1): a ridge regression."""
    from stages.probe import fit_ridge

    spread = float(np.std(labels)) if np.ptp(labels) else 1.0
    probe = fit_ridge(vectors, (np.asarray(labels) - np.mean(labels)) / spread, C)
    return probe.logits(others) * spread + np.mean(labels)


def constant(labels: Sequence[float], given: Sequence[float], columns: Sequence[str]) -> Predictions:
    """The mean, (n_rows, 1)."""
    return np.full((len(given), 1), np.mean(labels))


def audit(labels: Sequence[float], concluded: Conclusion) -> Judged:
    """cleanlab's residual score, in units of the usual error: its other score ("outre") finds the same labels in a thousand times the memory.

    The usual error is the standard deviation after sigma clipping; the median error would be none where most labels are one and the same.
    """
    from cleanlab.regression.rank import get_label_quality_scores
    from scipy.stats import sigmaclip

    truth, predicted = np.asarray(labels), np.asarray(concluded.labels)
    if len(truth) < 2:  # nothing that an error could be compared with
        return Judged(np.ones(len(truth)), np.zeros(len(truth), dtype=bool), concluded.labels)
    usual = float(np.sqrt(np.mean(sigmaclip(truth - predicted, 3, 3).clipped ** 2))) or 1.0
    quality = np.asarray(get_label_quality_scores(truth / usual, predicted / usual, method="residual"))
    return Judged(quality, quality < ISSUE, concluded.labels)


def score(given: Sequence[float], concluded: Conclusion, bins: int) -> dict[str, float]:
    from scipy.stats import spearmanr
    from sklearn import metrics

    truth, predicted = np.asarray(given), np.asarray(concluded.labels)
    varied = np.ptp(truth) > 0 and np.ptp(predicted) > 0
    pearson = float(np.corrcoef(truth, predicted)[0, 1]) if varied else 0.0
    low, high = correlation_interval(pearson, len(truth)) if varied else (-1.0, 1.0)
    lower, upper = quantile(concluded, "q05"), quantile(concluded, "q95")
    values = {
        "pearson": pearson,
        "pearson_low": low,
        "pearson_high": high,
        "spearman": spearmanr(truth, predicted).statistic if varied else 0.0,
        "mae": metrics.mean_absolute_error(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted) if np.ptp(truth) > 0 else 0.0,
        "coverage_90": np.mean((lower <= truth) & (truth <= upper)),
        "interval_width_90": np.mean(upper - lower),
        "calibration_error": np.mean([abs(row.accuracy - row.confidence) for row in reliability(given, concluded).itertuples()]),
    }
    return {name: float(value) for name, value in values.items()}


def quantile(concluded: Conclusion, name: str) -> npt.NDArray[np.float64]:
    return np.asarray(concluded.predictions[:, list(concluded.columns).index(name)])


def correlation_interval(correlation: float, rows: int) -> tuple[float, float]:
    """Fisher's 95% interval of Pearson's correlation."""
    if rows <= 3:
        return -1.0, 1.0
    z, reach = math.atanh(min(max(correlation, -0.999999), 0.999999)), 1.96 / math.sqrt(rows - 3)
    return math.tanh(z - reach), math.tanh(z + reach)


def reliability(given: Sequence[float], concluded: Conclusion) -> "pd.DataFrame":
    """For each predicted quantile: its level, the share of labels that are no larger, and the rows (Kuleshov, Fenner & Ermon 2018)."""
    import pandas as pd

    levels = {name: int(name[1:]) / 100 for name in concluded.columns if name.startswith("q")}
    shares = [np.mean(np.asarray(given) <= quantile(concluded, name)) for name in levels]
    return pd.DataFrame({"confidence": levels.values(), "accuracy": shares, "rows": len(given)})


def plots(given: Sequence[float], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    return {"confusion": pd.DataFrame({"actual": given, "predicted": concluded.labels}), "reliability": reliability(given, concluded)}
