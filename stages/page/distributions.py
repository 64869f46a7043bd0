"""The distributions of numbers and names in the verdicts, as bars that the page draws."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stages.core import paths
from stages.core.tables import iter_rows, read_schema, read_table
from stages.page.glossary import MEASURES
from stages.page.safe_reporter import SafeReporter

BINS = 40
SKEWED = 20  # the ratio of the 95% to the 5% quantile above which the bins are geometric
MAX_NAMES = 20  # of one column
# Columns that every table has, or whose distribution says nothing.
NOT_DRAWN = {"id", "keep", "reason", "source", "given_label", "source_label", "reviewed", "note", "weight"}
LEVELS = {"smallest": 0.0, "5%": 0.05, "median": 0.5, "95%": 0.95, "largest": 1.0}


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
    counts: dict[str, int]  # the most frequent first
    n_more: int  # the number of names that are left out


def histogram(name: str, values: npt.NDArray[np.float64], meaning: str = "") -> Histogram:
    """The histogram of at least one number; with geometric bins if a few values are far larger than most."""
    quantiles = dict(zip(LEVELS, np.quantile(values, list(LEVELS.values())).tolist(), strict=True))
    low, high = quantiles["smallest"], quantiles["largest"]
    if low > 0 and quantiles["95%"] > SKEWED * quantiles["5%"]:
        edges = np.geomspace(low, high, BINS + 1)
    else:
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
    edges[0], edges[-1] = low, max(high, edges[-1])  # geomspace rounds
    counts, _ = np.histogram(values, edges)
    return Histogram(name, meaning, len(values), tuple(counts.tolist()), tuple(edges.tolist()), quantiles)


def count_values(name: str, values: Sequence[Any], meaning: str = "") -> NameCounts:
    """The number of rows with each name, boolean or item of a list; False and empty lists are left out."""
    rows = [value if isinstance(value, list) else [value] for value in values if value is not False and value != []]
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({str(item) for item in row})
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return NameCounts(name, meaning, len(rows), dict(frequent[:MAX_NAMES]), len(frequent[MAX_NAMES:]))


def of_sizes(reporter: SafeReporter) -> Iterator[Histogram]:
    """The sizes of the raw contents, including those that clean drops."""
    if not reporter.SIZES:
        return
    all_sizes = reporter.all_sizes(row["content"] for row in iter_rows(paths.COLLECTED, ["content"]))
    readable = [sizes for sizes in all_sizes if sizes]
    for name, values in zip(reporter.SIZES, zip(*readable, strict=True), strict=False):
        yield histogram(name, np.array(values))


def of_verdicts() -> Iterator[Histogram | NameCounts]:
    """Everything that clean measured, and the numbers in the verdicts of later stages."""
    for stage, folder in paths.VERDICTS_OF.items():
        for column in read_schema(folder):
            is_drawn = stage == "clean" or is_number(column.type)
            if is_drawn and column.name not in NOT_DRAWN:
                values = read_table(folder, [column.name])[column.name]
                yield from of_column(f"{stage}: {column.name}", values, MEASURES.get(column.name, ""))


def of_column(name: str, column: pa.ChunkedArray, meaning: str) -> Iterator[Histogram | NameCounts]:
    """The chart of a column; none if no row has a value."""
    cells = pc.drop_null(column)
    if is_number(column.type):
        numbers = cells.to_numpy().astype(np.float64)
        finite = numbers[np.isfinite(numbers)]
        if len(finite):
            yield histogram(name, finite, meaning)
        return
    counted = count_values(name, cells.to_pylist(), meaning)
    if counted.counts:
        yield counted


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
