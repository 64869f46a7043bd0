"""Finds near duplicates by shared buckets or similar vectors, and semantic duplicates by similar vectors."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import compress
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stages.contracts.compare import Comparer
from stages.duplicates.bitmaps import Bitmaps
from stages.duplicates.exact_duplicates import Match
from stages.duplicates.index import Signatures
from stages.duplicates.vector_index import VectorIndex

BLOCK = 1_024  # rows whose vectors are compared at a time
FEW_CANDIDATES = 20  # up to this number, bitmaps cost more time than they save
ROUNDING = 1e-5  # how far a product of float32 vectors may be below the exact similarity
Similarity = Callable[[Any, Any], float]


class BucketFinder:
    """Finds near duplicates among the kept rows that share a bucket with a row."""

    def __init__(self, buckets: Signatures, contents: Mapping[int, Any], comparer: Comparer, threshold: float) -> None:
        """
        Args:
            buckets: the bucket keys of all rows.
            contents: the content of each row that shares a bucket with another row (`read_candidates`).
            threshold: the smallest similarity of near duplicates.
        """
        self._all_buckets = buckets
        self._threshold = threshold
        self._similarity = comparer.similarity
        self._fingerprint = lru_cache(maxsize=10_000)(lambda row: comparer.fingerprint(contents[row]))
        self._kept_by_bucket: defaultdict[int, list[int]] = defaultdict(list)
        self._bitmaps = Bitmaps(self._fingerprint)

    def matches(self, row: int) -> list[Match]:
        candidates: set[int] = set()
        for bucket in self._buckets(row):
            candidates.update(self._kept_by_bucket.get(bucket, ()))
        similar = self._rule_out(row, sorted(candidates))
        return similar_rows(row, similar, self._fingerprint, self._similarity, self._threshold, "near")

    def add(self, row: int) -> None:
        for bucket in self._buckets(row):
            self._kept_by_bucket[bucket].append(row)

    def _rule_out(self, row: int, candidates: list[int]) -> list[int]:
        """The candidates whose similarity may reach the threshold, as far as bitmaps tell."""
        if len(candidates) <= FEW_CANDIDATES:
            return candidates
        possible = self._bitmaps.bounds(row, candidates) >= self._threshold - ROUNDING
        return list(compress(candidates, possible))

    def _buckets(self, row: int) -> list[int]:
        """The keys of the buckets that a row shares with other rows."""
        buckets = self._all_buckets.take(row)
        return cast(list[int], buckets[buckets != 0].tolist())


class VectorFinder:
    """Finds rows with similar vectors, a block of rows at a time.

    A row is compared with the kept rows of its block, and with those of earlier blocks that an index yields.
    """

    def __init__(
        self,
        vectors: Signatures,
        order: npt.NDArray[np.intp],
        similarity: Similarity,
        threshold: float,
        kind: str,
    ) -> None:
        """
        Args:
            vectors: the vectors of all rows.
            order: (n_rows,) the rows in the order in which they are passed to `matches`.
            similarity: the exact similarity of two vectors.
            threshold: the smallest similarity of duplicates.
            kind: the kind of the matches.
        """
        self._vectors = vectors
        self._order = order
        self._position = np.argsort(order)  # of each row in `order`
        self._similarity = similarity
        self._threshold = threshold
        self._kind = kind
        self._earlier = VectorIndex(vectors.values.shape[1], len(order))
        self._open_block(0)

    def matches(self, row: int) -> list[Match]:
        position = self._position_in_block(row)
        similar = self._kept & (self._products[position] >= self._threshold - ROUNDING)
        in_block = self._block[similar].tolist()
        in_earlier_blocks = self._nearest_earlier[position].tolist()
        candidates = {*in_block, *in_earlier_blocks} - {-1}
        return similar_rows(row, sorted(candidates), self._vectors.take, self._similarity, self._threshold, self._kind)

    def add(self, row: int) -> None:
        self._kept[self._position_in_block(row)] = True

    def _position_in_block(self, row: int) -> int:
        """The position of a row in its block; opens the block if it is the next one."""
        start, position = divmod(int(self._position[row]), BLOCK)
        if start * BLOCK != self._start:
            kept = self._block[self._kept]
            self._earlier.add(kept, self._vectors.take(kept))
            self._open_block(start * BLOCK)
        return position

    def _open_block(self, start: int) -> None:
        self._start = start
        self._block = self._order[start : start + BLOCK]
        self._kept = np.zeros(len(self._block), dtype=bool)
        vectors = self._vectors.take(self._block)
        self._nearest_earlier = self._earlier.nearest(vectors)  # (n_block_rows, n_nearest): kept rows of earlier blocks
        self._products = vectors @ vectors.T  # (n_block_rows, n_block_rows): cosines within the block


def similar_rows(
    row: int,
    candidates: Sequence[int],
    fingerprint: Callable[[int], Any],
    similarity: Similarity,
    threshold: float,
    kind: str,
) -> list[Match]:
    """The candidates whose similarity reaches the threshold, the most similar first, in order of rows if equal."""
    similarities = [(similarity(fingerprint(row), fingerprint(other)), other) for other in candidates]
    similar = [(value, other) for value, other in similarities if value >= threshold]
    similar.sort(key=lambda pair: (-pair[0], pair[1]))
    return [Match(other, value, kind) for value, other in similar]
