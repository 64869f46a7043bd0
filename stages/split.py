"""Puts every row into train, validation or test; writes data/verdicts/split, data/validation and data/test.

Duplicates leave here, and outliers leave the training rows: held-out rows keep theirs, as the world will not drop them either. A cluster of
duplicates or a group is never cut in two. What the source gives is honoured: only splits that it does not give are drawn, out of its training rows.
"""

from collections.abc import Mapping
from itertools import compress
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field

from stages import paths
from stages.contracts import NO_CLASS, Target, load_target
from stages.errors import InputError
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.stratify import deal
from stages.tables import iter_tables, new_table, read_frame, read_schema, verdict_schema, write_frame

VERDICT = verdict_schema(("split", pa.string()), ("unit", pa.string()))


class Section(Strict):
    method: Literal["stratified", "time"] = Field(description="evenly over labels, or by time: the latest rows are the test rows")
    validation: float = Field(gt=0, lt=0.5, description="share of validation rows, unless the source gives them")
    test: float = Field(gt=0, lt=0.5, description="share of test rows, unless the source gives them")


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
    """(n_rows,): rows that share a cluster or a group, directly or through others, share a unit; it is named after its smallest cluster."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first_of_group: dict[str, str] = {}
    for cluster, group in zip(clusters, groups, strict=True):
        one = root(cluster)
        if isinstance(group, str):
            other = root(first_of_group.setdefault(group, cluster))
            parent[max(one, other)] = min(one, other)
    return np.array([root(cluster) for cluster in clusters], dtype=str)


def draw(rows: pd.DataFrame, strata: list[tuple[str, ...]], section: Section, seed: int) -> npt.NDArray[np.str_]:
    """(n_rows,): the split of every row; given held-out splits stay, the rest is drawn."""
    given = set(rows["given_split"].dropna())
    shares = {name: getattr(section, name) for name in paths.HELD_OUT if name not in given}
    shares = {"train": 1 - sum(shares.values()), **shares}
    split = np.array(rows["given_split"].fillna("train"), dtype="U10")
    free = (split == "train") & ~rows["unit"].isin(set(rows.loc[split != "train", "unit"])).to_numpy()
    pool = rows[free]
    by_time = section.method == "time" and len(shares) > 1
    split[free] = draw_by_time(pool, shares) if by_time else deal(pool["unit"].tolist(), list(compress(strata, free)), shares, seed)
    return split


def draw_by_time(rows: pd.DataFrame, shares: Mapping[str, float]) -> npt.NDArray[np.str_]:
    """The latest units are the test rows, those before them the validation rows; a unit is as late as its latest row."""
    times = pd.to_datetime(rows["time"], format="ISO8601", errors="coerce", utc=True)
    if times.isna().any():
        bad = rows[times.isna()].iloc[0]
        raise InputError(
            f"split.method: time, but {bad['source']} has the time {bad['time']!r}; collect.columns.time must name a column of ISO 8601 dates in every row"
        )
    latest = times.groupby(rows["unit"]).transform("max")
    place = pd.DataFrame({"latest": latest, "unit": rows["unit"]}).sort_values(["latest", "unit"], kind="stable")
    through = pd.Series((np.arange(len(rows)) + 1) / len(rows), index=place.index)
    through = through.groupby(place["unit"]).transform("max").reindex(rows.index)  # a unit goes where its last row falls
    edges = np.cumsum(list(shares.values()))[:-1] + 1e-9  # in their order: train, validation, test
    return np.asarray(np.array(list(shares))[np.searchsorted(edges, through)], dtype=np.str_)


def drop_reasons(rows: pd.DataFrame, split: npt.NDArray[np.str_]) -> npt.NDArray[np.object_]:
    """(n_rows,): why a row leaves here, None where it stays."""
    reasons = np.full(len(rows), None, dtype=object)
    reasons[(split == "train") & ~rows["typical"]] = "outlier"
    for name, later in (("train", ["validation", "test"]), ("validation", ["test"])):
        units_of_later = set(rows.loc[rows["unique"] & np.isin(split, later), "unit"])
        reasons[(split == name) & rows["unit"].isin(units_of_later)] = "group_of_held_out"
    reasons[~rows["unique"]] = "duplicate"
    return reasons


def check_labels(split: npt.NDArray[np.str_], strata: list[tuple[str, ...]], given: bool, closed: bool) -> None:
    """No split is empty; every stratum of a closed set must be learned from and, unless the source gives the splits, be judged by."""
    names = np.array([stratum for row in strata for stratum in row])
    found = pd.crosstab(names, np.repeat(split, [len(row) for row in strata])).reindex(columns=["train", *paths.HELD_OUT], fill_value=0)
    if not found["train"].any():
        raise InputError("no rows for train: what the source does not hold out repeats held-out rows, or there is nothing else; see collect.splits")
    for name in found:
        missing = found.index[(found[name] == 0) & (found.index != NO_CLASS)] if closed and (name == "train" or not given) else []
        if len(missing):
            raise InputError(
                f"the label {missing[0]!r} has too few rows: {found.loc[missing[0]].sum()} that can be used, and none of them falls into {name} "
                f"(so it is with {len(missing)} of {len(found)} labels); "
                "collect more, merge labels with clean.label.aliases, leave some out with clean.label.drop, or see collect.columns.label"
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
    reasons = drop_reasons(rows, split)
    keep = pd.isna(reasons)
    check_labels(split[keep], list(compress(strata, keep)), rows["given_split"].notna().any(), target.CLOSED)
    return pd.DataFrame({"id": rows["id"], "keep": keep, "reason": reasons, "split": pd.Series(split).where(unique, None), "unit": rows["unit"]})


def main(params: Params) -> Counts:
    verdicts = split_rows(read_rows(), load_target(params.target), params)
    write_frame(paths.SPLIT_VERDICTS, verdicts, VERDICT)
    kept = verdicts[verdicts["keep"]]
    write_held_out(dict(zip(kept["id"], kept["split"], strict=True)))
    sizes = {f"rows_{name}": int(count) for name, count in kept["split"].value_counts().sort_index().items()}
    return Counts(len(verdicts), verdicts["reason"].value_counts().to_dict(), sizes)


if __name__ == "__main__":
    run_stage("split", Params, main)
