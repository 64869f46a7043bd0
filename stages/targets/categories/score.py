"""Metrics, plots and the constant baseline of categories."""

from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stages.contracts.label import NO_CLASS
from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions
from stages.targets._calibration import calibration_error, reliability_bins
from stages.targets.categories.objective import multi_hot

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "prior"
HEADLINE = ("f1_macro", "f1_micro", "map", "calibration_error")

RESAMPLES, RESAMPLES_AT_ONCE = 1_000, 10


def constant(labels: Sequence[Sequence[str]], given: Sequence[Sequence[str]], columns: Sequence[str]) -> Predictions:
    """How common each class is in training, (n_rows, n_columns)."""
    return np.tile(multi_hot(labels, columns).mean(axis=0), (len(given), 1))


def score(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, float]:
    columns, predictions = concluded.columns, concluded.predictions
    truth, predicted = multi_hot(given, columns), multi_hot(concluded.labels, columns)
    hits, n_given, n_predicted = (truth & predicted).sum(axis=0), truth.sum(axis=0), predicted.sum(axis=0)
    f1_of_class = share(2 * hits, n_given + n_predicted)
    (micro_low, macro_low), (micro_high, macro_high) = f1_intervals(truth, predicted)
    values = {
        "f1_macro": f1_of_class.mean(),
        "f1_macro_low": macro_low,
        "f1_macro_high": macro_high,
        "f1_micro": share(2 * hits.sum(), n_given.sum() + n_predicted.sum()),
        "f1_micro_low": micro_low,
        "f1_micro_high": micro_high,
        "f1_samples": share(
            2 * (truth & predicted).sum(axis=1), truth.sum(axis=1) + predicted.sum(axis=1), of_nothing=1.0
        ).mean(),
        "precision_macro": share(hits, n_predicted).mean(),
        "precision_micro": share(hits.sum(), n_predicted.sum()),
        "recall_macro": share(hits, n_given).mean(),
        "recall_micro": share(hits.sum(), n_given.sum()),
        "map": mean_average_precision(truth, predictions),
        "subset_accuracy": (truth == predicted).all(axis=1).mean(),
        "hamming_loss": (truth != predicted).mean(),
        "log_loss": -np.log(np.where(truth, predictions, 1 - predictions).clip(1e-15)).mean(),
        "calibration_error": calibration_error(reliability(given, concluded, bins)),
        **{f"f1_of_{name}": value for name, value in zip(columns, f1_of_class, strict=True)},
    }
    return {name: float(value) for name, value in values.items()}


def share(part: Any, whole: Any, of_nothing: float = 0.0) -> npt.NDArray[np.float64]:
    return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), of_nothing))


def f1_intervals(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """(2, 2): the low and the high ends of the 95% intervals of micro and macro F1, by the bootstrap over rows."""
    from scipy.sparse import csr_array

    rng, n_rows, n_classes = np.random.default_rng(0), *truth.shape
    counts = csr_array(np.hstack([truth & predicted, 1 * truth + predicted])).T
    found = []
    for _ in range(RESAMPLES // RESAMPLES_AT_ONCE):
        drawn = np.stack(
            [np.bincount(rng.integers(n_rows, size=n_rows), minlength=n_rows) for _ in range(RESAMPLES_AT_ONCE)], axis=1
        )
        hits, sums = np.split(counts @ drawn, [n_classes])
        found.append(
            np.stack([share(2 * hits.sum(axis=0), sums.sum(axis=0)), share(2 * hits, sums).mean(axis=0)], axis=1)
        )
    return np.asarray(np.quantile(np.concatenate(found), [0.025, 0.975], axis=0))


def mean_average_precision(truth: npt.NDArray[np.bool_], predictions: Predictions) -> float:
    """The mean over the classes that occur."""
    from sklearn.metrics import average_precision_score

    found = [
        average_precision_score(one, scores) for one, scores in zip(truth.T, predictions.T, strict=True) if one.any()
    ]
    return float(np.mean(found)) if found else 0.0


def reliability(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> "pd.DataFrame":
    """How often a class is there that is said to be, over all classes; `rows` are decisions."""
    return reliability_bins(concluded.predictions.ravel(), multi_hot(given, concluded.columns).ravel(), bins)


def plots(given: Sequence[Sequence[str]], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    pairs = [
        pair for one, other in zip(given, concluded.labels, strict=True) for pair in confusions(set(one), set(other))
    ]
    return {
        "confusion": pd.DataFrame(pairs, columns=["actual", "predicted"]),
        "reliability": reliability(given, concluded, bins),
    }


def confusions(given: set[str], predicted: set[str]) -> list[tuple[str, str]]:
    """A label that was found stands with itself, one that was missed with each that is wrong in its place, or either with none."""
    missed, wrong = sorted(given - predicted) or [NO_CLASS], sorted(predicted - given) or [NO_CLASS]
    hits = [(name, name) for name in sorted(given & predicted)]
    return hits if hits and given == predicted else hits + list(product(missed, wrong))
