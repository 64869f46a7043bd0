"""The most similar of many vectors, with faiss: exactly where they are few, approximately where that would take too long.

Flat search compares all pairs, so its cost grows with the square of the rows: at 100,000 rows that is minutes, at a million hours. A graph
(HNSW, Malkov & Yashunin 2018) costs little more a row the more rows there are, and misses a few. One thread builds it, as its edges depend on who comes first.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from stages.core.tables import Vectors

FLAT_ROWS = 100_000
LINKS, BUILD_DEPTH, SEARCH_DEPTH = (
    32,
    80,
    64,
)  # of the graph: edges a row, and rows that are looked at while it is built and searched
DIGITS = 6  # of a cosine: further ones depend on the order of summation
CLOSE = 4  # more than one, as rounding may exchange two that are equally near


class Neighbours:
    """Vectors of length 1, each under a number."""

    def __init__(self, dim: int, most_rows: int) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self._numbers = np.zeros(0, dtype=np.intp)
        if most_rows <= FLAT_ROWS:
            self._index: Any = faiss.IndexFlatIP(dim)
        else:
            self._index = faiss.IndexHNSWFlat(dim, LINKS, faiss.METRIC_INNER_PRODUCT)
            self._index.hnsw.efConstruction, self._index.hnsw.efSearch = BUILD_DEPTH, SEARCH_DEPTH

    def add(self, numbers: npt.NDArray[np.intp], vectors: Vectors) -> None:
        if len(numbers):
            self._index.add(np.ascontiguousarray(vectors))
            self._numbers = np.append(self._numbers, numbers)

    def nearest(self, vectors: Vectors) -> npt.NDArray[np.intp]:
        """(n_vectors, at most CLOSE): the numbers of the nearest, -1 where there are no more."""
        if not len(self._numbers):
            return np.zeros((len(vectors), 0), dtype=np.intp)
        _, places = self._index.search(np.ascontiguousarray(vectors), CLOSE)
        return np.where(places >= 0, self._numbers[places], -1)


def cosine(one: Vectors, other: Vectors) -> float:
    """Of two vectors of length 1; 0 where it is negative. Rounded, so that it does not depend on the order of summation, and a vector is like itself to 1."""
    return round(min(1.0, max(0.0, float(one.astype(np.float64) @ other.astype(np.float64)))), DIGITS)
