"""Draws units into splits otherwise than evenly: by time, by hash, by fold. All give (n_rows,) names of splits."""

from collections.abc import Mapping, Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.core.errors import InputError
from stages.splits.stratify import deal, shuffle_key

Splits = npt.NDArray[np.str_]


def with_train(shares: Mapping[str, float]) -> dict[str, float]:
    return {"train": 1 - sum(shares.values()), **shares}


def by_time(times: pd.Series, units: pd.Series, shares: Mapping[str, float]) -> Splits:
    """The latest units are the test rows, those before them the validation rows; a unit is as late as its latest row."""
    latest = times.groupby(units).transform("max")
    place = pd.DataFrame({"latest": latest, "unit": units}).sort_values(["latest", "unit"], kind="stable")
    through = pd.Series((np.arange(len(units)) + 1) / len(units), index=place.index)
    through = (
        through.groupby(place["unit"]).transform("max").reindex(units.index)
    )  # a unit goes where its last row falls
    names = with_train(shares)
    edges = np.cumsum(list(names.values()))[:-1] + 1e-9  # in their order: train, validation, test
    return np.asarray(np.array(list(names))[np.searchsorted(edges, through)], dtype=np.str_)


def by_hash(units: Sequence[str], shares: Mapping[str, float], seed: int) -> Splits:
    """A unit's own hash says where it goes, so that no other row can move it; labels have their shares by chance only."""
    chance = np.array([int.from_bytes(shuffle_key(unit, seed)) / 2**64 for unit in units])
    names = list(shares)[::-1]  # the test rows first: another share of validation leaves them alone
    edges = np.cumsum([shares[name] for name in names])
    return np.array([*names, "train"])[np.searchsorted(edges, chance, side="right")]


def by_fold(
    units: Sequence[str],
    strata: Sequence[tuple[str, ...]],
    shares: Mapping[str, float],
    folds: int,
    fold: int,
    seed: int,
) -> Splits:
    """Every row is in one of the folds, the same whichever is held out; validation rows are drawn from the others.

    Raises:
        InputError: nothing is left to rotate.
    """
    if not shares:
        raise InputError(
            "split.method: kfold, but the source gives both validation and test rows: there is nothing to rotate; see collect.splits"
        )
    held_out = "test" if "test" in shares else "validation"
    parts = deal(units, strata, {str(part): 1 / folds for part in range(folds)}, seed)
    rest = parts != str(fold)
    others = {name: share / (1 - 1 / folds) for name, share in shares.items() if name != held_out}
    split = np.full(len(units), held_out, dtype="U10")
    split[rest] = deal(list(compress(units, rest)), list(compress(strata, rest)), with_train(others), seed)
    return split
