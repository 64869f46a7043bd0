"""Looks whether a row of one split stands in another, too; writes data/verdicts/leaks, and stops the line above `split.max_leaks`.

dedupe, split and augment each see to it that none does. This stage believes none of them: it compares what they wrote, augmented copies
included, and finetune waits for it. Kinds: the copies that dedupe looks for, rows of one group, and by time what is later than what it should predict.
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
from stages.core.run import Counts, run_stage
from stages.core.tables import Vectors, iter_tables, read_frame, read_vectors, write_frame
from stages.duplicates.finders import SharedBuckets
from stages.duplicates.index import Traits, forget_lonely, read_candidates
from stages.duplicates.neighbours import Neighbours, cosine

VERDICT = pa.schema(
    [
        ("id", pa.string()),  # a row of the later split, which must be unknown in the earlier
        ("split", pa.string()),
        ("kind", pa.string()),
        ("of", pa.string()),  # the row of the earlier split
        ("of_split", pa.string()),
        ("of_copy", pa.int32()),  # of a training row: 0, or the number of the augmented copy
        ("similarity", pa.float64()),  # of near and semantic copies
    ]
)
TABLES = {"train": paths.TRAIN, **paths.HELD_OUT}  # earlier splits must know nothing of later ones
CLOSER = (
    0.9  # candidates are looked for from this share of the threshold on, so that what dedupe's search missed is found
)
NAMED = 5  # rows, in the message


@dataclass(frozen=True)
class Leak:
    """Two rows, by their places in `read_rows`."""

    earlier: int
    later: int
    kind: Literal["exact", "near", "semantic", "group", "time"]
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
    """`id`, `split` and `copy` of all rows of the three tables, with `unit`, `group`, `time` and `source`.

    Raises:
        InputError: one of them is a row that no earlier stage knows.
    """
    found = [
        read_frame(folder, ["id", "copy"] if name == "train" else ["id"]).assign(split=name)
        for name, folder in TABLES.items()
    ]
    rows = pd.concat(found, ignore_index=True).fillna({"copy": 0}).astype({"copy": int})
    units = read_frame(paths.SPLIT_VERDICTS, ["id", "unit"])
    known = read_frame(paths.CLEANED, ["id", "group", "time", "source"]).merge(units, on="id")
    strange = rows[~rows["id"].isin(known["id"])]
    if len(strange):
        first = strange.iloc[0]
        raise InputError(
            f"{TABLES[first['split']]}: the row {first['id']} is not in {paths.CLEANED} and {paths.SPLIT_VERDICTS}; run `dvc repro` again"
        )
    return rows.merge(known, on="id", how="left")


def contents() -> Iterator[list[Any]]:
    """In the order of `read_rows`."""
    for folder in TABLES.values():
        for table in iter_tables(folder, ["content"]):
            yield table["content"].to_pylist()


def shared(keys: npt.NDArray[Any], split: npt.NDArray[Any]) -> Iterator[npt.NDArray[np.intp]]:
    """The places that have a key in common and stand in more than one split."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(keys[order][1:] != keys[order][:-1]) + 1
    yield from (places for places in np.split(order, starts) if len(places) > 1 and len(set(split[places])) > 1)


