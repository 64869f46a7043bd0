"""Draws splits by time, by hash or by fold. All functions return the split of every row, (n_rows,)."""

from collections.abc import Mapping, Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.core.errors import InputError
from stages.splits.stratify import deal, shuffle_key

Splits = npt.NDArray[np.str_]


def with_train(shares: Mapping[str, float]) -> dict[str, float]:
    """The shares of all splits, train first: it has what the held-out splits leave."""
    return {"train": 1 - sum(shares.values()), **shares}


def by_time(times: pd.Series, units: pd.Series, shares: Mapping[str, float]) -> Splits:
    """The latest units are the test rows, those before them the validation rows.

    The time of a unit is that of its latest row.
    """
    latest = times.groupby(units).transform("max")
    ordered = pd.DataFrame({"latest": latest, "unit": units}).sort_values(["latest", "unit"], kind="stable")
    quantile = pd.Series((np.arange(len(units)) + 1) / len(units), index=ordered.index)
    # All rows of a unit have the quantile of its last row.
    quantile = quantile.groupby(ordered["unit"]).transform("max").reindex(units.index)
    names = with_train(shares)
    edges = np.cumsum(list(names.values()))[:-1] + 1e-9  # in the order of time: train, validation, test
    return np.asarray(np.array(list(names))[np.searchsorted(edges, quantile)], dtype=np.str_)


def by_hash(units: Sequence[str], shares: Mapping[str, float], seed: int) -> Splits:
    """The split of a unit follows from its hash alone, so other rows cannot move it.

    Labels have their shares by chance only.
    """
    fractions = np.array([int.from_bytes(shuffle_key(unit, seed)) / 2**64 for unit in units])
    names = list(shares)[::-1]  # test first: then another share of validation does not change the test rows
    edges = np.cumsum([shares[name] for name in names])
    return np.array([*names, "train"])[np.searchsorted(edges, fractions, side="right")]


def by_fold(
    units: Sequence[str],
    strata: Sequence[tuple[str, ...]],
    shares: Mapping[str, float],
    folds: int,
    fold: int,
    seed: int,
) -> Splits:
    """One of `folds` equal folds is held out; validation rows are drawn from the others.

    The folds are the same for every `fold`. The held-out fold is the test set, or the validation set if `shares` has no
    test.

    Args:
        units: the unit of each row; a unit is in one split.
        strata: the strata of each row.
        shares: the shares of the held-out splits that the source does not give.
        folds: the number of folds.
        fold: the fold that is held out.
        seed: another seed gives other folds.

    Raises:
        InputError: `shares` is empty, so no split is left to draw; or there are more folds than units.
    """
    if not shares:
        raise InputError(
            "split.method: kfold, but the source gives both validation and test rows, so no split is left for the "
            "folds; see collect.splits, or choose another method"
        )
    if folds > len(set(units)):
        raise InputError(
            f"split.folds is {folds}, more than the {len(set(units))} groups or clusters of rows; lower it"
        )
    held_out = "test" if "test" in shares else "validation"
    parts = deal(units, strata, {str(part): 1 / folds for part in range(folds)}, seed)
    others = {name: share / (1 - 1 / folds) for name, share in shares.items() if name != held_out}
    rest = parts != str(fold)
    split = np.full(len(units), held_out, dtype="U10")
    split[rest] = deal(list(compress(units, rest)), list(compress(strata, rest)), with_train(others), seed)
    return split
