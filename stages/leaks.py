"""Finds rows that occur in more than one split; writes data/verdicts/leaks, and stops if they are too many.

dedupe, split and augment each prevent leaks. This stage does not rely on them: it compares the tables that they wrote,
with augmented copies, and finetune runs only if there are no more than `split.max_leaks`. Leaks are of these kinds: the
duplicates that dedupe searches for (exact, near, semantic), rows of one group, and for splits by time, rows that are
later than the rows that they are used to predict.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import ConfigDict

from stages.contracts.compare import Comparer, load_comparer
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import Vectors, iter_tables, read_frame, read_vectors, write_frame
from stages.core.words import counted
from stages.duplicates.index import Signatures, clear_unshared, exact_keys, near_signatures, read_candidates
from stages.duplicates.near_duplicates import BucketFinder, similar_rows
from stages.duplicates.vector_index import VectorIndex, cosine

VERDICT = pa.schema(
    [
        ("id", pa.string()),  # a row of the later split
        ("split", pa.string()),
        ("kind", pa.string()),
        ("of", pa.string()),  # a row of the earlier split, which must not know `id`
        ("of_split", pa.string()),
        ("of_copy", pa.int32()),  # 0 for an original row, else the number of its augmented copy
        ("similarity", pa.float64()),  # of near and semantic duplicates; else null
    ]
)
TABLES = {"train": paths.TRAIN, **paths.HELD_OUT}  # from earlier to later: a split must not know rows of later ones
# Candidates are searched for at this fraction of the threshold, to find near duplicates that dedupe missed.
SEARCH_MARGIN = 0.9
NAMED = 5  # the number of rows that the message names

Kind = Literal["exact", "near", "semantic", "group", "time"]


@dataclass(frozen=True)
class Leak:
    """A pair of rows, by their positions in `read_rows`."""

    earlier: int  # in the earlier split
    later: int  # in the later split
    kind: Kind
    similarity: float | None = None


class SplitKeys(Strict):
    model_config = ConfigDict(extra="ignore")
    method: str
    max_leaks: int


class DedupeKeys(Strict):
    model_config = ConfigDict(extra="ignore")
    near: bool
    near_threshold: float
    semantic: bool
    semantic_threshold: float


class Params(Strict):
    modality: str
    dedupe: DedupeKeys
    split: SplitKeys


def read_rows() -> pd.DataFrame:
    """All rows of the three tables: `id`, `split`, `copy` (0 for originals), `unit`, `group`, `time` and `source`.

    Raises:
        InputError: a row is not in the tables of earlier stages.
    """
    tables = []
    for name, folder in TABLES.items():
        columns = ["id", "copy"] if name == "train" else ["id"]
        tables.append(read_frame(folder, columns).assign(split=name))
    rows = pd.concat(tables, ignore_index=True).fillna({"copy": 0}).astype({"copy": int})
    units = read_frame(paths.SPLIT_VERDICTS, ["id", "unit"])
    known = read_frame(paths.CLEANED, ["id", "group", "time", "source"]).merge(units, on="id")
    unknown = rows[~rows["id"].isin(known["id"])]
    if len(unknown):
        first = unknown.iloc[0]
        raise InputError(
            f"{TABLES[first['split']]}: the row {first['id']} is not in {paths.CLEANED} and {paths.SPLIT_VERDICTS}; "
            "run `dvc repro` again"
        )
    return rows.merge(known, on="id", how="left")


def read_contents() -> Iterator[list[Any]]:
    """The contents in the order of `read_rows`, a batch at a time."""
    for folder in TABLES.values():
        for table in iter_tables(folder, ["content"]):
            yield table["content"].to_pylist()


def rows_in_two_splits(keys: npt.NDArray[Any], split: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.intp]]:
    """The positions of the rows of each key that occurs in more than one split."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
    for rows in np.split(order, starts):
        if len(rows) > 1 and len(set(split[rows])) > 1:
            yield rows