def each_later_row(places: npt.NDArray[np.intp], split: npt.NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Each row with the first that it meets in an earlier split: of a thousand that say the same, no million pairs."""
    for earlier, later in combinations(TABLES, 2):
        first = places[split[places] == earlier][:1].tolist()
        yield from ((one, other) for one in first for other in places[split[places] == later].tolist())


def exact_copies(keys: npt.NDArray[np.intp], split: npt.NDArray[Any]) -> Iterator[Leak]:
    for places in shared(keys, split):
        yield from (Leak(one, other, "exact") for one, other in each_later_row(places, split))


def contents_as_numbers(comparer: Comparer) -> npt.NDArray[np.intp]:
    """(n_rows,): equal for rows that say the same."""
    keys = np.concatenate(
        [np.frombuffer(b"".join(map(comparer.exact_key, part)), dtype=np.uint64).reshape(-1, 2) for part in contents()]
    )
    return np.asarray(np.unique(keys, axis=0, return_inverse=True)[1])


def near_copies(split: npt.NDArray[Any], comparer: Comparer, threshold: float) -> Iterator[Leak]:
    """Each row with the most similar that it has in an earlier split, where that is similar enough."""
    if comparer.signatures is None:
        yield from alike(
            np.concatenate([[comparer.fingerprint(content) for content in part] for part in contents()]),
            split,
            threshold,
            "near",
        )
        return
    buckets = np.concatenate([comparer.signatures(part, threshold * CLOSER) for part in contents()])
    forget_lonely(buckets)
    traits = Traits(buckets, np.arange(len(buckets)))
    candidates = read_candidates(traits, TABLES.values())
    for earlier, later in combinations(TABLES, 2):
        finder = SharedBuckets(traits, candidates, comparer, threshold)
        for row in np.flatnonzero(split == earlier).tolist():
            finder.add(row)
        for row in np.flatnonzero(split == later).tolist():
            match = finder.match(row)
            if match is not None:
                yield Leak(match.row, row, "near", match.similarity)


def alike(
    vectors: Vectors, split: npt.NDArray[Any], threshold: float, kind: Literal["near", "semantic"]
) -> Iterator[Leak]:
    """Each row with the nearest that it has in an earlier split, where they are near enough."""
    for earlier, later in combinations(TABLES, 2):
        known, unknown = np.flatnonzero(split == earlier), np.flatnonzero(split == later)
        found = Neighbours(vectors.shape[1], len(vectors))
        found.add(known, vectors[known])
        for other, nearest in zip(unknown.tolist(), found.nearest(vectors[unknown]).tolist(), strict=True):
            likeness = {one: cosine(vectors[one], vectors[other]) for one in sorted(nearest) if one >= 0}
            best = max(likeness, key=likeness.__getitem__, default=None)
            if best is not None and likeness[best] >= threshold:
                yield Leak(best, other, kind, likeness[best])


def same_meaning(rows: pd.DataFrame, threshold: float) -> Iterator[Leak]:
    """Augmented copies have no embedding; they mean what their originals mean."""
    places = np.flatnonzero(rows["copy"] == 0)
    vectors = read_vectors(paths.EMBEDDINGS, rows["id"].iloc[places])
    for leak in alike(vectors, rows["split"].to_numpy()[places], threshold, "semantic"):
        yield replace(leak, earlier=int(places[leak.earlier]), later=int(places[leak.later]))


def copies(rows: pd.DataFrame, comparer: Comparer, section: DedupeKeys) -> Iterator[Leak]:
    """Of the kinds that dedupe looks for; a pair is of the first kind that it is of."""
    split = rows["split"].to_numpy()
    kinds = [exact_copies(contents_as_numbers(comparer), split)]
    kinds += [near_copies(split, comparer, section.near_threshold)] if section.near else []
    kinds += [same_meaning(rows, section.semantic_threshold)] if section.semantic else []
    seen: set[tuple[int, int]] = set()
    for leak in chain(*kinds):
        if (leak.earlier, leak.later) not in seen:
            seen.add((leak.earlier, leak.later))
            yield leak


def groups(rows: pd.DataFrame) -> Iterator[Leak]:
    named = np.flatnonzero(rows["group"].notna() & (rows["copy"] == 0))
    split = rows["split"].to_numpy()
    for places in shared(rows["group"].to_numpy()[named].astype(str), split[named]):
        yield from (Leak(one, other, "group") for one, other in each_later_row(named[places], split))


def times(rows: pd.DataFrame) -> Iterator[Leak]:
    """Rows that are later than the first of a later split; a unit is as late as its latest row."""
    latest = pd.to_datetime(rows["time"], format="ISO8601", utc=True).groupby(rows["unit"]).transform("max")
    for earlier, later in combinations(TABLES, 2):
        first = latest[rows["split"] == later].idxmin()
        late = (rows["split"] == earlier) & (rows["copy"] == 0) & (latest > latest[first])
        yield from (Leak(place, first, "time") for place in np.flatnonzero(late).tolist())


def find_leaks(rows: pd.DataFrame, comparer: Comparer, params: Params) -> pd.DataFrame:
    """The table of data/verdicts/leaks."""
    found = [
        *copies(rows, comparer, params.dedupe),
        *groups(rows),
        *(times(rows) if params.split.method == "time" else ()),
    ]
    of = rows.loc[[leak.earlier for leak in found], ["id", "split", "copy"]].reset_index(drop=True)
    leaks = rows.loc[[leak.later for leak in found], ["id", "split"]].reset_index(drop=True)
    leaks = leaks.assign(kind=[leak.kind for leak in found], of=of["id"], of_split=of["split"], of_copy=of["copy"])
    return leaks.assign(similarity=[leak.similarity for leak in found]).sort_values(["id", "of", "of_copy", "kind"])


def check(leaks: pd.DataFrame, rows: pd.DataFrame, most: int) -> None:
    """
    Raises:
        InputError: more rows than `most` leak.
    """
    late = leaks["kind"] == "time"  # all of them beside the first row of the later split
    leaking = leaks.assign(row=leaks["of"].where(late, leaks["id"])).drop_duplicates("row")
    if len(leaking) > most:
        source = rows.drop_duplicates("id").set_index("id")["source"]
        named = [
            f"{source[row.id]} ({row.split}) and {source[row.of]} ({row.of_split}): {row.kind}"
            for row in leaking.head(NAMED).itertuples()
        ]
        where = f"all of them are in {paths.LEAKS}. See dedupe and collect.splits; of times and groups collect.columns"
        raise InputError(
            f"{len(leaking)} rows stand in two splits, more than split.max_leaks: {most}; {'; '.join(named)}; {where}"
        )


def main(params: Params) -> Counts:
    rows = read_rows()
    leaks = find_leaks(rows, load_comparer(params.modality), params)
    write_frame(paths.LEAKS, leaks, VERDICT)
    check(leaks, rows, params.split.max_leaks)
    pairs = leaks.drop_duplicates(["id", "of_split", "kind"]).value_counts(["of_split", "split", "kind"])
    return Counts(
        len(rows),
        more={f"{earlier}_{later}_{kind}": int(count) for (earlier, later, kind), count in sorted(pairs.items())},
    )


if __name__ == "__main__":
    run_stage("leaks", Params, main)
