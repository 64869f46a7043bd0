"""Deals units (rows, clusters, groups) into parts with equal shares of every stratum; used for splits and for folds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt


def deal(
    units: Sequence[str], strata: Sequence[tuple[str, ...]], shares: Mapping[str, float], seed: int
) -> npt.NDArray[np.str_]:
    """The part of every row, (n_rows,).

    All rows of a unit are in one part. In every part, a stratum has its share of rows, to within one unit, and at least
    one row if it has as many units as there are parts. No part is empty if there are enough units. The result depends
    on `seed` and the names of the units, not on the order of the rows.

    scikit-learn's StratifiedGroupKFold cannot replace this: its folds are all of one size, it takes one label per row,
    and it may leave a fold without a class that has enough units.

    Args:
        units: the unit of each row.
        strata: the strata of each row. If rows have several, units with the rarest strata are dealt first (Sechidis,
            Tsoumakas & Vlahavas 2011).
        shares: the share of each part; they add up to 1.
        seed: another seed gives another result.
    """
    counts_by_unit = _count_strata(units, strata)
    row_totals = Counter(stratum for row in strata for stratum in row)
    unit_totals = Counter(stratum for counts in counts_by_unit.values() for stratum in counts)
    multi_label = any(len(row) > 1 for row in strata)
    states = {stratum: _Stratum(row_totals[stratum], unit_totals[stratum], shares) for stratum in row_totals}
    part_of: dict[str, str] = {}
    empty_parts = list(shares)
    for unit in _dealing_order(counts_by_unit, row_totals if multi_label else None, seed):
        counts = counts_by_unit[unit]
        # Units of different strata know nothing of each other: without this, all of them could be in one part.
        n_left = len(counts_by_unit) - len(part_of)
        choice = empty_parts if n_left <= len(empty_parts) else _starved_parts(counts, states)
        part = _choose_part(counts, states, choice or shares, relative_to_target=multi_label or counts.total() > 1)
        part_of[unit] = part
        empty_parts = [name for name in empty_parts if name != part]
        for stratum, n_rows in counts.items():
            states[stratum].add(part, n_rows)
    return np.array([part_of[unit] for unit in units], dtype=str)


class _Stratum:
    """What the parts have received of one stratum so far."""

    def __init__(self, n_rows: int, n_units: int, shares: Mapping[str, float]) -> None:
        self._n_rows = n_rows
        self._targets = _targets(n_rows, shares)
        self._lacking = dict(self._targets)  # rows that each part still lacks; negative if it has too many
        self._units_left = n_units
        self._empty_parts = list(shares)  # the parts without a row of this stratum

    def starved_parts(self) -> list[str]:
        """The parts without a row of this stratum, if all units that are left are needed to give each of them one."""
        return self._empty_parts if self._units_left <= len(self._empty_parts) else []

    def need(self, part: str, n_rows: int, relative_to_target: bool) -> float:
        """How much a part needs `n_rows` more, by the rows that it lacks as a fraction of its target or of all rows."""
        whole = self._targets[part] if relative_to_target else self._n_rows
        return n_rows * self._lacking[part] / whole

    def add(self, part: str, n_rows: int) -> None:
        """Records that a unit with `n_rows` of this stratum goes to a part."""
        self._lacking[part] -= n_rows
        self._units_left -= 1
        self._empty_parts = [name for name in self._empty_parts if name != part]


def _count_strata(units: Sequence[str], strata: Sequence[tuple[str, ...]]) -> dict[str, Counter[str]]:
    """The number of rows of each stratum, by unit."""
    counts: dict[str, Counter[str]] = {}
    for unit, row in zip(units, strata, strict=True):
        counts.setdefault(unit, Counter()).update(row)
    return counts


def _dealing_order(
    counts_by_unit: Mapping[str, Counter[str]], row_totals: Mapping[str, int] | None, seed: int
) -> list[str]:
    """Units by their rarest stratum (unless `row_totals` is None), then large ones first, to balance them early."""

    def key(unit: str) -> tuple[int, int, bytes]:
        counts = counts_by_unit[unit]
        rarity = 0 if row_totals is None else min(row_totals[stratum] for stratum in counts)
        return rarity, -counts.total(), shuffle_key(unit, seed)

    return sorted(counts_by_unit, key=key)


def _starved_parts(counts: Counter[str], states: Mapping[str, _Stratum]) -> list[str]:
    """The starved parts of the strata of a unit."""
    return [part for stratum in sorted(counts) for part in states[stratum].starved_parts()]


def _choose_part(
    counts: Counter[str], states: Mapping[str, _Stratum], parts: Iterable[str], relative_to_target: bool
) -> str:
    """The part that needs a unit most.

    Relative to their targets, all parts fill at the same rate. Otherwise the largest part would receive all large
    units, and most rows of many strata, before the other parts receive any.
    """

    def need(part: str) -> float:
        return sum(states[stratum].need(part, n_rows, relative_to_target) for stratum, n_rows in counts.items())

    return max(parts, key=need)


def _targets(n_rows: int, shares: Mapping[str, float]) -> dict[str, float]:
    """The rows that each part should get: its share, but at least one; the largest part gives up the difference."""
    targets = {part: n_rows * share for part, share in shares.items()}
    if n_rows >= len(shares):
        targets = {part: max(1.0, target) for part, target in targets.items()}
    largest = max(shares, key=lambda part: shares[part])
    targets[largest] -= sum(targets.values()) - n_rows
    return targets


def shuffle_key(name: str, seed: int) -> bytes:
    """8 pseudo-random bytes that depend on the name and the seed only."""
    return blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
