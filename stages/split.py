"""Puts every row into train, validation or test; writes data/verdicts/split, data/validation and data/test.

Duplicates are dropped from every split. Outliers are dropped from the training rows only: a model in use meets outliers
too, so the held-out rows keep theirs. All rows of a duplicate cluster or a group are in one split. Splits that the
source gives are kept; the others are drawn from its training rows. Four methods draw them: evenly over labels, by time,
by hash (no row changes its split when rows are added), or one of k folds.
"""

from collections.abc import Iterator, Mapping
from itertools import compress
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.label import NO_CLASS, Target, load_target
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import iter_tables, new_table, read_frame, read_schema, verdict_schema, write_frame
from stages.core.words import by_reason, counted
from stages.labels.collected import collected_labels
from stages.splits.draw import by_fold, by_hash, by_time, with_train
from stages.splits.stratify import deal
from stages.splits.unusual import of_classes, of_shares, of_units

VERDICT = verdict_schema(("split", pa.string()), ("unit", pa.string()))
# The key of params.yaml that decides about a reason.
SEE = {
    "duplicate": "dedupe",
    "outlier": "outliers.threshold",
    "gap": "split.gap",
    "group_of_held_out": "collect.columns.group",
}
# A reason after a number of rows.
WORDS = {
    "duplicate": "repeating others",
    "outlier": "unlike all others",
    "gap": "too close in time to held-out rows",
    "group_of_held_out": "of groups that are held out",
}
NAMED = 20  # the number of labels that a message names
LATER = {"train": ["validation", "test"], "validation": ["test"]}  # the splits whose rows must not leak into a split


class Section(Strict):
    method: Literal["stratified", "time", "stable", "kfold"] = Field(
        description="stratified: evenly over labels; time: the latest rows are the test rows; stable: by hash, no row "
        "changes its split when rows are added; kfold: the fold `fold` is the test set"
    )
    validation: float = Field(
        gt=0, lt=0.5, description="share of validation rows; not used if the source gives validation rows"
    )
    test: float = Field(
        gt=0,
        lt=0.5,
        description="share of test rows; not used if the source gives test rows, or with kfold, where `folds` decides",
    )
    gap: float = Field(
        ge=0,
        le=36_525,
        description="method time: rows of the last `gap` days before the first validation row are dropped from train, "
        "and rows of the last `gap` days before the first test row from train and validation",
    )
    folds: int = Field(ge=2, description="method kfold: the number of folds, equal in size and evenly over labels")
    fold: int = Field(
        ge=0,
        description="method kfold: the index of the fold, from 0, that is the test set; if the source gives the test "
        "set, the validation set",
    )
    max_leaks: int = Field(
        ge=0,
        description="the largest number of rows that may occur, exactly or nearly, in two splits; if there are more, "
        "the pipeline stops. data/verdicts/leaks lists them",
    )

    @model_validator(mode="after")
    def check_fold(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"fold is {self.fold}, but folds is {self.folds}; give a fold from 0 to {self.folds - 1}")
        return self


class Params(Strict):
    target: str
    seed: int = Field(ge=0, lt=2**32, description="the seed of all random choices, together with the ids of rows")
    split: Section


def read_rows() -> pd.DataFrame:
    """The cleaned rows without content, with the verdicts of the stages before.

    Columns: `id`, `label`, `group`, `time`, `source`, `given_split`; `cluster` and `unique` from dedupe; `typical`,
    False for outliers that nobody reviewed; `reviewed` and, of these rows, `source_label` from clean; `unit`.
    """
    rows = read_frame(paths.CLEANED, ["id", "label", "group", "time", "source", "given_split"])
    duplicates = read_frame(paths.DUPLICATE_VERDICTS, ["id", "keep", "cluster"]).rename(columns={"keep": "unique"})
    outliers = read_frame(paths.OUTLIER_VERDICTS, ["id", "keep"]).rename(columns={"keep": "typical"})
    reviewed = read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed", "source_label"])
    rows = rows.merge(duplicates, on="id").merge(outliers, on="id", how="left").merge(reviewed, on="id")
    rows["typical"] = rows["typical"].fillna(True).astype(bool) | rows["reviewed"]
    return rows.assign(unit=units(rows["cluster"], rows["group"]))


def units(clusters: pd.Series, groups: pd.Series) -> npt.NDArray[np.str_]:
    """The unit of each row, (n_rows,): rows that share a cluster or a group, directly or transitively, share a unit.

    A unit is named after its smallest group, with a `#` before it, or if it has no group, after its cluster. The name
    of a group stays the same when rows are added, so the method `stable` does not move the unit.
    """
    from scipy.cluster.hierarchy import DisjointSet  # slow to import, and every stage imports this module

    connected = DisjointSet(groups.dropna())  # groups that share a cluster
    group_of: dict[str, str] = {}  # the first group of each cluster that has one
    for cluster, group in zip(clusters, groups, strict=True):
        if isinstance(group, str):
            connected.merge(group, group_of.setdefault(cluster, group))
    unit_of: dict[str, str] = {}  # by group
    for subset in connected.subsets():
        unit_of.update(dict.fromkeys(subset, f"#{min(subset)}"))
    return np.array([unit_of[group_of[name]] if name in group_of else name for name in clusters], dtype=str)


