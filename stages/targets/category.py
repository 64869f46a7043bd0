"""A category: one of a closed set of names."""

import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field

from stages.calibration import calibration_error, reliability_bins
from stages.characters import as_name
from stages.contracts import CleanedLabel, Conclusion, Judged, Predictions, Suggestion, Vectors
from stages.label_names import NameParams, suggest_names, without_rare

if TYPE_CHECKING:
    import pandas as pd

LABEL = pa.string()
REASONS = ("missing_label", "unwanted_label")
VECTORS = "vector"
CLOSED = True
CONSTANT = "majority"
HEADLINE = ("accuracy", "f1_macro", "log_loss", "calibration_error")


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of a label: `Pos: positive`")
    drop: list[str] = Field(description="labels whose rows are left out")


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    """Trimmed, in one form of Unicode and without what cannot be seen, then replaced by what `aliases` says; a label in `drop` drops its row."""
    name = as_name(raw or "")
    label = params.aliases.get(name, name)
    if not label:
        return CleanedLabel(None, "missing_label")
    return CleanedLabel(None, "unwanted_label") if label in params.drop else CleanedLabel(label)


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    return suggest_names(given, params)


def without_rare_labels(labels: Iterable[str], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(labels), params)


def preview(label: str, content: Any) -> str:
    return label


def strata(labels: Sequence[str]) -> list[tuple[str, ...]]:
    return [(label,) for label in labels]


def names(labels: Sequence[str | None]) -> list[tuple[str, ...]]:
    return [(label or "",) for label in labels]


def fit_predict(labels: Sequence[str], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> Predictions:
    """(n_others, n_columns): probabilities of a probe that is fitted on `vectors` and their labels."""
    from stages.probe import fit_probe

    return fit_probe(vectors, _numbers(labels, columns), len(columns), C).probabilities(others)


def constant(labels: Sequence[str], given: Sequence[str], columns: Sequence[str]) -> Predictions:
    """How common each class is in training, (n_rows, n_columns)."""
    shares = np.bincount(_numbers(labels, columns), minlength=len(columns)) / len(labels)
    return np.tile(shares, (len(given), 1))


def audit(labels: Sequence[str], concluded: Conclusion) -> Judged:
    """Confident learning: `label_quality` is self-confidence.

    Northcutt, Jiang & Chuang 2021, "Confident Learning", as cleanlab does it.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given, predictions = _numbers(labels, concluded.columns), concluded.predictions
    with warnings.catch_warnings():  # of classes with few rows, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        is_issue = find_label_issues(given, predictions, n_jobs=1)  # worker processes cost more than they save, and report to no one when they die
    return Judged(get_label_quality_scores(given, predictions), is_issue, concluded.labels)


def score(given: Sequence[str], concluded: Conclusion, bins: int) -> dict[str, float]:
    from sklearn import metrics

    columns, predictions = concluded.columns, concluded.predictions
    numbers, predicted = _numbers(given, columns), _numbers(concluded.labels, columns)
    every = np.arange(len(columns))
    per_class = metrics.f1_score(numbers, predicted, labels=every, average=None, zero_division=0.0)
    low, high = _interval(int((numbers == predicted).sum()), len(numbers))
    values = {
        "accuracy": metrics.accuracy_score(numbers, predicted),
        "accuracy_low": low,
        "accuracy_high": high,
        "f1_macro": metrics.f1_score(numbers, predicted, labels=every, average="macro", zero_division=0.0),
        "f1_weighted": metrics.f1_score(numbers, predicted, labels=every, average="weighted", zero_division=0.0),
        "precision_macro": metrics.precision_score(numbers, predicted, labels=every, average="macro", zero_division=0.0),
        "recall_macro": metrics.recall_score(numbers, predicted, labels=every, average="macro", zero_division=0.0),
        "roc_auc": _roc_auc(numbers, predictions),
        "log_loss": metrics.log_loss(numbers, predictions.clip(1e-15, 1.0), labels=every),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{name}": value for name, value in zip(columns, per_class, strict=True)},
    }
    return {name: float(value) for name, value in values.items()}


def reliability(given: Sequence[str], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    return reliability_bins(concluded.predictions.max(axis=1), np.asarray(concluded.labels) == np.asarray(given), bins)


def plots(given: Sequence[str], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    return {"confusion": pd.DataFrame({"actual": given, "predicted": concluded.labels}), "reliability": reliability(given, concluded, bins)}


def _numbers(labels: Sequence[str], columns: Sequence[str]) -> npt.NDArray[np.int64]:
    number = {name: position for position, name in enumerate(columns)}
    return np.array([number[label] for label in labels], dtype=np.int64)


def _interval(hits: int, rows: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    from scipy.stats import binomtest

    interval = binomtest(hits, rows).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _roc_auc(numbers: npt.NDArray[np.int64], predictions: npt.NDArray[np.float64]) -> float:
    """The mean over classes, one against the rest; classes that all rows or none have say nothing."""
    from sklearn.metrics import roc_auc_score

    present = [number for number in range(predictions.shape[1]) if 0 < (numbers == number).sum() < len(numbers)]
    return float(np.mean([roc_auc_score(numbers == number, predictions[:, number]) for number in present])) if present else 0.5
