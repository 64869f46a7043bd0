"""Whether the labels of two duplicates agree: a label is a number."""

from collections.abc import Callable, Sequence

import numpy as np

TOLERANCE = 0.25  # of the standard deviation of all labels


def agreement(labels: Sequence[float]) -> Callable[[float, float], bool]:
    """Numbers agree if they differ little: two people seldom give exactly the same one."""
    tolerance = TOLERANCE * float(np.std(labels))

    def agree(one: float, other: float) -> bool:
        return abs(one - other) <= tolerance

    return agree