def pair_with_first(rows: npt.NDArray[np.intp], split: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """(earlier, later) pairs of rows of the same key: each row with the first one of every earlier split.

    All pairs would be too many: a thousand equal rows have half a million.
    """
    for earlier, later in combinations(TABLES, 2):
        first = rows[split[rows] == earlier][:1].tolist()
        for one in first:
            yield from ((one, other) for other in rows[split[rows] == later].tolist())


def exact_copies(keys: npt.NDArray[np.intp], split: npt.NDArray[Any]) -> Iterator[Leak]:
    for rows in rows_in_two_splits(keys, split):
        yield from (Leak(earlier, later, "exact") for earlier, later in pair_with_first(rows, split))


def content_numbers(comparer: Comparer) -> npt.NDArray[np.intp]:
    """A number for the content of each row, (n_rows,): equal for rows of the same content, and only for them."""
    keys = np.concatenate([exact_keys(comparer, contents) for contents in read_contents()])
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1])


def near_copies(split: npt.NDArray[Any], comparer: Comparer, threshold: float) -> Iterator[Leak]:
    """Each row with its most similar row of every earlier split, if their similarity reaches the threshold."""
    search_threshold = threshold * SEARCH_MARGIN
    signatures = np.concatenate([near_signatures(comparer, contents, search_threshold) for contents in read_contents()])
    if comparer.signatures is None:
        yield from similar_vectors(signatures, split, threshold, "near")
        return
    clear_unshared(signatures)
    buckets = Signatures(signatures, np.arange(len(signatures)))
    contents = read_candidates(buckets, TABLES.values())
    for earlier, later in combinations(TABLES, 2):
        finder = BucketFinder(buckets, contents, comparer, threshold)
        for row in np.flatnonzero(split == earlier).tolist():
            finder.add(row)
        for row in np.flatnonzero(split == later).tolist():
            for match in finder.matches(row)[:1]:
                yield Leak(match.row, row, "near", match.similarity)


def similar_vectors(vectors: Vectors, split: npt.NDArray[Any], threshold: float, kind: Kind) -> Iterator[Leak]:
    """Each row with its nearest row of every earlier split, if their cosine reaches the threshold.

    Args:
        vectors: (n_rows, dim), of length 1.
        split: (n_rows,).
    """
    for earlier, later in combinations(TABLES, 2):
        earlier_rows, later_rows = np.flatnonzero(split == earlier), np.flatnonzero(split == later)
        index = VectorIndex(vectors.shape[1], len(vectors))
        index.add(earlier_rows, vectors[earlier_rows])
        nearest = index.nearest(vectors[later_rows])
        for row, candidates in zip(later_rows.tolist(), nearest.tolist(), strict=True):
            matches = similar_rows(row, sorted(set(candidates) - {-1}), vectors.__getitem__, cosine, threshold, kind)
            for match in matches[:1]:
                yield Leak(match.row, row, kind, match.similarity)


def semantic_copies(rows: pd.DataFrame, threshold: float) -> Iterator[Leak]:
    """Similar embeddings. Augmented copies have none: they mean what their originals mean, and are left out."""
    originals = np.flatnonzero(rows["copy"] == 0)
    vectors = read_vectors(paths.EMBEDDINGS, rows["id"].iloc[originals])
    for leak in similar_vectors(vectors, rows["split"].to_numpy()[originals], threshold, "semantic"):
        yield replace(leak, earlier=int(originals[leak.earlier]), later=int(originals[leak.later]))


def copies(rows: pd.DataFrame, comparer: Comparer, section: DedupeKeys) -> Iterator[Leak]:
    """Duplicates of the kinds that dedupe searches for, each pair once: as exact, else near, else semantic."""
    split = rows["split"].to_numpy()
    kinds = [exact_copies(content_numbers(comparer), split)]
    if section.near:
        kinds.append(near_copies(split, comparer, section.near_threshold))
    if section.semantic:
        kinds.append(semantic_copies(rows, section.semantic_threshold))
    seen: set[tuple[int, int]] = set()
    for leak in chain(*kinds):
        if (leak.earlier, leak.later) not in seen:
            seen.add((leak.earlier, leak.later))
            yield leak


