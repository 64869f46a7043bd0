"""Metrics, plots and the constant baseline of a number."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions

if TYPE_CHECKING:
    import pandas as pd

CONSTANT = "mean"
HEADLINE = ("pearson", "mae", "r2", "coverage_90")


def constant(labels: Sequence[float], given: Sequence[float], columns: Sequence[str]) -> Predictions:
    """The mean, (n_rows, 1)."""
    return np.full((len(given), 1), np.mean(labels))


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
        "calibration_error": np.mean(
            [abs(row.accuracy - row.confidence) for row in reliability(given, concluded).itertuples()]
        ),
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

    return {
        "confusion": pd.DataFrame({"actual": given, "predicted": concluded.labels}),
        "reliability": reliability(given, concluded),
    }
