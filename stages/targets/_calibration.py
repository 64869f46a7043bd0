"""Calibration: whether probabilities can be believed."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


def reliability_bins(confidence: npt.NDArray[np.float64], hits: Any, bins: int) -> "pd.DataFrame":
    """`confidence`, `accuracy` and `rows` of equal-width bins of confidence, the reliability diagram; `hits` says of each decision whether it was right."""
    import pandas as pd

    decisions = pd.DataFrame({"confidence": confidence, "accuracy": hits, "rows": 1})
    grouped = decisions.groupby(np.minimum((confidence * bins).astype(int), bins - 1))
    return pd.DataFrame(
        {
            "confidence": grouped["confidence"].mean(),
            "accuracy": grouped["accuracy"].mean(),
            "rows": grouped["rows"].sum(),
        }
    )


def calibration_error(table: "pd.DataFrame") -> float:
    """Expected calibration error (Guo et al. 2017): the mean gap between confidence and accuracy, weighted by rows."""
    return float(((table["confidence"] - table["accuracy"]).abs() * table["rows"]).sum() / table["rows"].sum())
