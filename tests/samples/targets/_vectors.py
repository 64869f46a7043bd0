"""Makes vectors from which a probe can learn labels."""

from collections.abc import Sequence

import numpy as np

from stages.core.tables import Vectors


def separated(labels: Sequence[str]) -> Vectors:
    """(n_rows, dim): a vector of length 1 for every label, each label in its own corner."""
    rng = np.random.default_rng(0)
    corners = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    vectors = rng.normal(0, 0.1, (len(labels), len(corners) + 1))
    vectors[np.arange(len(labels)), [corners[label] for label in labels]] += 1
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
