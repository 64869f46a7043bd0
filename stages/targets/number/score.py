"""Metrics, plots and the constant baseline: a number per row."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.contracts.score import RowSums
from stages.core.tables import Predictions

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "mean"
HEADLINE = ("pearson", "mae", "r2", "coverage_90")

NARROW = 0.1  # of the range of the labels: predictions within it say nearly the same for every row


def constant(labels: Sequence[float], given: Sequence[float], columns: Sequence[str]) -> Predictions:
    """(n_rows, 1): the mean of the training labels."""
    return np.full((len(given), 1), np.mean(labels))


def score(given: Sequence[float], concluded: Conclusion, bins: int) -> dict[str, float]:
    """`coverage_90` is the share of labels between the predicted quantiles q05 and q95."""
    from sklearn import metrics

    truth, predicted = np.asarray(given), np.asarray(concluded.labels)
    lower, upper = quantile(concluded, "q05"), quantile(concluded, "q95")
    diagram = reliability(given, concluded)
    values = {
        **correlations(truth, predicted),
        "mae": metrics.mean_absolute_error(truth, predicted),
        "rmse": metrics.root_mean_squared_error(truth, predicted),
        "r2": metrics.r2_score(truth, predicted) if np.ptp(truth) > 0 else np.nan,
        "coverage_90": np.mean((lower <= truth) & (truth <= upper)),
        "interval_width_90": np.mean(upper - lower),
        "calibration_error": np.mean(np.abs(diagram["accuracy"] - diagram["confidence"])),
    }
    return {name: float(value) for name, value in values.items()}


def correlations(truth: npt.NDArray[np.float64], predicted: npt.NDArray[np.float64]) -> dict[str, float]:
    """Pearson's correlation with its 95% confidence interval (Fisher's transformation), and Spearman's.

    They are NaN if all labels or all predictions are equal.
    """
    from scipy.stats import pearsonr, spearmanr

    if not (np.ptp(truth) > 0 and np.ptp(predicted) > 0):
        return dict.fromkeys(("pearson", "pearson_low", "pearson_high", "spearman"), np.nan)
    interval = pearsonr(truth, predicted).confidence_interval()
    return {
        "pearson": float(np.corrcoef(truth, predicted)[0, 1]),  # as in the learning curves
        "pearson_low": interval.low,
        "pearson_high": interval.high,
        "spearman": spearmanr(truth, predicted).statistic,
    }


def judged_by(given: Sequence[float], concluded: Conclusion) -> RowSums:
    """r2, which, unlike a correlation, also sees predictions that are all too high."""
    truth, predicted = np.asarray(given, dtype=np.float64), np.asarray(concluded.labels, dtype=np.float64)
    centred = truth - truth.mean()
    scale = np.abs(centred).max() or 1.0  # the squares of very large or small numbers are none that a float can hold
    centred, errors = centred / scale, (truth - predicted) / scale
    sums = np.stack([errors**2, centred, centred**2, np.ones_like(truth)])
    return RowSums("r2", sums, _r2)


def _r2(sums: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """(n_samples,), from sums of squared errors, labels, squared labels and rows; 0 if all labels are equal."""
    errors, labels, squares, n_rows = sums
    variation = np.asarray(squares - labels**2 / n_rows)
    has_any = variation > 1e-12 * np.maximum(squares, 1e-300)
    return np.where(has_any, 1 - errors / np.where(has_any, variation, 1.0), 0.0)


def sameness(given: Sequence[float], concluded: Conclusion) -> str:
    low, high = min(concluded.labels), max(concluded.labels)
    if len(given) < 2 or high - low >= NARROW * np.ptp(given):
        return ""
    return f"predicts {low:.4g} to {high:.4g} for labels of {min(given):.4g} to {max(given):.4g}"


def never_right(given: Sequence[float], concluded: Conclusion) -> dict[str, int]:
    """None: numbers are no classes."""
    return {}


def quantile(concluded: Conclusion, name: str) -> npt.NDArray[np.float64]:
    """(n_rows,): the predicted quantile, such as q05."""
    return np.asarray(concluded.predictions[:, list(concluded.columns).index(name)])


def reliability(given: Sequence[float], concluded: Conclusion) -> "pd.DataFrame":
    """The reliability diagram of the predicted quantiles (Kuleshov, Fenner & Ermon 2018).

    `confidence` is the level of a quantile, `accuracy` the share of labels up to it.
    """
    import pandas as pd

    levels = {name: int(name[1:]) / 100 for name in concluded.columns if name.startswith("q")}
    shares = [np.mean(np.asarray(given) <= quantile(concluded, name)) for name in levels]
    return pd.DataFrame({"confidence": levels.values(), "accuracy": shares, "rows": len(given)})


def plots(given: Sequence[float], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
    import pandas as pd

    return {
        "confusion": pd.DataFrame({"actual": given, "predicted": concluded.labels}),
        "reliability": reliability(given, concluded),
    }
