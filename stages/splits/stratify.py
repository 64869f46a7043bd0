"""Deals units (rows, clusters, groups) out into named parts, evenly over strata; used for splits and for folds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt


def deal(
    units: Sequence[str], strata: Sequence[tuple[str, ...]], shares: Mapping[str, float], seed: int
) -> npt.NDArray[np.str_]:
    """(n_rows,): the part of every row.

    A unit is never cut. Every stratum comes within one unit of its share in every part, and has at least one row in each
    where it has a unit for each. Which unit goes where depends on `seed` and the units' names, not on the order of the rows.

    Args:
        units: the unit of each row.
        strata: the strata of each row; where rows have several, those with the rarest are dealt first (Sechidis, Tsoumakas & Vlahavas 2011).
        shares: the share of each part; they add up to 1.
        seed: another seed deals otherwise.
    """
    members: dict[str, Counter[str]] = {}
    for unit, row in zip(units, strata, strict=True):
        members.setdefault(unit, Counter()).update(row)
    totals = Counter(stratum for row in strata for stratum in row)
    several = any(len(row) > 1 for row in strata)
    rarity = {unit: min(totals[stratum] for stratum in inside) if several else 0 for unit, inside in members.items()}
    missing = {stratum: _targets(total, shares) for stratum, total in totals.items()}
    pace = {stratum: dict(parts) for stratum, parts in missing.items()}
    all_rows = {stratum: dict.fromkeys(shares, total) for stratum, total in totals.items()}
    part_of: dict[str, str] = {}
    empty = {stratum: list(shares) for stratum in totals}  # the parts that have no row of it yet
    waiting = Counter(
        stratum for inside in members.values() for stratum in inside
    )  # units that hold it and are not dealt yet
    # The large ones first, while there is still room to balance them.
    for unit in sorted(members, key=lambda name: (rarity[name], -members[name].total(), shuffle_key(name, seed))):
        inside = members[unit]
        starved = [
            part for stratum in sorted(inside) if waiting[stratum] <= len(empty[stratum]) for part in empty[stratum]
        ]
        # The large part would get all large units, and most rows of many strata, before the others get any: these fill all parts at one pace.
        whole = pace if several or inside.total() > 1 else all_rows
        part = max(
            starved or shares,
            key=lambda name: sum(
                count * missing[stratum][name] / whole[stratum][name] for stratum, count in inside.items()
            ),
        )
        part_of[unit] = part
        for stratum, count in inside.items():
            missing[stratum][part] -= count
            waiting[stratum] -= 1
            empty[stratum] = [name for name in empty[stratum] if name != part]
    return np.array([part_of[unit] for unit in units], dtype=str)


def _targets(total: int, shares: Mapping[str, float]) -> dict[str, float]:
    """How many rows each part should get: its share, but at least one; the largest part gives what that takes."""
    targets = {
        part: max(1.0, total * share) if total >= len(shares) else total * share for part, share in shares.items()
    }
    largest = max(shares, key=lambda part: shares[part])
    targets[largest] -= sum(targets.values()) - total
    return targets


def shuffle_key(name: str, seed: int) -> bytes:
    """8 bytes that look like chance, the same for a name and a seed wherever they are asked for."""
    return blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
