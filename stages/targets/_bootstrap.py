"""The bootstrap over rows (Efron 1979). The items of one row, such as its entities, are not independent."""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.contracts.score import RowSums

RESAMPLES = 1_000
RESAMPLES_AT_ONCE = 10  # bounds the memory


def resampled(sums: RowSums) -> npt.NDArray[np.float64]:
    """(..., RESAMPLES): the metric on samples of the rows.

    They are drawn with replacement, the same for all metrics of as many rows.
    """
    from scipy.sparse import csr_array

    rng = np.random.default_rng(0)
    of_rows = csr_array(sums.of_rows)
    n_rows = of_rows.shape[1]
    values = []
    for _ in range(RESAMPLES // RESAMPLES_AT_ONCE):
        samples = [rng.integers(n_rows, size=n_rows) for _ in range(RESAMPLES_AT_ONCE)]
        times_drawn = np.stack([np.bincount(sample, minlength=n_rows) for sample in samples], axis=1)
        values.append(sums.metric(of_rows @ times_drawn))
    return np.concatenate(values, axis=-1)


def interval(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """(2, ...): the ends of the 95% interval of (..., RESAMPLES) values."""
    return np.asarray(np.quantile(values, [0.025, 0.975], axis=-1))
