"""Finds rows unlike everything else, and measures how far each lies from its class; writes data/verdicts/outliers.

The distance of a row is the cosine distance to its k-th nearest neighbour among the rows that dedupe keeps (Ramaswamy, Rastogi & Shim 2000): strange rows
often come in small groups, such as ten reviews in another language, and k is larger than such a group, or its members vouch for each other. The score is a
robust z-score: how many standard deviations the distance lies above the median, had the upper half of all distances been a normal one's. So 3.5 means the
same in every data set (Iglewicz & Hoaglin 1993), and data without strange rows lose next to none.

Labels decide nothing here, so that no held-out label can: `class_score` says the same of the distance to rows of the same class, and is only reported.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field

from stages.contracts.label import load_target
from stages.core import paths
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import Vectors, iter_tables, one_of, read_frame, vectors_of, verdict_schema, write_frame

DIGITS = 6  # of a cosine: further ones depend on the order of summation


VERDICT = verdict_schema(
    ("score", pa.float64()),
    ("nearest", pa.string()),
    ("class_score", pa.float64()),
    ("class_nearest", pa.string()),
    ("far_from_class", pa.bool_()),
)
SAMPLE = 10_000  # rows that all are compared with; of more, a sample: cost grows with the rows, and strange ones get rarer among the neighbours
BATCH_ROWS = 10_000  # at a time
CLASS_SAMPLE = 100  # of each class at least, however many classes share SAMPLE
FEW = 20  # rows of a class that count as much as all others where its scale is estimated
UPPER_QUARTILE = 0.6745  # of the standard normal distribution
LEAST_SPREAD = (
    1e-3  # a cosine distance that is no difference: where most rows say the same, the spread would be nothing
)

Ids = npt.NDArray[np.object_]
Part = tuple[Ids, Vectors]  # (n_rows,) and (n_rows, dim)
Parts = Callable[[], Iterable[Part]]  # read twice, so that memory is bounded by a part


class Section(Strict):
    neighbours: int = Field(
        ge=1,
        description="k: the distance that counts is that to the k-th nearest row; larger than any group of strange rows. Of few rows, a tenth",
    )
    threshold: float | None = Field(
        gt=0,
        description="outliers have a higher score: how many robust standard deviations they lie too far off; null: none is",
    )


class Params(Strict):
    target: str
    outliers: Section


def search(known: Vectors, vectors: Vectors, k: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """The cosines and the places of the k most similar of `known`, all of length 1: (n_vectors, k) each, nearest first, of equals the first.

    Exactly, on one thread and rounded: so that the order of summation shows nowhere.
    """
    import faiss
    from threadpoolctl import threadpool_limits

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(known.shape[1])
    index.add(np.ascontiguousarray(known, dtype=np.float32))
    with threadpool_limits(1):
        found, places = index.search(np.ascontiguousarray(vectors, dtype=np.float32), k)
    cosines: npt.NDArray[np.float64] = found.astype(np.float64).round(DIGITS)
    order = np.lexsort((places, -cosines), axis=1)
    return np.take_along_axis(cosines, order, axis=1), np.take_along_axis(places, order, axis=1)


@dataclass(frozen=True)
class Reference:
    """Rows that others are compared with."""

    ids: Ids  # (n_known,), sorted, so that of equally near rows the smallest id is the nearest
    vectors: Vectors  # (n_known, dim)

    def distances(self, ids: Ids, vectors: Vectors, neighbours: int) -> pd.DataFrame:
        """`id`, `distance` to the k-th nearest other row and the `nearest` one; empty where there is no other."""
        n_known = len(self.ids)
        if n_known < 2:
            return pd.DataFrame({"id": ids, "distance": np.nan, "nearest": None})
        k = max(1, min(neighbours, n_known // 10))
        similarities, places = search(self.vectors, vectors, k + 1)
        itself = self.ids[places] == ids[:, None]
        itself[~itself.any(axis=1), -1] = (
            True  # not among the reference, or more than k say the same: the last is one too many
        )
        others = (~itself).nonzero()[1].reshape(-1, k)
        distances = 1 - np.take_along_axis(similarities, others[:, -1:], axis=1)[:, 0]
        return pd.DataFrame(
            {
                "id": ids,
                "distance": distances,
                "nearest": self.ids[np.take_along_axis(places, others[:, :1], axis=1)[:, 0]],
            }
        )


@dataclass(frozen=True)
class Scale:
    """Where distances lie, and how far they spread upwards: outliers, which are too far off, have no part in either."""

    median: float
    spread: float

    @classmethod
    def of(cls, distances: pd.Series) -> Self:
        median, quartile = distances.quantile([0.5, 0.75])
        return cls(median, (quartile - median) / UPPER_QUARTILE)

    def shrunk(self, towards: Self, n_rows: int) -> "Scale":
        """The fewer the rows that it comes from, the more it is that of all."""
        share = n_rows / (n_rows + FEW)
        return Scale(
            share * self.median + (1 - share) * towards.median, share * self.spread + (1 - share) * towards.spread
        )

    def scores(self, distances: pd.Series) -> pd.Series:
        return ((distances - self.median) / max(self.spread, LEAST_SPREAD)).round(4)


def sample(ids: Ids, most: int) -> Ids:
    """Ids are hashes of rows: the smallest are a random sample, of which most stay when rows are added."""
    return np.sort(ids)[:most]


def members(classes: Mapping[str, Sequence[str]]) -> dict[str, Ids]:
    """The rows of each class; `classes` are those of each row."""
    pairs = pd.DataFrame([(name, row) for row, names in classes.items() for name in names], columns=["name", "row"])
    return {str(name): rows.to_numpy(dtype=object) for name, rows in pairs.groupby("name")["row"]}


def references(wanted: Mapping[str | None, Ids], parts: Parts) -> dict[str | None, Reference]:
    """With the vectors of the rows that each consists of."""
    every = set().union(*wanted.values())
    vectors = {
        row: vector.copy() for ids, part in parts() for row, vector in zip(ids, part, strict=True) if row in every
    }
    return {name: Reference(ids, np.stack([vectors[row] for row in ids])) for name, ids in wanted.items()}


def measure(classes: Mapping[str, Sequence[str]], parts: Parts, neighbours: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The distances of each row: among all rows, and among those of each of its classes (with the `name` of the class)."""
    grouped = members(classes)
    share = max(CLASS_SAMPLE, SAMPLE // max(1, len(grouped)))
    wanted: dict[str | None, Ids] = {
        None: sample(np.array(list(classes), dtype=object), SAMPLE),
        **{name: sample(rows, share) for name, rows in grouped.items()},
    }
    known = references(wanted, parts)
    among_all, among_class = [], []
    for ids, vectors in parts():
        among_all.append(known[None].distances(ids, vectors, neighbours))
        place = {row: number for number, row in enumerate(ids)}
        for name, rows in members({row: classes[row] for row in ids}).items():
            among_class.append(
                known[name].distances(rows, vectors[[place[row] for row in rows]], neighbours).assign(name=name)
            )
    return pd.concat(among_all, ignore_index=True), pd.concat(among_class, ignore_index=True)


def class_scores(distances: pd.DataFrame) -> pd.DataFrame:
    """`class_score` and `class_nearest` by id: of several classes, that which a row fits best."""
    overall = Scale.of(distances["distance"])
    scored = [
        rows.assign(score=Scale.of(rows["distance"]).shrunk(overall, len(rows)).scores(rows["distance"]))
        for _, rows in distances.groupby("name")
    ]
    best = pd.concat(scored).dropna(subset="score").sort_values(["score", "name"]).drop_duplicates("id").set_index("id")
    return best.rename(columns={"score": "class_score", "nearest": "class_nearest"})[["class_score", "class_nearest"]]


def find_outliers(classes: Mapping[str, Sequence[str]], parts: Parts, section: Section) -> pd.DataFrame:
    """The verdict on every row.

    Args:
        classes: those of each row, by id.
        parts: the vectors of all these rows.
    """
    among_all, among_class = measure(classes, parts, section.neighbours)
    scores = Scale.of(among_all["distance"]).scores(among_all["distance"])
    threshold = math.inf if section.threshold is None else section.threshold
    verdicts = among_all[["id", "nearest"]].assign(score=scores.fillna(0.0), keep=~(scores > threshold))
    verdicts["reason"] = pd.Series("far_from_all", index=verdicts.index, dtype=object).where(~verdicts["keep"], None)
    verdicts = verdicts.merge(class_scores(among_class), left_on="id", right_index=True, how="left")
    return verdicts.assign(far_from_class=verdicts["keep"] & (verdicts["class_score"] > threshold))


def read_classes(target: str) -> dict[str, tuple[str, ...]]:
    """Of the rows that dedupe keeps, by id."""
    duplicates = read_frame(paths.DUPLICATE_VERDICTS, ["id", "keep"])
    rows = duplicates[duplicates["keep"]].merge(read_frame(paths.CLEANED, ["id", "label"]), on="id")
    return dict(zip(rows["id"], load_target(target).strata(rows["label"].tolist()), strict=True))


def read_parts(ids: Iterable[str]) -> Iterator[Part]:
    wanted = one_of(ids)
    for table in iter_tables(paths.EMBEDDINGS, ["id", "vector"], BATCH_ROWS):
        found = table.filter(wanted(table["id"]))
        if len(found):
            yield found["id"].to_numpy(), vectors_of(found["vector"])


def main(params: Params) -> Counts:
    classes = read_classes(params.target)
    verdicts = find_outliers(classes, lambda: read_parts(classes), params.outliers)
    write_frame(paths.OUTLIER_VERDICTS, verdicts, VERDICT)
    return Counts(
        len(verdicts),
        verdicts["reason"].value_counts().to_dict(),
        {"far_from_class": int(verdicts["far_from_class"].sum())},
    )


if __name__ == "__main__":
    run_stage("outliers", Params, main)
