"""The class balance: numbers of rows per class, at several points of the pipeline."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from stages.contracts.label import Target


def count_names(target: Target, labels: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, int]]:
    """For each point of `labels`, the number of rows by name.

    Names that start with a number come first, in the order of their numbers; then the others by alphabet.
    """
    # All labels in one call: the ranges of numbers follow from all of them.
    all_names = iter(target.names([label for point in labels.values() for label in point]))
    counts = {}
    for point, point_labels in labels.items():
        rows_of = Counter(name for names in islice(all_names, len(point_labels)) for name in names)
        counts[point] = {name: rows_of[name] for name in sorted(rows_of, key=in_order)}
    return counts


def in_order(name: str) -> tuple[float, str]:
    """A sort key: the number at the start of a name (infinite if there is none), then the name."""
    try:
        start = float(name.split(" ")[0])
    except ValueError:
        start = math.inf
    return (math.inf if math.isnan(start) else start), name
