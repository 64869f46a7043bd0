"""Puts every row into train, validation or test; writes data/verdicts/split, data/validation and data/test.

Duplicates leave here, and outliers leave the training rows: held-out rows keep theirs, as the world will not drop them either. A cluster of
duplicates or a group is never cut in two. What the source gives is honoured: only splits that it does not give are drawn, out of its training rows.
Rows can be drawn evenly over labels, by time, by hash (so that no row moves when others come), or as one of k folds.
"""

from collections.abc import Mapping
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
from stages.core.run import Counts, run_stage
from stages.core.tables import iter_tables, new_table, read_frame, read_schema, verdict_schema, write_frame
from stages.splits.draw import by_fold, by_hash, by_time, with_train
from stages.splits.stratify import deal

VERDICT = verdict_schema(("split", pa.string()), ("unit", pa.string()))
NAMED = 20  # labels, in a message
LATER = {"train": ["validation", "test"], "validation": ["test"]}  # what a split must know nothing of


class Section(Strict):
    method: Literal["stratified", "time", "stable", "kfold"] = Field(
        description="evenly over labels; by time: the latest are the test rows; stable: by hash, no row moves when others come; kfold: `fold` is the test set"
    )
    validation: float = Field(gt=0, lt=0.5, description="share of validation rows, unless the source gives them")
    test: float = Field(
        gt=0, lt=0.5, description="share of test rows, unless the source gives them; of kfold the folds decide"
    )
    gap: float = Field(
        ge=0,
        le=36_525,
        description="method time: days before the validation rows, and before the test rows, whose rows are left out",
    )
    folds: int = Field(ge=2, description="method kfold: how many folds there are, dealt evenly over labels")
    fold: int = Field(
        ge=0,
        description="method kfold: the fold, from 0 on, that is the test set; the validation set, where the source gives the test set",
    )
    max_leaks: int = Field(
        ge=0,
        description="how many rows may stand, or nearly stand, in two splits before the line stops; see data/verdicts/leaks",
    )

    @model_validator(mode="after")
    def check_fold(self) -> Self:
        if self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} is none of {self.folds}: they are counted from 0")
        return self


class Params(Strict):
    target: str
    seed: int = Field(ge=0, lt=2**32, description="the source of all chances, with the ids of rows")
    split: Section


def read_rows() -> pd.DataFrame:
    """The cleaned rows without content, with what dedupe (`cluster`, `duplicate`) and outliers (`outlier`) found, and what people reviewed."""
    rows = read_frame(paths.CLEANED, ["id", "label", "group", "time", "source", "given_split"])
    duplicates = read_frame(paths.DUPLICATE_VERDICTS, ["id", "keep", "cluster"]).rename(columns={"keep": "unique"})
    outliers = read_frame(paths.OUTLIER_VERDICTS, ["id", "keep"]).rename(columns={"keep": "typical"})
    reviewed = read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"])
    rows = rows.merge(duplicates, on="id").merge(outliers, on="id", how="left").merge(reviewed, on="id")
    rows["typical"] = rows["typical"].fillna(True).astype(bool) | rows["reviewed"]
    return rows.assign(unit=units(rows["cluster"], rows["group"]))


def units(clusters: pd.Series, groups: pd.Series) -> npt.NDArray[np.str_]:
    """(n_rows,): rows that share a cluster or a group, directly or through others, share a unit.

    It is named after its smallest group, or else its smallest cluster: a group has its name before all of its rows are there.
    """
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for cluster, group in zip(clusters, groups, strict=True):
        if isinstance(group, str):
            one, other = root(cluster), root(f"#{group}")  # ids are hexadecimal: groups go before them
            parent[max(one, other)] = min(one, other)
    return np.array([root(cluster) for cluster in clusters], dtype=str)


def draw(rows: pd.DataFrame, strata: list[tuple[str, ...]], section: Section, seed: int) -> npt.NDArray[np.str_]:
    """(n_rows,): the split of every row; given held-out splits stay, the rest is drawn."""
    given = set(rows["given_split"].dropna())
    shares = {name: getattr(section, name) for name in paths.HELD_OUT if name not in given}
    split = np.array(rows["given_split"].fillna("train"), dtype="U10")
    free = (split == "train") & ~rows["unit"].isin(set(rows.loc[split != "train", "unit"])).to_numpy()
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