def same_groups(rows: pd.DataFrame) -> Iterator[Leak]:
    """Original rows of one group."""
    grouped = np.flatnonzero(rows["group"].notna() & (rows["copy"] == 0))
    groups = rows["group"].to_numpy()[grouped].astype(str)
    split = rows["split"].to_numpy()
    for positions in rows_in_two_splits(groups, split[grouped]):
        pairs = pair_with_first(grouped[positions], split)
        yield from (Leak(earlier, later, "group") for earlier, later in pairs)


def late_rows(rows: pd.DataFrame) -> Iterator[Leak]:
    """Original rows that are later than the first row of a later split, paired with it.

    The time of a row is the latest of its unit.
    """
    latest = pd.to_datetime(rows["time"], format="ISO8601", utc=True).groupby(rows["unit"]).transform("max")
    for earlier, later in combinations(TABLES, 2):
        first = latest[rows["split"] == later].idxmin()
        is_late = (rows["split"] == earlier) & (rows["copy"] == 0) & (latest > latest[first])
        yield from (Leak(row, first, "time") for row in np.flatnonzero(is_late).tolist())


def find_leaks(rows: pd.DataFrame, comparer: Comparer, params: Params) -> pd.DataFrame:
    """The table of data/verdicts/leaks, in the columns of VERDICT."""
    pairs = [*copies(rows, comparer, params.dedupe), *same_groups(rows)]
    if params.split.method == "time":
        pairs += late_rows(rows)
    of = rows.loc[[leak.earlier for leak in pairs], ["id", "split", "copy"]].reset_index(drop=True)
    leaks = rows.loc[[leak.later for leak in pairs], ["id", "split"]].reset_index(drop=True)
    leaks = leaks.assign(kind=[leak.kind for leak in pairs], of=of["id"], of_split=of["split"], of_copy=of["copy"])
    return leaks.assign(similarity=[leak.similarity for leak in pairs]).sort_values(["id", "of", "of_copy", "kind"])


def check(leaks: pd.DataFrame, rows: pd.DataFrame, max_leaks: int) -> list[DataWarning]:
    """A warning if rows leak, but not too many.

    Raises:
        InputError: more than `max_leaks`.
    """
    is_late = leaks["kind"] == "time"  # late rows are all paired with one row, so the rows of the earlier split count
    leaks = leaks.assign(row=leaks["of"].where(is_late, leaks["id"])).drop_duplicates("row")
    if leaks.empty:
        return []
    if len(leaks) <= max_leaks:
        return [DataWarning(f"{len(leaks):,} rows occur in two splits; {paths.LEAKS} lists them", "split.max_leaks")]
    source = rows.drop_duplicates("id").set_index("id")["source"]
    examples = [
        f"{source[leak.id]} ({leak.split}) and {source[leak.of]} ({leak.of_split}): {leak.kind}"
        for leak in leaks.head(NAMED).itertuples()
    ]
    raise InputError(
        f"{len(leaks)} rows occur in two splits, more than split.max_leaks: {max_leaks}; {'; '.join(examples)}; "
        f"{paths.LEAKS} lists all. See dedupe and collect.splits; for the kinds time and group, collect.columns"
    )


def main(params: Params) -> Counts:
    rows = read_rows()
    leaks = find_leaks(rows, load_comparer(params.modality), params)
    write_frame(paths.LEAKS, leaks, VERDICT)
    warnings = check(leaks, rows, params.split.max_leaks)
    pairs = leaks.drop_duplicates(["id", "of_split", "kind"]).value_counts(["of_split", "split", "kind"])
    counts = {f"{earlier}_{later}_{kind}": int(count) for (earlier, later, kind), count in sorted(pairs.items())}
    leaking = counted(len(leaks), "pair") + " of rows that leak" if len(leaks) else "no row of one in another"
    found = [f"compared {counted(len(rows), 'row')} of train, validation and test: found {leaking}"]
    return Counts(len(rows), more=counts, warnings=warnings, found=found)


if __name__ == "__main__":
    run_stage("leaks", Params, main)
