"""Which of the rows that stay a row is similar to, in three ways: it says the same, it looks nearly the same, it means the same.

Each way is a `Finder`. It is asked about a row, and told of the row where that one stays, in the order in which it was made for; so it only ever
looks among rows that stay. Candidates come from an index, and their similarity is then computed in full.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from stages import paths
from stages.bitmaps import Bitmaps
from stages.contracts import Comparer
from stages.neighbours import Neighbours
from stages.tables import iter_tables

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


# --- what is read of the content ---


@dataclass(frozen=True)
class Traits:
    """What near rows are found by: buckets, of which they share some (0 where a row is alone), or vectors."""

    values: npt.NDArray[Any]  # (n_values, n_buckets or dim)
    place: npt.NDArray[np.intp]  # (n_rows,): which of the values a row has

    def of(self, rows: Any) -> Any:
        """Of one row or of several."""
        return self.values[self.place[rows]]


@dataclass(frozen=True)
class Index:
    """What equal and near rows are found by, in the order of the table."""

    content: npt.NDArray[np.intp]  # (n_rows,): a number for what the row says; equal for rows that say the same
    size: npt.NDArray[np.int64]  # (n_rows,): how long it is; 0 where nobody asks
    near: Traits


def build_index(comparer: Comparer, near_threshold: float | None, sized: bool, n_rows: int) -> Index:
    """Reads all content once; holds 24 bytes a row and, where near rows are looked for (`near_threshold` is given), its traits."""
    exact = np.zeros((n_rows, 2), dtype=np.uint64)
    size = np.zeros(n_rows, dtype=np.int64)
    near: npt.NDArray[Any] = np.zeros((n_rows, 0), dtype=np.uint64)
    start = 0
    with tqdm(total=n_rows, desc="dedupe: index", unit=" rows", disable=None) as progress:
        for table in iter_tables(paths.CLEANED, ["content"]):
            contents = table["content"].to_pylist()
            end = start + len(contents)
            exact[start:end] = np.frombuffer(b"".join(map(comparer.exact_key, contents)), dtype=np.uint64).reshape(-1, 2)
            if sized:
                size[start:end] = list(map(comparer.size, contents))
            if near_threshold is not None:
                values = near_values(comparer, contents, near_threshold)
                near = near if near.size else np.zeros((n_rows, values.shape[1]), dtype=values.dtype)
                near[start:end] = values
            progress.update(end - start)
            start = end
    _, first, content = np.unique(exact.view("V16").reshape(-1), return_index=True, return_inverse=True)
    near = near[first]
    if comparer.signatures is not None:
        forget_lonely(near)
    return Index(content, size, Traits(near, content))


def near_values(comparer: Comparer, contents: list[Any], threshold: float) -> npt.NDArray[Any]:
    """(n_contents, n_buckets or dim)"""
    if comparer.signatures is None:
        return np.stack([comparer.fingerprint(content) for content in contents])
    return comparer.signatures(contents, threshold)


def forget_lonely(buckets: npt.NDArray[np.uint64]) -> None:
    """Sets to 0, in place, what no other row shares: most of it, so that few rows need a closer look."""
    for band in buckets.T:
        order = np.argsort(band, kind="stable")
        same = band[order][1:] == band[order][:-1]
        alone = ~(np.append(same, False) | np.append(False, same))
        band[order[alone]] = 0


def read_candidates(buckets: Traits, folders: Iterable[Path]) -> dict[int, Any]:
    """The content of the rows that share a bucket with another row; the rows are those of the tables of `folders`, one after the other."""
    wanted = np.any(buckets.values != 0, axis=1)[buckets.place]
    found: dict[int, Any] = {}
    start = 0
    for table in chain.from_iterable(iter_tables(folder, ["content"]) for folder in folders) if wanted.any() else ():
        rows = np.flatnonzero(wanted[start : start + table.num_rows])
        found.update(zip((rows + start).tolist(), table["content"].take(rows).to_pylist(), strict=True))
        start += table.num_rows
    return found


# --- the three ways ---


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

    def __init__(self, traits: Traits, order: npt.NDArray[np.intp], similarity: Similarity, threshold: float, kind: str) -> None:
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


def best_match(row: int, others: list[int], trait: Callable[[int], Any], similarity: Similarity, threshold: float, kind: str) -> Match | None:
    """The most similar of the others, the first of equals."""
    likeness = {other: similarity(trait(row), trait(other)) for other in others}
    best = max(likeness, key=likeness.__getitem__, default=None)
    return Match(best, likeness[best], kind) if best is not None and likeness[best] >= threshold else None
