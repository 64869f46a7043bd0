"""Finds exact and near duplicates; writes data/verdicts/duplicates: which row of each cluster stays.

A row is dropped when it equals or closely resembles a row that stays, so chains of small differences do not swallow
whole neighbourhoods. The earliest row stays, those first that a person has reviewed. Rows that the source itself holds out go before all
others and are never dropped for one of their own split, so that an official test set stays what it is.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages import paths
from stages.contracts import Comparer, load_comparer
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.tables import iter_tables, read_frame, verdict_schema, write_frame

VERDICT = verdict_schema(("cluster", pa.string()), ("duplicate_of", pa.string()), ("similarity", pa.float64()), ("label_conflict", pa.bool_()))
HELD_OUT_FIRST = {"test": 0, "validation": 1}


class Section(Strict):
    near: bool = Field(description="whether near duplicates are looked for; exact ones always are")
    near_threshold: float = Field(
        gt=0, le=1, description="similarity from which two rows are near duplicates: Jaccard's of character 5-grams, or the correlation of thumbnails"
    )


class Params(Strict):
    modality: str
    dedupe: Section


@dataclass(frozen=True)
class Index:
    """What duplicates are found by, for all rows in the order of the table."""

    content: npt.NDArray[np.intp]  # (n_rows,): a number for what the row says; equal for rows that say the same
    buckets: npt.NDArray[np.uint64]  # (n_contents, n_bands): contents with a bucket in common may be near duplicates; 0 where one is alone


@dataclass(frozen=True)
class Match:
    row: int
    similarity: float
    reason: str


def build_index(comparer: Comparer, section: Section, n_rows: int) -> Index:
    """Reads all content once; holds 16 bytes a row, and 8 more a band."""
    exact = np.zeros((n_rows, 2), dtype=np.uint64)
    buckets = np.zeros((n_rows, 0), dtype=np.uint64)
    start = 0
    with tqdm(total=n_rows, desc="dedupe: index", unit=" rows", disable=None) as progress:
        for table in iter_tables(paths.CLEANED, ["content"]):
            contents = table["content"].to_pylist()
            end = start + len(contents)
            exact[start:end] = np.frombuffer(b"".join(map(comparer.exact_key, contents)), dtype=np.uint64).reshape(-1, 2)
            if section.near:
                signatures = comparer.signatures(contents, section.near_threshold)
                if not buckets.size:
                    buckets = np.zeros((n_rows, signatures.shape[1]), dtype=np.uint64)
                buckets[start:end] = signatures
            progress.update(end - start)
            start = end
    _, first, content = np.unique(exact.view("V16").reshape(-1), return_index=True, return_inverse=True)
    buckets = buckets[first]
    forget_lonely(buckets)
    return Index(content, buckets)


def forget_lonely(buckets: npt.NDArray[np.uint64]) -> None:
    """Sets to 0, in place, what no other row shares: most of it, so that few rows need a closer look."""
    for band in buckets.T:
        order = np.argsort(band, kind="stable")
        same = band[order][1:] == band[order][:-1]
        alone = ~(np.append(same, False) | np.append(False, same))
        band[order[alone]] = 0


def read_candidates(index: Index) -> dict[int, Any]:
    """The content of the rows that share a bucket with another row."""
    wanted = np.any(index.buckets != 0, axis=1)[index.content]
    found: dict[int, Any] = {}
    start = 0
    for table in iter_tables(paths.CLEANED, ["content"]) if wanted.any() else ():
        rows = np.flatnonzero(wanted[start : start + table.num_rows])
        found.update(zip((rows + start).tolist(), table["content"].take(rows).to_pylist(), strict=True))
        start += table.num_rows
    return found


class Kept:
    """The rows that stay, found again by exact key and by bucket."""

    def __init__(self, index: Index, candidates: Mapping[int, Any], comparer: Comparer, threshold: float) -> None:
        self._index = index
        self._candidates = candidates
        self._threshold = threshold
        self._similarity = comparer.similarity
        self._fingerprint = lru_cache(maxsize=10_000)(lambda row: comparer.fingerprint(candidates[row]))
        self._by_content = np.full(len(index.buckets), -1, dtype=np.intp)
        self._by_bucket: defaultdict[int, list[int]] = defaultdict(list)

    def match(self, row: int) -> Match | None:
        """The first row that stays and says the same, else the most similar one at the threshold or above."""
        equal = int(self._by_content[self._index.content[row]])
        if equal >= 0:
            return Match(equal, 1.0, "exact_duplicate")
        near = {other for bucket in self._buckets(row) for other in self._by_bucket.get(bucket, ())}
        likeness = {other: self._similarity(self._fingerprint(row), self._fingerprint(other)) for other in sorted(near)}
        best = max(likeness, key=likeness.__getitem__, default=None)
        return Match(best, likeness[best], "near_duplicate") if best is not None and likeness[best] >= self._threshold else None

    def add(self, row: int) -> None:
        content = self._index.content[row]
        if self._by_content[content] < 0:
            self._by_content[content] = row
        for bucket in self._buckets(row):
            self._by_bucket[bucket].append(row)

    def _buckets(self, row: int) -> list[int]:
        buckets = self._index.buckets[self._index.content[row]]
        return cast(list[int], buckets[buckets != 0].tolist())


def find_duplicates(rows: pd.DataFrame, kept: Kept) -> pd.DataFrame:
    """The verdict on every row; `rows` has `id`, `label`, `given_split` and `reviewed`."""
    splits = rows["given_split"].tolist()
    rank = rows["given_split"].map(HELD_OUT_FIRST).fillna(len(HELD_OUT_FIRST)).to_numpy()
    order = np.lexsort((~rows["reviewed"].to_numpy(dtype=bool), rank))  # by rank, then by review, then as they stand
    cluster = np.arange(len(rows))  # the row that the cluster is named after
    matches: dict[int, Match] = {}
    reasons: dict[int, str] = {}
    for row in tqdm(order.tolist(), desc="dedupe: match", unit=" rows", disable=None):
        match = kept.match(row)
        if match is not None:
            matches[row] = match
            cluster[row] = cluster[match.row]
            reasons[row] = reason_to_drop(splits[row], splits[match.row], match)
        if not reasons.get(row):
            kept.add(row)
    return as_verdicts(rows, cluster, matches, reasons)


def reason_to_drop(split: str | None, other: str | None, match: Match) -> str:
    """Empty for a row that the source holds out and that repeats a row of its own split."""
    if split == other and other in HELD_OUT_FIRST:
        return ""
    return "duplicate_of_held_out" if other in HELD_OUT_FIRST else match.reason


def as_verdicts(rows: pd.DataFrame, cluster: npt.NDArray[np.int64], matches: Mapping[int, Match], reasons: Mapping[int, str]) -> pd.DataFrame:
    ids = rows["id"].to_numpy()
    places = range(len(rows))
    return pd.DataFrame(
        {
            "id": ids,
            "keep": [not reasons.get(row) for row in places],
            "reason": [reasons.get(row) or None for row in places],
            "cluster": ids[cluster],
            "duplicate_of": [ids[matches[row].row] if row in matches else None for row in places],
            "similarity": [matches[row].similarity if row in matches else None for row in places],
            "label_conflict": rows["label"].map(str).groupby(cluster).transform("nunique").to_numpy() > 1,  # as text: lists cannot be counted
        }
    )


def main(params: Params) -> Counts:
    comparer = load_comparer(params.modality)
    rows = read_frame(paths.CLEANED, ["id", "label", "given_split"])
    rows = rows.merge(read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"]), on="id", how="left")
    index = build_index(comparer, params.dedupe, len(rows))
    verdicts = find_duplicates(rows, Kept(index, read_candidates(index), comparer, params.dedupe.near_threshold))
    write_frame(paths.DUPLICATE_VERDICTS, verdicts, VERDICT)
    sizes = verdicts["cluster"].value_counts()
    conflicts = verdicts.loc[verdicts["label_conflict"], "cluster"].nunique()
    dropped = verdicts["reason"].value_counts().to_dict()
    return Counts(len(rows), dropped, {"clusters": int((sizes > 1).sum()), "clusters_with_label_conflict": int(conflicts)})


if __name__ == "__main__":
    run_stage("dedupe", Params, main)
