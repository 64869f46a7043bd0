"""The keys by which rows are compared, computed in one pass: of exact content, and signatures of near duplicates."""

from collections.abc import Iterable, Sequence
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
class Signatures:
    """The signature of each row; rows of the same content share one.

    A signature is either the bucket keys of locality-sensitive hashing, one per band (near duplicates very likely share
    a key in some band; 0: no other row has this key), or a vector of length 1.
    """

    values: npt.NDArray[Any]  # (n_signatures, n_bands or dim)
    index: npt.NDArray[np.intp]  # (n_rows,): the index of each row's signature in `values`

    def take(self, rows: Any) -> Any:
        """The signature of one row, (n_bands or dim,), or of several, (n_rows, n_bands or dim)."""
        return self.values[self.index[rows]]


@dataclass(frozen=True)
class Index:
    """The keys of all rows, in the order of the table."""

    content: npt.NDArray[np.intp]  # (n_rows,): equal for rows of the same content, and only for them
    size: npt.NDArray[np.int64]  # (n_rows,): the length of the content; 0 if it was not asked for
    near: Signatures


def build_index(comparer: Comparer, near_threshold: float | None, sized: bool, n_rows: int) -> Index:
    """Reads the content of all cleaned rows once. The index takes 24 bytes per row, plus the signatures.

    Args:
        near_threshold: the similarity at which near duplicates must be found; None: no signatures are computed.
        sized: whether the lengths of contents are computed.
        n_rows: the number of cleaned rows.
    """
    exact = np.zeros((n_rows, 2), dtype=np.uint64)
    size = np.zeros(n_rows, dtype=np.int64)
    near: npt.NDArray[Any] = np.zeros((n_rows, 0), dtype=np.uint64)
    start = 0
    with tqdm(total=n_rows, desc="dedupe: index", unit=" rows", disable=None) as progress:
        for table in iter_tables(paths.CLEANED, ["content"]):
            contents = table["content"].to_pylist()
            end = start + len(contents)
            exact[start:end] = exact_keys(comparer, contents)
            if sized:
                size[start:end] = list(map(comparer.size, contents))
            if near_threshold is not None:
                signatures = near_signatures(comparer, contents, near_threshold)
                if not near.size:  # the first batch shows how many columns there are
                    near = np.zeros((n_rows, signatures.shape[1]), dtype=signatures.dtype)
                near[start:end] = signatures
            progress.update(end - start)
            start = end
    _, first_rows, content = np.unique(exact.view("V16").reshape(-1), return_index=True, return_inverse=True)
    near = near[first_rows]
    if comparer.signatures is not None:
        clear_unshared(near)
    return Index(content, size, Signatures(near, content))


def exact_keys(comparer: Comparer, contents: Iterable[Any]) -> npt.NDArray[np.uint64]:
    """The exact keys of contents, (n_contents, 2): equal for exact duplicates only."""
    return np.frombuffer(b"".join(map(comparer.exact_key, contents)), dtype=np.uint64).reshape(-1, 2)


def near_signatures(comparer: Comparer, contents: Sequence[Any], threshold: float) -> npt.NDArray[Any]:
    """The signatures of contents, (n_contents, n_bands or dim)."""
    if comparer.signatures is None:
        return np.stack([comparer.fingerprint(content) for content in contents])
    return comparer.signatures(contents, threshold)


def clear_unshared(buckets: npt.NDArray[np.uint64]) -> None:
    """Sets bucket keys that occur once in their band to 0, in place. Most do, so few rows remain to be compared.

    Args:
        buckets: (n_signatures, n_bands).
    """
    for band in buckets.T:
        order = np.argsort(band, kind="stable")
        equals_previous = band[order][1:] == band[order][:-1]
        unshared = ~(np.append(equals_previous, False) | np.append(False, equals_previous))
        band[order[unshared]] = 0


def read_candidates(buckets: Signatures, folders: Iterable[Path]) -> dict[int, Any]:
    """The content of the rows that share a bucket with another row, by row number.

    Args:
        buckets: the bucket keys of all rows of the tables, after `clear_unshared`.
        folders: the tables; their rows are numbered from the first table to the last.
    """
    is_candidate = np.any(buckets.values != 0, axis=1)[buckets.index]
    contents: dict[int, Any] = {}
    if not is_candidate.any():
        return contents
    start = 0
    for table in chain.from_iterable(iter_tables(folder, ["content"]) for folder in folders):
        rows = np.flatnonzero(is_candidate[start : start + table.num_rows])
        contents.update(zip((rows + start).tolist(), table["content"].take(rows).to_pylist(), strict=True))
        start += table.num_rows
    return contents
