"""Finds rows unlike all others, and measures how far each row is from its class; writes data/verdicts/outliers.

The distance of a row is the cosine distance to its k-th nearest neighbour among the rows that dedupe keeps (Ramaswamy,
Rastogi & Shim 2000). Strange rows often come in small groups, such as ten reviews in another language. So k must be
larger than such a group: otherwise its members are near neighbours of each other.

The score is a robust z-score of the distance: its difference from the median, in standard deviations of the normal
distribution with this median and upper quartile. So 3.5 means the same in every data set (Iglewicz & Hoaglin 1993), and
data without strange rows lose almost none.

No row is dropped because of its label, so held-out labels cannot influence which rows stay: `class_score`, the same
score for the distance to rows of the same class, is only reported.
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
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import Vectors, iter_tables, one_of, read_frame, vectors_of, verdict_schema, write_frame
from stages.core.words import counted
from stages.vectors.nearest import nearest_neighbours

VERDICT = verdict_schema(
    ("score", pa.float64()),
    ("nearest", pa.string()),
    ("class_score", pa.float64()),
    ("class_nearest", pa.string()),
    ("far_from_class", pa.bool_()),
)
# The largest number of rows that all are compared with. A sample takes less time, and thins out groups of strange rows.
SAMPLE = 10_000
BATCH_ROWS = 10_000  # rows that are read and searched for at a time
CLASS_SAMPLE = 100  # the smallest sample of a class, however many classes share SAMPLE
SHRINKAGE_ROWS = 20  # a class of so many rows has a scale halfway between its own and that of all rows
UPPER_QUARTILE = 0.6745  # of the standard normal distribution
MIN_SPREAD = 1e-3  # a negligible cosine distance: if most rows are equal, their spread is 0

UNUSUAL_OUTLIERS = 0.05  # a larger share of the rows is worth a warning,
UNUSUAL_IN_CLASS = 0.2  # and so is a larger share of a class,
FEW_OUTLIERS = 5  # if it is not fewer rows than this

Ids = npt.NDArray[np.object_]
Part = tuple[Ids, Vectors]  # (n_rows,) and (n_rows, dim)
Parts = Callable[[], Iterable[Part]]  # reads all vectors part by part, so that one part is in memory at a time


class Section(Strict):
    neighbours: int = Field(
        ge=1,
        description="k: the distance of a row is that to its k-th nearest row; choose k larger than any group of "
        "strange rows. k is at most a tenth of the number of rows",
    )
    threshold: float | None = Field(
        gt=0,
        description="rows with a higher score are outliers; the score is in robust standard deviations above the "
        "median distance; null: no row is an outlier",
    )


class Params(Strict):
    target: str
    outliers: Section


@dataclass(frozen=True)
class Reference:
    """A sample of rows with which other rows are compared."""

    ids: Ids  # (n_known,), sorted, so that of equally near rows the one with the smallest id is the nearest
    vectors: Vectors  # (n_known, dim)

    def distances(self, ids: Ids, vectors: Vectors, neighbours: int) -> pd.DataFrame:
        """Columns: `id`, the `distance` to the k-th nearest other row, and the id of the `nearest` one.

        Distances are NaN if the sample has fewer than two rows.
        """
        n_known = len(self.ids)
        if n_known < 2:
            return pd.DataFrame({"id": ids, "distance": np.nan, "nearest": None})
        k = max(1, min(neighbours, n_known // 10))
        cosines, positions = nearest_neighbours(self.vectors, vectors, k + 1)
        is_itself = self.ids[positions] == ids[:, None]
        # A row is not in its k + 1 nearest if it is not in the sample, or if more than k rows equal it: omit the last.
        is_itself[~is_itself.any(axis=1), -1] = True
        others = (~is_itself).nonzero()[1].reshape(-1, k)  # the columns of the k nearest other rows, the nearest first
        nearest, kth = others[:, :1], others[:, -1:]
        return pd.DataFrame(
            {
                "id": ids,
                "distance": 1 - np.take_along_axis(cosines, kth, axis=1)[:, 0],
                "nearest": self.ids[np.take_along_axis(positions, nearest, axis=1)[:, 0]],
            }
        )


@dataclass(frozen=True)
class Scale:
    """The median of distances and their spread upwards. Outliers affect neither, as both come from quantiles."""

    median: float
    spread: float  # an estimate of the standard deviation, from the upper quartile

    @classmethod
    def of(cls, distances: pd.Series) -> Self:
        median, quartile = distances.quantile([0.5, 0.75])
        return cls(median, (quartile - median) / UPPER_QUARTILE)

    def shrunk(self, towards: Self, n_rows: int) -> "Scale":
        """A weighted mean of this scale, estimated from `n_rows`, and another: with few rows, near the other."""
        weight = n_rows / (n_rows + SHRINKAGE_ROWS)
        median = weight * self.median + (1 - weight) * towards.median
        spread = weight * self.spread + (1 - weight) * towards.spread
        return Scale(median, spread)

    def scores(self, distances: pd.Series) -> pd.Series:
        """Robust z-scores."""
        return ((distances - self.median) / max(self.spread, MIN_SPREAD)).round(4)


def sample(ids: Ids, size: int) -> Ids:
    """The smallest ids, sorted: a random sample, as ids are hashes, and one that changes little when rows are added."""
    return np.sort(ids)[:size]


def members(classes: Mapping[str, Sequence[str]]) -> dict[str, Ids]:
    """The ids of the rows of each class, from the classes of each row."""
    pairs = pd.DataFrame([(name, row) for row, names in classes.items() for name in names], columns=["name", "row"])
    return {str(name): rows.to_numpy(dtype=object) for name, rows in pairs.groupby("name")["row"]}


def references(samples: Mapping[str | None, Ids], parts: Parts) -> dict[str | None, Reference]:
    """Adds the vectors to samples of ids."""
    sampled = set().union(*samples.values())
    vectors: dict[str, Vectors] = {}
    for ids, part in parts():
        for row, vector in zip(ids, part, strict=True):
            if row in sampled:
                vectors[row] = vector.copy()  # a view would keep the whole part in memory
    return {name: Reference(ids, np.stack([vectors[row] for row in ids])) for name, ids in samples.items()}


def measure(classes: Mapping[str, Sequence[str]], parts: Parts, neighbours: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The distances of each row: to all rows, and to the rows of each of its classes (with the `name` of the class)."""
    rows_by_class = members(classes)
    class_sample = max(CLASS_SAMPLE, SAMPLE // max(1, len(rows_by_class)))
    samples: dict[str | None, Ids] = {None: sample(np.array(list(classes), dtype=object), SAMPLE)}
    samples |= {name: sample(rows, class_sample) for name, rows in rows_by_class.items()}
    known = references(samples, parts)
    to_all, to_class = [], []
    for ids, vectors in parts():
        to_all.append(known[None].distances(ids, vectors, neighbours))
        position = {row: number for number, row in enumerate(ids)}
        for name, rows in members({row: classes[row] for row in ids}).items():
            class_vectors = vectors[[position[row] for row in rows]]
            to_class.append(known[name].distances(rows, class_vectors, neighbours).assign(name=name))
    return pd.concat(to_all, ignore_index=True), pd.concat(to_class, ignore_index=True)


def class_scores(distances: pd.DataFrame) -> pd.DataFrame:
    """`class_score` and `class_nearest` by id; of several classes of a row, those with the smallest score."""
    overall = Scale.of(distances["distance"])
    scored = []
    for _, rows in distances.groupby("name"):
        scale = Scale.of(rows["distance"]).shrunk(overall, len(rows))
        scored.append(rows.assign(score=scale.scores(rows["distance"])))
    best = pd.concat(scored).dropna(subset="score").sort_values(["score", "name"]).drop_duplicates("id").set_index("id")
    return best.rename(columns={"score": "class_score", "nearest": "class_nearest"})[["class_score", "class_nearest"]]


def find_outliers(classes: Mapping[str, Sequence[str]], parts: Parts, section: Section) -> pd.DataFrame:
    """The verdict of every row, in the columns of VERDICT.

    Args:
        classes: the classes of each row, by id.
        parts: reads the vectors of all these rows.
    """
    to_all, to_class = measure(classes, parts, section.neighbours)
    scores = Scale.of(to_all["distance"]).scores(to_all["distance"])
    threshold = math.inf if section.threshold is None else section.threshold
    verdicts = to_all[["id", "nearest"]].assign(score=scores.fillna(0.0), keep=~(scores > threshold))
    verdicts["reason"] = pd.Series("far_from_all", index=verdicts.index, dtype=object).where(~verdicts["keep"], None)
    verdicts = verdicts.merge(class_scores(to_class), left_on="id", right_index=True, how="left")
    return verdicts.assign(far_from_class=verdicts["keep"] & (verdicts["class_score"] > threshold))


def warnings(verdicts: pd.DataFrame, classes: Mapping[str, Sequence[str]], closed: bool) -> list[DataWarning]:
    """Warnings about many outliers, and, if the classes are a closed set, about a class that has many."""
    outliers = set(verdicts.loc[~verdicts["keep"], "id"])
    found = []
    if len(outliers) > UNUSUAL_OUTLIERS * len(verdicts) and len(outliers) >= FEW_OUTLIERS:
        message = f"{len(outliers):,} rows ({len(outliers) / len(verdicts):.0%}) are outliers"
        found.append(DataWarning(message, "outliers.threshold"))
    if not closed:
        return found
    for name, rows in members(classes).items():
        n_outliers = len(outliers.intersection(rows))
        if n_outliers > UNUSUAL_IN_CLASS * len(rows) and n_outliers >= FEW_OUTLIERS:
            message = f"{n_outliers:,} of the {len(rows):,} rows with the label {name!r} are outliers"
            found.append(DataWarning(message, "outliers.threshold"))
    return found


def read_classes(target: str) -> dict[str, tuple[str, ...]]:
    """The classes of each row that dedupe keeps, by id."""
    duplicates = read_frame(paths.DUPLICATE_VERDICTS, ["id", "keep"])
    rows = duplicates[duplicates["keep"]].merge(read_frame(paths.CLEANED, ["id", "label"]), on="id")
    return dict(zip(rows["id"], load_target(target).strata(rows["label"].tolist()), strict=True))


def read_parts(ids: Iterable[str]) -> Iterator[Part]:
    """The ids and vectors of these rows, a part at a time."""
    is_wanted = one_of(ids)
    for table in iter_tables(paths.EMBEDDINGS, ["id", "vector"], BATCH_ROWS):
        part = table.filter(is_wanted(table["id"]))
        if len(part):
            yield part["id"].to_numpy(), vectors_of(part["vector"])


def sentences(verdicts: pd.DataFrame) -> Iterator[str]:
    n_outliers, n_rows = int((~verdicts["keep"]).sum()), counted(len(verdicts), "row")
    marked = f"marked {n_outliers:,} of {n_rows} as unlike all others"
    yield f"{marked}; split drops those that are training rows" if n_outliers else marked
    if n_far := int(verdicts["far_from_class"].sum()):
        yield f"found {n_far:,} of {n_rows} far from the rows with the same label, which stay"


def main(params: Params) -> Counts:
    classes = read_classes(params.target)
    verdicts = find_outliers(classes, lambda: read_parts(classes), params.outliers)
    write_frame(paths.OUTLIER_VERDICTS, verdicts, VERDICT)
    return Counts(
        len(verdicts),
        verdicts["reason"].value_counts().to_dict(),
        {"far_from_class": int(verdicts["far_from_class"].sum())},
        warnings(verdicts, classes, load_target(params.target).CLOSED),
        {"far_from_all": "outliers.threshold"},
        list(sentences(verdicts)),
    )


if __name__ == "__main__":
    run_stage("outliers", Params, main)
