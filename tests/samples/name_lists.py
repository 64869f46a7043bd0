"""Lists of names as labels, and what an objective concludes for them."""

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.targets.categories.objective import Objective

NAMES = ["acid", "bitter", "hot", "salty", "sweet"]


def tastes(count: int, seed: int = 0, rates: tuple[float, ...] = (0.5, 0.3, 0.2, 0.1, 0.03)) -> npt.NDArray[np.bool_]:
    return np.random.default_rng(seed).random((count, len(rates))) < np.array(rates)


def as_labels(found: npt.NDArray[np.bool_]) -> list[list[str]]:
    return [[name for name, has in zip(NAMES, row, strict=True) if has] for row in found]


def concluded(probabilities: npt.NDArray[np.float64]) -> Conclusion:
    """With thresholds of 0.5."""
    return Objective(NAMES, thresholds=[0.5] * len(NAMES)).conclude(probabilities)
