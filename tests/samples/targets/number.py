"""Samples of number."""

from collections.abc import Sequence

import numpy as np

from stages.core.tables import Vectors
from tests.samples.kinds import TargetSamples


def along(labels: Sequence[float]) -> Vectors:
    """(n_rows, dim): a vector of length 1 for every number, which it is nearly a linear function of."""
    places = (np.asarray(labels) - np.mean(labels)) / (1.2 * np.ptp(labels))
    vectors = np.stack([places, np.sqrt(1 - places**2)], axis=1) + np.random.default_rng(0).normal(
        0, 0.01, (len(labels), 2)
    )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


NUMBERS = [number % 18 / 4 for number in range(0, 18 * 5, 5)]


SAMPLES = TargetSamples(
    labels=NUMBERS,
    vectors=along(NUMBERS),
    params={"minimum": 0.0, "maximum": 5.0},
    cleaned={" 2.5\n": 2.5, "1e-1": 0.1, "0": 0.0, "5": 5.0},
    reasons={"missing_label": " \t", "not_a_number": "nan", "out_of_range": "5.01"},
)
