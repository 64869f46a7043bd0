"""Which of the rows that stay a row is similar to, in three ways: it says the same, it looks nearly the same, it means the same.

Each way is a `Finder`. It is asked about a row, and told of the row where that one stays, in the order in which it was made for; so it only ever
looks among rows that stay. Candidates come from an index, and their similarity is then computed in full.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from stages.contracts.compare import Comparer
from stages.duplicates.bitmaps import Bitmaps
from stages.duplicates.index import Traits
from stages.duplicates.neighbours import Neighbours

BLOCK = 1_024  # rows that are searched for at a time
CROWD = 20  # candidates from which it pays to rule some out
ROUNDING = 1e-5  # a candidate may seem so much less similar than it is: products are of float32

Similarity = Callable[[Any, Any], float]


@dataclass(frozen=True)
class Match:
    row: int
    similarity: float
    kind: str


class Finder(Protocol):
    def match(self, row: int) -> Match | None:
        """The most similar row that stays, at the threshold or above."""

    def add(self, row: int) -> None:
        """This row, the last that was asked about, stays."""


class SameContent:
    """Rows that say the same."""

    def __init__(self, content: npt.NDArray[np.intp], kind: str) -> None:
        self._content = content
        self._kind = kind
        self._kept = np.full(content.max(initial=-1) + 1, -1, dtype=np.intp)

    def match(self, row: int) -> Match | None:
        """The first of them that stays."""
        kept = int(self._kept[self._content[row]])
        return Match(kept, 1.0, self._kind) if kept >= 0 else None

    def add(self, row: int) -> None:
        content = self._content[row]
        if self._kept[content] < 0:
            self._kept[content] = row


class SharedBuckets:
    """Rows that have a bucket in common, compared in full."""

    def __init__(self, buckets: Traits, candidates: Mapping[int, Any], comparer: Comparer, threshold: float) -> None:
        self._traits = buckets
        self._threshold = threshold
        self._similarity = comparer.similarity
        self._fingerprint = lru_cache(maxsize=10_000)(lambda row: comparer.fingerprint(candidates[row]))
        self._by_bucket: defaultdict[int, list[int]] = defaultdict(list)
        self._bitmaps = Bitmaps(self._fingerprint)

    def match(self, row: int) -> Match | None:
        near = sorted({other for bucket in self._buckets(row) for other in self._by_bucket.get(bucket, ())})
        if len(near) > CROWD:
            possible = self._bitmaps.bounds(row, near) >= self._threshold - ROUNDING
            near = list(compress(near, possible))
        return best_match(row, near, self._fingerprint, self._similarity, self._threshold, "near")

    def add(self, row: int) -> None:
        for bucket in self._buckets(row):
            self._by_bucket[bucket].append(row)

    def _buckets(self, row: int) -> list[int]:
        buckets = self._traits.of(row)
        return cast(list[int], buckets[buckets != 0].tolist())


class NearVectors:
    """Rows whose vectors point the same way, a block of rows at a time: first among those that stay of earlier blocks, then within the block."""

    def __init__(
        self, traits: Traits, order: npt.NDArray[np.intp], similarity: Similarity, threshold: float, kind: str
    ) -> None:
        self._traits = traits
        self._order = order
        self._place = np.argsort(order)
        self._similarity = similarity
        self._threshold = threshold
        self._kind = kind
        self._earlier = Neighbours(traits.values.shape[1], len(order))
        self._open(0)

    def match(self, row: int) -> Match | None:
        inside = self._inside(row)
        near = np.flatnonzero(self._kept & (self._within[inside] >= self._threshold - ROUNDING))
        rows = {*self._block[near].tolist(), *self._before[inside].tolist()} - {-1}
        return best_match(row, sorted(rows), self._traits.of, self._similarity, self._threshold, self._kind)

    def add(self, row: int) -> None:
        self._kept[self._inside(row)] = True

    def _inside(self, row: int) -> int:
        """The place of the row in its block, which is opened if it is a new one."""
        start, inside = divmod(int(self._place[row]), BLOCK)
        if start * BLOCK != self._start:
            kept = self._block[self._kept]
            self._earlier.add(kept, self._traits.of(kept))
            self._open(start * BLOCK)
        return inside

    def _open(self, start: int) -> None:
        self._start, self._block = start, self._order[start : start + BLOCK]
        vectors = self._traits.of(self._block)
        self._kept = np.zeros(len(self._block), dtype=bool)
        self._before = self._earlier.nearest(vectors)
        self._within = vectors @ vectors.T


def best_match(
    row: int, others: list[int], trait: Callable[[int], Any], similarity: Similarity, threshold: float, kind: str
) -> Match | None:
    """The most similar of the others, the first of equals."""
    likeness = {other: similarity(trait(row), trait(other)) for other in others}
    best = max(likeness, key=likeness.__getitem__, default=None)
    return Match(best, likeness[best], kind) if best is not None and likeness[best] >= threshold else None
