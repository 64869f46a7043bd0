"""How many rows there are of each class, at several points of the line."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from stages.contracts.label import Target


def count_names(target: Target, labels: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, int]]:
    """The rows of each name, for labels at every point; names that start with a number by that number, then the others by alphabet."""
    every = iter(
        target.names([label for some in labels.values() for label in some])
    )  # at once: ranges of numbers follow from all of them
    counts = {
        point: Counter(name for names in islice(every, len(some)) for name in names) for point, some in labels.items()
    }
    return {point: dict(sorted(found.items(), key=lambda item: in_order(item[0]))) for point, found in counts.items()}


def in_order(name: str) -> tuple[float, str]:
    try:
        start = float(name.split(" ")[0])
    except ValueError:
        start = math.inf
    return (math.inf if math.isnan(start) else start), name
