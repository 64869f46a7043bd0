"""Metrics, plots and the constant baseline of a category."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions
from stages.targets._calibration import calibration_error, reliability_bins
from stages.targets.category.objective import class_numbers

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "majority"
HEADLINE = ("accuracy", "f1_macro", "log_loss", "calibration_error")


def constant(labels: Sequence[str], given: Sequence[str], columns: Sequence[str]) -> Predictions:
    """How common each class is in training, (n_rows, n_columns)."""
    shares = np.bincount(class_numbers(labels, columns), minlength=len(columns)) / len(labels)
    return np.tile(shares, (len(given), 1))


def score(given: Sequence[str], concluded: Conclusion, bins: int) -> dict[str, float]:
    from sklearn import metrics

    columns, predictions = concluded.columns, concluded.predictions
    numbers, predicted = class_numbers(given, columns), class_numbers(concluded.labels, columns)
    every = np.arange(len(columns))
    per_class = metrics.f1_score(numbers, predicted, labels=every, average=None, zero_division=0.0)
    low, high = _interval(int((numbers == predicted).sum()), len(numbers))
    values = {
        "accuracy": metrics.accuracy_score(numbers, predicted),
        "accuracy_low": low,
        "accuracy_high": high,
        "f1_macro": metrics.f1_score(numbers, predicted, labels=every, average="macro", zero_division=0.0),
        "f1_weighted": metrics.f1_score(numbers, predicted, labels=every, average="weighted", zero_division=0.0),
        "precision_macro": metrics.precision_score(
            numbers, predicted, labels=every, average="macro", zero_division=0.0
        ),
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

    return {
        "confusion": pd.DataFrame({"actual": given, "predicted": concluded.labels}),
        "reliability": reliability(given, concluded, bins),
    }


def _interval(hits: int, rows: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share."""
    from scipy.stats import binomtest

    interval = binomtest(hits, rows).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _roc_auc(numbers: npt.NDArray[np.int64], predictions: npt.NDArray[np.float64]) -> float:
    """The mean over classes, one against the rest; classes that all rows or none have say nothing."""
    from sklearn.metrics import roc_auc_score

    present = [number for number in range(predictions.shape[1]) if 0 < (numbers == number).sum() < len(numbers)]
    return (
        float(np.mean([roc_auc_score(numbers == number, predictions[:, number]) for number in present]))
        if present
        else 0.5
    )
