"""Exact search for the nearest vectors with faiss; its bits do not depend on the machine."""

import numpy as np
import numpy.typing as npt

from stages.core.tables import Vectors

DIGITS = 6  # decimals of a cosine: further ones depend on the order of summation


def nearest_neighbours(
    known: Vectors, vectors: Vectors, k: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """The k vectors of `known` most similar to each of `vectors`: their cosines and positions. All have length 1.

    Both are (n_vectors, k), the most similar first, and of equal cosines the first of `known`. The search is exact, on
    one thread, and cosines are rounded: so the order of summation cannot change the result.
    """
    import faiss
    from threadpoolctl import threadpool_limits

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(known.shape[1])
    index.add(np.ascontiguousarray(known, dtype=np.float32))
    with threadpool_limits(1):
        products, positions = index.search(np.ascontiguousarray(vectors, dtype=np.float32), k)
    cosines: npt.NDArray[np.float64] = products.astype(np.float64).round(DIGITS)
    order = np.lexsort((positions, -cosines), axis=1)
    return np.take_along_axis(cosines, order, axis=1), np.take_along_axis(positions, order, axis=1)
