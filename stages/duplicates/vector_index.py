"""Nearest-neighbour search in vectors with faiss: exact for few vectors, approximate for many.

Exact search (a flat index) compares all pairs, so its cost grows with the square of the rows: 100,000 rows take
minutes, a million hours. The cost per row of a graph index (HNSW, Malkov & Yashunin 2018) grows little with the number
of rows, but it misses a few neighbours. The edges of the graph depend on the order in which threads add vectors, so it
is built on one thread.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.core.tables import Vectors

FLAT_ROWS = 100_000  # the largest number of rows for exact search
LINKS = 32  # edges of the graph per row
BUILD_DEPTH = 80  # candidates per row while the graph is built (efConstruction)
SEARCH_DEPTH = 64  # candidates per row while it is searched (efSearch)
DIGITS = 6  # decimals of a cosine: further ones depend on the order of summation
# More than one, because rounding may swap two vectors of nearly equal similarity, and because a row that stays beside
# near duplicates with other labels must be tied to all of them.
N_NEAREST = 32


class VectorIndex:
    """A faiss index of vectors of length 1, each stored with the number of its row."""

    def __init__(self, dim: int, max_rows: int) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self._rows = np.zeros(0, dtype=np.intp)
        if max_rows <= FLAT_ROWS:
            self._index: Any = faiss.IndexFlatIP(dim)
        else:
            self._index = faiss.IndexHNSWFlat(dim, LINKS, faiss.METRIC_INNER_PRODUCT)
            self._index.hnsw.efConstruction, self._index.hnsw.efSearch = BUILD_DEPTH, SEARCH_DEPTH

    def add(self, rows: npt.NDArray[np.intp], vectors: Vectors) -> None:
        """Adds the vectors of these rows, (n_rows, dim)."""
        if len(rows):
            self._index.add(np.ascontiguousarray(vectors))
            self._rows = np.append(self._rows, rows)

    def nearest(self, vectors: Vectors) -> npt.NDArray[np.intp]:
        """The rows that are most similar to each vector: (n_vectors, N_NEAREST), padded with -1.

        If the index is empty, the shape is (n_vectors, 0).
        """
        if not len(self._rows):
            return np.zeros((len(vectors), 0), dtype=np.intp)
        _, positions = self._index.search(np.ascontiguousarray(vectors), N_NEAREST)
        return np.where(positions >= 0, self._rows[positions], -1)


def cosine(one: Vectors, other: Vectors) -> float:
    """The cosine of two vectors of length 1; 0 if it is negative.

    It is rounded: so it does not depend on the order of summation, and a vector's cosine to itself is exactly 1.
    """
    product = float(one.astype(np.float64) @ other.astype(np.float64))
    return round(min(1.0, max(0.0, product)), DIGITS)
