"""Calibration: how well confidence agrees with accuracy."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


def reliability_bins(confidence: npt.NDArray[np.float64], hits: Any, bins: int) -> "pd.DataFrame":
    """The reliability diagram: mean `confidence`, `accuracy` and number of `rows` of each non-empty bin.

    The bins of confidence have the same width.

    Args:
        hits: whether each decision is right, (n_decisions,).
    """
    import pandas as pd

    decisions = pd.DataFrame({"confidence": confidence, "accuracy": hits, "rows": 1})
    bin_numbers = np.minimum((confidence * bins).astype(int), bins - 1)
    grouped = decisions.groupby(bin_numbers)
    return pd.DataFrame(
        {
            "confidence": grouped["confidence"].mean(),
            "accuracy": grouped["accuracy"].mean(),
            "rows": grouped["rows"].sum(),
        }
    )


def calibration_error(table: "pd.DataFrame") -> float:
    """Expected calibration error (Guo et al. 2017): the mean gap between confidence and accuracy, weighted by rows."""
    gaps = (table["confidence"] - table["accuracy"]).abs()
    return float((gaps * table["rows"]).sum() / table["rows"].sum())
