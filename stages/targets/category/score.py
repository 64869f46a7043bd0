"""Metrics, plots and the constant baseline: one category per row."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.contracts.score import RowSums, quoted
from stages.core.tables import Predictions
from stages.targets._calibration import calibration_error, reliability_bins
from stages.targets.category.objective import class_numbers

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "majority"
HEADLINE = ("accuracy", "f1_macro", "log_loss", "calibration_error")

UNEQUAL = 3  # times as many rows of one class as of another: accuracy hides how the rare ones fare


def constant(labels: Sequence[str], given: Sequence[str], columns: Sequence[str]) -> Predictions:
    """(n_rows, n_columns): the share of each class in training, the same for every row."""
    counts = np.bincount(class_numbers(labels, columns), minlength=len(columns))
    return np.tile(counts / len(labels), (len(given), 1))


def score(given: Sequence[str], concluded: Conclusion, bins: int) -> dict[str, float]:
    """Metrics as in scikit-learn; averages are over all classes of the training rows, also those without a row here."""
    from sklearn import metrics

    columns, probabilities = concluded.columns, concluded.predictions
    truth, predicted = class_numbers(given, columns), class_numbers(concluded.labels, columns)
    classes = np.arange(len(columns))

    def average(metric: Callable[..., float], kind: str) -> float:
        return metric(truth, predicted, labels=classes, average=kind, zero_division=0.0)

    f1_of_class = metrics.f1_score(truth, predicted, labels=classes, average=None, zero_division=0.0)
    low, high = _interval(int((truth == predicted).sum()), len(truth))
    values = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "accuracy_low": low,
        "accuracy_high": high,
        "f1_macro": average(metrics.f1_score, "macro"),
        "f1_weighted": average(metrics.f1_score, "weighted"),
        "precision_macro": average(metrics.precision_score, "macro"),
        "recall_macro": average(metrics.recall_score, "macro"),
        "roc_auc": _roc_auc(truth, probabilities),
        "log_loss": metrics.log_loss(truth, probabilities.clip(1e-15, 1.0), labels=classes),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{name}": value for name, value in zip(columns, f1_of_class, strict=True)},
    }
    return {name: float(value) for name, value in values.items()}


def judged_by(given: Sequence[str], concluded: Conclusion) -> RowSums:
    """Accuracy; macro F1 over the classes of these rows if their sizes differ much."""
    from scipy.sparse import vstack

    truth, predicted = np.asarray(given, dtype=object), np.asarray(concluded.labels, dtype=object)
    names, sizes = np.unique(truth, return_counts=True)
    hits = truth == predicted
    if sizes.max() < UNEQUAL * sizes.min():
        return RowSums("accuracy", np.stack([hits, np.ones_like(hits)]), lambda sums: np.asarray(sums[0] / sums[1]))
    is_given, is_predicted = (_one_hot(labels, names.tolist()) for labels in (given, concluded.labels))
    return RowSums("f1_macro", vstack([is_given * is_predicted, is_given + is_predicted]), _f1_macro)


def _one_hot(labels: Sequence[str], names: Sequence[str]) -> Any:
    """Sparse, (n_names, n_rows): 1 if the row has the label; a row with another label has none."""
    from scipy.sparse import csr_array

    number_of = {name: number for number, name in enumerate(names)}
    rows = [row for row, label in enumerate(labels) if label in number_of]
    numbers = [number_of[labels[row]] for row in rows]
    return csr_array((np.ones(len(rows), dtype=np.int64), (numbers, rows)), shape=(len(names), len(labels)))


def _f1_macro(sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """(n_samples,), from the numbers of hits and of given plus predicted rows of each class: (2 * n_classes, n)."""
    n_hits, n_given_and_predicted = np.split(sums, 2)
    return np.asarray((2 * n_hits / np.maximum(n_given_and_predicted, 1)).mean(axis=0))


def sameness(given: Sequence[str], concluded: Conclusion) -> str:
    labels = set(concluded.labels)
    return f"says {quoted(labels.pop())} for every row" if len(labels) == 1 and len(given) > 1 else ""


def never_right(given: Sequence[str], concluded: Conclusion) -> dict[str, int]:
    pairs = zip(given, concluded.labels, strict=True)
    right = {label for label, predicted in pairs if label == predicted}
    return {label: count for label, count in sorted(Counter(given).items()) if label not in right}


def reliability(given: Sequence[str], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """The reliability diagram of the most probable class."""
    hits = np.asarray(concluded.labels) == np.asarray(given)
    return reliability_bins(concluded.predictions.max(axis=1), hits, bins)


def plots(given: Sequence[str], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    return {
        "confusion": pd.DataFrame({"actual": given, "predicted": concluded.labels}),
        "reliability": reliability(given, concluded, bins),
    }


def _interval(n_hits: int, n_rows: int) -> tuple[float, float]:
    """Wilson's 95% confidence interval of a proportion."""
    from scipy.stats import binomtest

    interval = binomtest(n_hits, n_rows).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def _roc_auc(truth: npt.NDArray[np.int64], probabilities: Predictions) -> float:
    """The mean over classes of the one-vs-rest ROC AUC; NaN if it is undefined for every class.

    It is undefined for a class that all rows or no row has.
    """
    from sklearn.metrics import roc_auc_score

    areas = []
    for number in range(probabilities.shape[1]):
        has_class = truth == number
        if has_class.any() and not has_class.all():
            areas.append(roc_auc_score(has_class, probabilities[:, number]))
    return float(np.mean(areas)) if areas else float("nan")
