"""How numbers and names are distributed, as bars that a page can draw."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.report import Reporter
from stages.core import paths
from stages.core.tables import iter_rows, read_schema, read_table
from stages.page.glossary import MEASURES

BINS = 40
SKEWED = 20  # times the 5% quantile is the 95% quantile, from which on bins are of equal ratio
MOST = 20  # names of one column
# What is in every table, or says nothing by its distribution.
NOT_DRAWN = {"id", "keep", "reason", "source", "given_label", "reviewed"}


@dataclass(frozen=True)
class Histogram:
    name: str
    meaning: str
    n_rows: int
    counts: tuple[int, ...]
    edges: tuple[float, ...]  # one more than counts
    quantiles: dict[str, float]


@dataclass(frozen=True)
class NameCounts:
    name: str
    meaning: str
    n_rows: int
    counts: dict[str, int]  # the commonest first
    n_more: int  # names that are left out


def histogram(name: str, values: npt.NDArray[np.float64], meaning: str = "") -> Histogram:
    """Of at least one number; on a scale of ratios where few are far larger than most."""
    levels = {"smallest": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "largest": 1.0}
    quantiles = dict(zip(levels, np.quantile(values, list(levels.values())).tolist(), strict=True))
    low, high = quantiles["smallest"], quantiles["largest"]
    if low > 0 and quantiles["95%"] > SKEWED * quantiles["5%"]:
        edges = np.geomspace(low, high, BINS + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    edges[0], edges[-1] = low, max(high, edges[-1])  # geomspace rounds
    counts, _ = np.histogram(values, edges)
    return Histogram(name, meaning, len(values), tuple(counts.tolist()), tuple(edges.tolist()), quantiles)


def count_values(name: str, values: Sequence[Any], meaning: str = "") -> NameCounts:
    """Of names, yes and no, or lists of names, in how many rows each is; the rows of which there is nothing to say are left out."""
    given = [
        value if isinstance(value, list) else [str(value)] for value in values if value is not False and value != []
    ]
    counts = Counter(str(one) for some in given for one in dict.fromkeys(some))
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return NameCounts(name, meaning, len(given), dict(common[:MOST]), len(common[MOST:]))


def of_sizes(reporter: Reporter) -> Iterator[Histogram]:
    """Of the raw contents, those that clean drops too."""
    if not reporter.SIZES:
        return
    found = [sizes for row in iter_rows(paths.COLLECTED, ["content"]) if (sizes := reporter.sizes(row["content"]))]
    for name, values in zip(reporter.SIZES, zip(*found, strict=True), strict=False):
        yield histogram(name, np.array(values))


def of_verdicts() -> Iterator[Histogram | NameCounts]:
    """Of all that clean measured, and of the numbers that later stages give."""
    for stage, folder in paths.VERDICTS_OF.items():
        for column in read_schema(folder):
            if column.name not in NOT_DRAWN and (stage == "clean" or is_number(column.type)):
                yield from of_column(
                    f"{stage}: {column.name}",
                    read_table(folder, [column.name])[column.name],
                    MEASURES.get(column.name, ""),
                )


def of_column(name: str, column: pa.ChunkedArray, meaning: str) -> Iterator[Histogram | NameCounts]:
    """Nothing where no row has a value."""
    cells = pc.drop_null(column)
    if is_number(column.type):
        values = cells.to_numpy().astype(np.float64)
        if np.isfinite(values).any():
            yield histogram(name, values[np.isfinite(values)], meaning)
    elif (found := count_values(name, cells.to_pylist(), meaning)).counts:
        yield found


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