def read_times(rows: pd.DataFrame) -> pd.Series:
    said = rows["time"].astype(object)
    times = pd.to_datetime(
        said.where(said.astype(str).str[:1].str.isdecimal()), format="ISO8601", errors="coerce", utc=True
    )  # pandas knows "now", too
    if times.isna().any():
        bad = rows[times.isna()].iloc[0]
        found = f"the time {bad['time']!r}" if isinstance(bad["time"], str) else "no time"
        raise InputError(
            f"split.method: time, but {bad['source']} has {found}; collect.columns.time must name a column of ISO 8601 dates in every row"
        )
    return times


def in_gap(rows: pd.DataFrame, split: npt.NDArray[np.str_], days: float) -> npt.NDArray[np.bool_]:
    """(n_rows,): what is younger than `days` before the first of a later split; a unit is as late as its latest row."""
    times = read_times(rows)
    latest = times.groupby(rows["unit"]).transform("max")
    found = np.zeros(len(rows), dtype=bool)
    for name, later in LATER.items():
        found |= (split == name) & (times > latest[np.isin(split, later)].min() - pd.Timedelta(days=days)).to_numpy()
    return found


def drop_reasons(rows: pd.DataFrame, split: npt.NDArray[np.str_], section: Section) -> npt.NDArray[np.object_]:
    """(n_rows,): why a row leaves here, None where it stays."""
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
    """No split is empty; every stratum of a closed set must be learned from and, unless the source gives the splits, be judged by.

    Args:
        split: of every row; empty where it leaves.
    """
    names = np.array([stratum for row in strata for stratum in row])
    cleaned = pd.crosstab(names, np.repeat(split, [len(row) for row in strata]))
    found = cleaned.reindex(columns=["train", *paths.HELD_OUT], fill_value=0)
    if not found["train"].any():
        raise InputError(
            "no rows for train: all are held out, repeat held-out rows, are of their groups, or lie in the gap; "
            "see collect.splits, collect.columns.group and split.gap"
        )
    for name in found:
        missing = (
            found.index[(found[name] == 0) & (found.index != NO_CLASS)]
            if closed and (name == "train" or not given)
            else []
        )
        if len(missing):
            rows = [
                f"{label!r} ({found.loc[label].sum()} of {cleaned.loc[label].sum()} rows left)" for label in missing
            ]
            raise InputError(
                f"labels of which no row falls into {name}: {', '.join(rows[:NAMED])}{f' and {len(rows) - NAMED} more' if len(rows) > NAMED else ''}; "
                "collect more, merge labels with clean.label.aliases, leave some out with clean.label.drop, or see collect.columns.label; "
                "where many rows left as duplicates or outliers, see dedupe and outliers; of kfold, fewer split.folds leave more rows in each"
            )
        if not found[name].any():
            raise InputError(f"no rows for {name}; give more rows, or set split.{name} or collect.splits otherwise")


def write_held_out(split: Mapping[str, str]) -> None:
    """The content of validation and test rows; `split` is the split of each row that stays."""
    schema = read_schema(paths.CLEANED)
    for name, folder in paths.HELD_OUT.items():
        with new_table(folder, schema) as writer:
            for table in iter_tables(paths.CLEANED):
                writer.write(table.filter(pa.array([split.get(row) == name for row in table["id"].to_pylist()])))


def split_rows(rows: pd.DataFrame, target: Target, params: Params) -> pd.DataFrame:
    """The verdict on every row."""
    strata = target.strata(rows["label"].tolist())
    split = np.full(len(rows), "train", dtype="U10")
    unique = rows["unique"].to_numpy()
    split[unique] = draw(rows[unique], list(compress(strata, unique)), params.split, params.seed)
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


def main(params: Params) -> Counts:
    verdicts = split_rows(read_rows(), load_target(params.target), params)
    write_frame(paths.SPLIT_VERDICTS, verdicts, VERDICT)
    kept = verdicts[verdicts["keep"]]
    write_held_out(dict(zip(kept["id"], kept["split"], strict=True)))
    sizes = {f"rows_{name}": int(count) for name, count in kept["split"].value_counts().sort_index().items()}
    return Counts(len(verdicts), verdicts["reason"].value_counts().to_dict(), sizes)


if __name__ == "__main__":
    run_stage("split", Params, main)
