"""A category: one of a closed set of names."""

import unicodedata
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.characters import INVISIBLE
from stages.contracts import CleanedLabel, Vectors

if TYPE_CHECKING:
    import pandas as pd

LABEL = pa.string()
REASONS = ("missing_label", "unwanted_label")


def clean_label(raw: str | None, aliases: Mapping[str, str], unwanted: Sequence[str]) -> CleanedLabel:
    """Trimmed, in one form of Unicode and without what cannot be seen, then replaced by what `aliases` says; a label in `unwanted` drops its row."""
    name = " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", raw or "")).split())
    label = aliases.get(name, name)
    if not label:
        return CleanedLabel(None, "missing_label")
    return CleanedLabel(None, "unwanted_label") if label in unwanted else CleanedLabel(label)


def strata(labels: "pd.Series[Any]") -> npt.NDArray[np.str_]:
    return np.asarray(labels, dtype=np.str_)


def classes(labels: "pd.Series[Any]") -> list[str]:
    """The classes in the order of all columns of probabilities."""
    return sorted(labels.unique())


def fit_predict(labels: "pd.Series[Any]", vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> npt.NDArray[np.float64]:
    """(n_others, n_columns): probabilities of a probe that is fitted on `vectors` and their labels."""
    from stages.probe import fit_probe

    return fit_probe(vectors, _numbers(labels, columns), len(columns), C).probabilities(others)


def audit(labels: "pd.Series[Any]", predictions: npt.NDArray[np.float64], columns: Sequence[str]) -> "pd.DataFrame":
    """`label_quality` (self-confidence), `is_label_issue` and `predicted_label` of rows, by confident learning.

    Northcutt, Jiang & Chuang 2021, "Confident Learning", as cleanlab does it.
    """
    import pandas as pd
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given = _numbers(labels, columns)
    predicted = predictions.argmax(axis=1)
    with warnings.catch_warnings():  # of classes with few rows, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        is_issue = find_label_issues(given, predictions, n_jobs=1)  # worker processes cost more than they save, and report to no one when they die
    return pd.DataFrame(
        {
            "label_quality": get_label_quality_scores(given, predictions),
            "is_label_issue": is_issue,
            "predicted_label": [columns[number] for number in predicted],
        },
        index=labels.index,
    )


def score(given: "pd.Series[Any]", predictions: npt.NDArray[np.float64], columns: Sequence[str], bins: int) -> dict[str, float]:
    """Flat metrics; `predictions` is (n_rows, n_columns)."""
    from sklearn import metrics

    numbers = _numbers(given, columns)
    predicted = predictions.argmax(axis=1)
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
        "calibration_error": _calibration_error(reliability(given, predictions, columns, bins)),
        **{f"f1_of_{name}": value for name, value in zip(columns, per_class, strict=True)},
    }
    return {name: float(value) for name, value in values.items()}


def majority(labels: "pd.Series[Any]", n_rows: int, columns: Sequence[str]) -> npt.NDArray[np.float64]:
    """The baseline that has not looked at the rows: how common each class is in training, (n_rows, n_columns)."""
    shares = np.bincount(_numbers(labels, columns), minlength=len(columns)) / len(labels)
    return np.tile(shares, (n_rows, 1))


def reliability(given: "pd.Series[Any]", predictions: npt.NDArray[np.float64], columns: Sequence[str], bins: int) -> "pd.DataFrame":
    """`confidence`, `accuracy` and `rows` of equal-width bins of confidence (Guo et al. 2017)."""
    import pandas as pd

    confidence = predictions.max(axis=1)
    rows = pd.DataFrame({"confidence": confidence, "accuracy": predictions.argmax(axis=1) == _numbers(given, columns), "rows": 1})
    number = np.minimum((confidence * bins).astype(int), bins - 1)
    grouped = rows.groupby(number)
    return pd.DataFrame({"confidence": grouped["confidence"].mean(), "accuracy": grouped["accuracy"].mean(), "rows": grouped["rows"].sum()})


def plots(given: "pd.Series[Any]", predictions: npt.NDArray[np.float64], columns: Sequence[str], bins: int) -> dict[str, "pd.DataFrame"]:
    """What `dvc plots` draws, by file name."""
    import pandas as pd

    confusion = pd.DataFrame({"actual": given, "predicted": [columns[number] for number in predictions.argmax(axis=1)]})
    return {"confusion": confusion, "reliability": reliability(given, predictions, columns, bins)}


def _numbers(labels: "pd.Series[Any]", columns: Sequence[str]) -> npt.NDArray[np.int64]:
    number = {name: position for position, name in enumerate(columns)}
    return np.asarray(labels.map(number), dtype=np.int64)


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


def _calibration_error(bins: "pd.DataFrame") -> float:
    """Expected calibration error: the mean gap between confidence and accuracy, weighted by rows."""
    return float(((bins["confidence"] - bins["accuracy"]).abs() * bins["rows"]).sum() / bins["rows"].sum())
