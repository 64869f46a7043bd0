"""Metrics, plots and the constant baseline: any number of categories per row."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stages.contracts.label import NO_CLASS
from stages.contracts.objective import Conclusion
from stages.contracts.score import RowSums, quoted
from stages.core.tables import Predictions
from stages.targets._bootstrap import interval, resampled
from stages.targets._calibration import calibration_error, reliability_bins
from stages.targets.categories.objective import multi_hot

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "prior"
HEADLINE = ("f1_macro", "f1_micro", "map", "calibration_error")


def constant(labels: Sequence[Sequence[str]], given: Sequence[Sequence[str]], columns: Sequence[str]) -> Predictions:
    """(n_rows, n_columns): the share of training rows that have each class, the same for every row."""
    return np.tile(multi_hot(labels, columns).mean(axis=0), (len(given), 1))


def score(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, float]:
    """Precision, recall and F1 as in scikit-learn, 0 if undefined.

    The F1 of a row, of which `f1_samples` is the mean, is 1 if the row has neither given nor predicted labels.
    """
    columns, probabilities = concluded.columns, concluded.predictions
    truth, predicted = multi_hot(given, columns), multi_hot(concluded.labels, columns)
    hits = truth & predicted
    n_hits, n_given, n_predicted = hits.sum(axis=0), truth.sum(axis=0), predicted.sum(axis=0)  # (n_classes,) each
    f1_of_class = share(2 * n_hits, n_given + n_predicted)
    f1_of_row = share(2 * hits.sum(axis=1), truth.sum(axis=1) + predicted.sum(axis=1), undefined=1.0)
    (micro_low, macro_low), (micro_high, macro_high) = f1_intervals(truth, predicted)
    values = {
        "f1_macro": f1_of_class.mean(),
        "f1_macro_low": macro_low,
        "f1_macro_high": macro_high,
        "f1_micro": share(2 * n_hits.sum(), n_given.sum() + n_predicted.sum()),
        "f1_micro_low": micro_low,
        "f1_micro_high": micro_high,
        "f1_samples": f1_of_row.mean(),
        "precision_macro": share(n_hits, n_predicted).mean(),
        "precision_micro": share(n_hits.sum(), n_predicted.sum()),
        "recall_macro": share(n_hits, n_given).mean(),
        "recall_micro": share(n_hits.sum(), n_given.sum()),
        "map": mean_average_precision(truth, probabilities),
        "subset_accuracy": (truth == predicted).all(axis=1).mean(),
        "hamming_loss": (truth != predicted).mean(),
        "log_loss": log_loss(truth, probabilities),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{name}": value for name, value in zip(columns, f1_of_class, strict=True)},
    }
    return {name: float(value) for name, value in values.items()}


def share(part: Any, whole: Any, undefined: float = 0.0) -> npt.NDArray[np.float64]:
    """`part / whole`, elementwise; `undefined` if the whole is 0."""
    return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), undefined))


def f1_intervals(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The 95% confidence intervals of micro and macro F1, by the bootstrap over rows.

    Returns:
        (2, 2): the low ends of both, then the high ends.
    """

    def micro_and_macro(sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        n_hits, n_given_and_predicted = np.split(sums, 2)
        micro = share(2 * n_hits.sum(axis=0), n_given_and_predicted.sum(axis=0))
        return np.stack([micro, f1_macro(sums)])

    return interval(resampled(RowSums("f1_micro, f1_macro", counts_of_rows(truth, predicted), micro_and_macro)))


def counts_of_rows(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """(2 * n_classes, n_rows): hits of each class, then how often it is given plus how often it is predicted."""
    return np.hstack([truth & predicted, 1 * truth + predicted]).T


def f1_macro(sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """(n_samples,): the mean over classes of F1, from sums of `counts_of_rows`."""
    n_hits, n_given_and_predicted = np.split(sums, 2)
    return np.asarray(share(2 * n_hits, n_given_and_predicted).mean(axis=0))


def judged_by(given: Sequence[Sequence[str]], concluded: Conclusion) -> RowSums:
    truth, predicted = multi_hot(given, concluded.columns), multi_hot(concluded.labels, concluded.columns)
    return RowSums("f1_macro", counts_of_rows(truth, predicted), f1_macro)


def sameness(given: Sequence[Sequence[str]], concluded: Conclusion) -> str:
    sets = {tuple(labels) for labels in concluded.labels}
    if len(sets) > 1 or len(concluded.labels) < 2:
        return ""
    labels = sets.pop()
    return f"says {', '.join(map(quoted, labels))} for every row" if labels else "gives no row a label"


def never_right(given: Sequence[Sequence[str]], concluded: Conclusion) -> dict[str, int]:
    truth, predicted = multi_hot(given, concluded.columns), multi_hot(concluded.labels, concluded.columns)
    n_given, n_hits = truth.sum(axis=0), (truth & predicted).sum(axis=0)
    counts = zip(concluded.columns, n_given.tolist(), n_hits.tolist(), strict=True)
    return {name: n_rows for name, n_rows, hits in counts if n_rows and not hits}


def mean_average_precision(truth: npt.NDArray[np.bool_], probabilities: Predictions) -> float:
    """The mean over classes that occur; NaN if none does."""
    from sklearn.metrics import average_precision_score

    occurring = np.flatnonzero(truth.any(axis=0))
    precisions = [average_precision_score(truth[:, number], probabilities[:, number]) for number in occurring]
    return float(np.mean(precisions)) if precisions else float("nan")


def log_loss(truth: npt.NDArray[np.bool_], probabilities: Predictions) -> float:
    """Binary cross-entropy, the mean over rows and classes."""
    of_truth = np.where(truth, probabilities, 1 - probabilities)
    return float(-np.log(of_truth.clip(1e-15)).mean())


def reliability(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """The reliability diagram of all classes together; its `rows` are pairs of a row and a class."""
    truth = multi_hot(given, concluded.columns)
    return reliability_bins(concluded.predictions.ravel(), truth.ravel(), bins)


def plots(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    pairs = []
    for labels, predicted in zip(given, concluded.labels, strict=True):
        pairs += confusions(set(labels), set(predicted))
    return {
        "confusion": pd.DataFrame(pairs, columns=["actual", "predicted"]),
        "reliability": reliability(given, concluded, bins),
    }


def confusions(given: set[str], predicted: set[str]) -> list[tuple[str, str]]:
    """Pairs of a given and a predicted label of a row.

    A hit is paired with itself, each missed label with each wrong one. If a row has only missed or only wrong labels,
    they are paired with `(none)`.
    """
    hits = [(name, name) for name in sorted(given & predicted)]
    if hits and given == predicted:
        return hits
    missed = sorted(given - predicted) or [NO_CLASS]
    wrong = sorted(predicted - given) or [NO_CLASS]
    return hits + list(product(missed, wrong))