def draw(rows: pd.DataFrame, strata: list[tuple[str, ...]], section: Section, seed: int) -> npt.NDArray[np.str_]:
    """The split of every row, (n_rows,). Splits that the source gives stay; others are drawn from the training rows."""
    given = set(rows["given_split"].dropna())
    shares = {name: getattr(section, name) for name in paths.HELD_OUT if name not in given}
    split = np.array(rows["given_split"].fillna("train"), dtype="U10")
    # A unit with a given held-out row must not be drawn into another held-out split.
    held_out_units = set(rows.loc[split != "train", "unit"])
    free = (split == "train") & ~rows["unit"].isin(held_out_units).to_numpy()
    units, strata = rows.loc[free, "unit"], list(compress(strata, free))
    if section.method == "time" and shares:
        split[free] = by_time(read_times(rows[free]), units, shares)
    elif section.method == "stable":
        split[free] = by_hash(units, shares, seed)
    elif section.method == "kfold":
        split[free] = by_fold(units.tolist(), strata, shares, section.folds, section.fold, seed)
    else:
        split[free] = deal(units.tolist(), strata, with_train(shares), seed)
    return split


def dealt_strata(rows: pd.DataFrame, target: Target) -> list[tuple[str, ...]]:
    """The strata of the labels as they were collected: no row changes its split because a person corrected a label.

    A class that only corrected rows have is dealt too.
    """
    collected = target.strata(collected_labels(rows))
    known = {name for names in collected for name in names}
    corrected = target.strata(rows["label"].tolist())
    return [was if known.issuperset(now) else now for was, now in zip(collected, corrected, strict=True)]


def read_times(rows: pd.DataFrame) -> pd.Series:
    """The times of rows as UTC timestamps.

    Raises:
        InputError: a row has no time, or one that is not ISO 8601.
    """
    texts = rows["time"].astype(object)
    dates = texts.where(texts.astype(str).str[:1].str.isdecimal())  # pandas would also accept words such as "now"
    times = pd.to_datetime(dates, format="ISO8601", errors="coerce", utc=True)
    if times.isna().any():
        bad = rows[times.isna()].iloc[0]
        problem = f"the time {bad['time']!r}" if isinstance(bad["time"], str) else "no time"
        raise InputError(
            f"split.method: time, but {bad['source']} has {problem}; "
            "collect.columns.time must name a column of ISO 8601 dates in every row"
        )
    return times


def in_gap(rows: pd.DataFrame, split: npt.NDArray[np.str_], days: float) -> npt.NDArray[np.bool_]:
    """Whether a row is less than `days` older than the first row of a later split, (n_rows,).

    The time of a later split's row is that of the latest row of its unit.
    """
    times = read_times(rows)
    latest = times.groupby(rows["unit"]).transform("max")
    inside = np.zeros(len(rows), dtype=bool)
    for name, later in LATER.items():
        start = latest[np.isin(split, later)].min() - pd.Timedelta(days=days)
        inside |= (split == name) & (times > start).to_numpy()
    return inside


def drop_reasons(rows: pd.DataFrame, split: npt.NDArray[np.str_], section: Section) -> npt.NDArray[np.object_]:
    """The reason for which each row is dropped, (n_rows,); None if it is kept."""
    reasons = np.full(len(rows), None, dtype=object)
    reasons[(split == "train") & ~rows["typical"]] = "outlier"
    if section.method == "time" and section.gap:
        reasons[in_gap(rows, split, section.gap)] = "gap"
    for name, later in LATER.items():
        units_of_later = set(rows.loc[rows["unique"] & np.isin(split, later), "unit"])
        reasons[(split == name) & rows["unit"].isin(units_of_later)] = "group_of_held_out"
    reasons[~rows["unique"]] = "duplicate"
    return reasons


def check_labels(split: npt.NDArray[np.str_], strata: list[tuple[str, ...]], given: bool, closed: bool) -> None:
    """Checks that no split is empty, and that the classes are in the splits that need them.

    If the strata are a closed set, each of them (except NO_CLASS) must be in train, and unless the source gives splits,
    in the held-out splits too.

    Args:
        split: the split of every row; empty if the row is dropped.
        strata: the strata of every row.
        given: whether the source gives splits.
        closed: whether the strata are a closed set (`Target.CLOSED`).

    Raises:
        InputError: a split is empty, or a stratum is not in it.
    """
    names = np.array([stratum for row in strata for stratum in row])
    cleaned = pd.crosstab(names, np.repeat(split, [len(row) for row in strata]))
    kept = cleaned.reindex(columns=["train", *paths.HELD_OUT], fill_value=0)
    if not kept["train"].any():
        raise InputError(
            "no rows are left for train: all are held out, repeat held-out rows, are in their groups, or lie in the "
            "gap; see collect.splits, collect.columns.group and split.gap"
        )
    # The split that lacks most of them tells best what is wrong, such as a label for every row.
    for name in sorted(kept, key=lambda name: int((kept[name] > 0).sum())):
        if closed and (name == "train" or not given):
            check_strata(name, kept, cleaned.sum(axis=1))
        if not kept[name].any():
            raise InputError(f"no rows for {name}; give more rows, or change split.{name} or collect.splits")


