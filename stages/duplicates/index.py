"""What the rows of a table are compared by, read once: keys of equal content, buckets or vectors of similar content."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from stages.contracts.compare import Comparer
from stages.core import paths
from stages.core.tables import iter_tables


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
            exact[start:end] = np.frombuffer(b"".join(map(comparer.exact_key, contents)), dtype=np.uint64).reshape(
                -1, 2
            )
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