def check_strata(name: str, kept: pd.DataFrame, n_cleaned: pd.Series) -> None:
    """Checks that every stratum has rows in the split `name`.

    Args:
        kept: the kept rows of each stratum (index) in each split (columns).
        n_cleaned: the rows of each stratum before any were dropped.

    Raises:
        InputError: some strata have none.
    """
    missing = kept.index[(kept[name] == 0) & (kept.index != NO_CLASS)]
    if not len(missing):
        return
    labels = [f"{label!r} ({kept.loc[label].sum()} of {n_cleaned[label]} rows are kept)" for label in missing[:NAMED]]
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    raise InputError(
        f"labels without a row in {name}: {', '.join(labels)}{more}; "
        "collect more rows, merge labels with clean.label.aliases, leave out some with clean.label.drop or rare ones "
        "with clean.label.min_rows, or see collect.columns.label; if many rows were dropped as duplicates or outliers, "
        "see dedupe and outliers; "
        "with kfold, fewer split.folds leave more rows in each fold"
    )


def write_held_out(split: Mapping[str, str]) -> None:
    """Writes the rows of validation and test, with content; `split` has the split of each kept row, by id."""
    schema = read_schema(paths.CLEANED)
    for name, folder in paths.HELD_OUT.items():
        with new_table(folder, schema) as writer:
            for table in iter_tables(paths.CLEANED):
                writer.write(table.filter(pa.array([split.get(row) == name for row in table["id"].to_pylist()])))


def split_rows(rows: pd.DataFrame, target: Target, params: Params) -> pd.DataFrame:
    """The verdict of every row, in the columns of VERDICT."""
    strata = target.strata(rows["label"].tolist())
    split = np.full(len(rows), "train", dtype="U10")
    unique = rows["unique"].to_numpy()
    split[unique] = draw(rows[unique], list(compress(dealt_strata(rows, target), unique)), params.split, params.seed)
    reasons = drop_reasons(rows, split, params.split)
    keep = pd.isna(reasons)
    check_labels(np.where(keep, split, ""), strata, rows["given_split"].notna().any(), target.CLOSED)
    return pd.DataFrame(
        {
            "id": rows["id"],
            "keep": keep,
            "reason": reasons,
            "split": pd.Series(split).where(unique, None),
            "unit": rows["unit"],
        }
    )


def warnings(rows: pd.DataFrame, verdicts: pd.DataFrame, target: Target, section: Section) -> list[DataWarning]:
    """What is out of the ordinary; `rows` and `verdicts` are in the same order."""
    drawn = {name: getattr(section, name) for name in paths.HELD_OUT if not (rows["given_split"] == name).any()}
    decides_about_test = "split.test" if "test" in drawn else "collect.splits"
    if section.method == "kfold":
        decides_about_test = "split.folds" if "test" in drawn else "collect.splits"
        drawn = {}
    keep = verdicts["keep"].to_numpy()
    split = verdicts.loc[keep, "split"]
    found = [*of_units(rows.loc[rows["unique"], "unit"]), *of_shares(split, drawn, rows["group"].notna().any())]
    if target.CLOSED:
        found += of_classes(target.strata(rows.loc[keep, "label"].tolist()), split, decides_about_test)
    return found


def sentences(sizes: Mapping[str, int], dropped: Mapping[str, int]) -> Iterator[str]:
    """How many rows each split has, and how many are in none."""
    train, *held_out = (sizes.get(name, 0) for name in ("train", *paths.HELD_OUT))
    others = " and ".join(f"{size:,} into {name}" for name, size in zip(paths.HELD_OUT, held_out, strict=True))
    yield f"put {counted(train, 'row')} into train, {others}"
    if dropped:
        yield f"dropped {counted(sum(dropped.values()), 'row')}: {by_reason(dropped, WORDS)}"


def main(params: Params) -> Counts:
    rows, target = read_rows(), load_target(params.target)
    verdicts = split_rows(rows, target, params)
    write_frame(paths.SPLIT_VERDICTS, verdicts, VERDICT)
    kept = verdicts[verdicts["keep"]]
    write_held_out(dict(zip(kept["id"], kept["split"], strict=True)))
    sizes = {f"rows_{name}": int(count) for name, count in kept["split"].value_counts().sort_index().items()}
    dropped = verdicts["reason"].value_counts().to_dict()
    found = list(sentences(kept["split"].value_counts(), dropped))
    return Counts(len(verdicts), dropped, sizes, warnings(rows, verdicts, target, params.split), SEE, found)


if __name__ == "__main__":
    run_stage("split", Params, main)
