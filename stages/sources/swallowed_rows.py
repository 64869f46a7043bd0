"""Finds rows that became part of a cell, as a quotation mark before them has no partner."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

from stages.sources.csv_advice import dialect
from stages.sources.records import FileFormat
from stages.sources.text_files import iter_lines, open_text

LINES = 100_000  # of a file that are looked at for the values of its columns
MANY = 20  # lines that have the width of a row are rows, whatever they hold
NEARLY_ALL = 0.9  # of the lines


@dataclass
class Values:
    """The values of a column in those lines that are a row each."""

    counts: Counter[int] = field(default_factory=Counter)  # by the cell's hash, as a cell may be a long text
    n_cells: int = 0
    n_numbers: int = 0

    def add(self, cell: str) -> None:
        self.n_cells += 1
        self.counts[hash(cell.strip())] += 1
        self.n_numbers += is_number(cell)

    def has(self, cell: str, n_judged: int) -> bool:
        """Whether a cell could be one of the column; it is `n_judged` times in the lines that are judged."""
        if is_number(cell) and self.n_numbers > 0.9 * self.n_cells:
            return True
        return bool(cell.strip()) and self.counts[hash(cell.strip())] > n_judged


def is_number(cell: str) -> bool:
    return cell.strip().lstrip("+-").replace(".", "", 1).isdigit()


class SwallowedRows:
    """Looks for rows in the lines of a cell. The rest of the file is read only if it is needed."""

    def __init__(self, path: Path, format: FileFormat) -> None:
        self._path, self._format = path, format

    def are_in(self, lines: Sequence[str], is_closed: bool) -> bool:
        """Whether the lines of a row look like rows when their quotation marks are ordinary characters.

        Lines of a text have commas, too. So nearly all of many lines must have the width of a row, or most lines a
        value that its column has elsewhere. Of a line that is wider, as a text has a comma, only the last cell counts.
        `is_closed`: the last line has the quotation mark that closes the cell.
        """
        rows = [line.rstrip("\r\n").split(self._format.delimiter) for line in lines if line.strip()]
        if len(rows) < 2 or min(len(rows[0]), len(rows[-1])) < 2:  # most texts of several lines: no need to read on
            return False
        width = len(self._columns)
        if width < 2 or min(len(rows[0]), len(rows[-1])) < width:
            return False
        whole = [row for row in rows if len(row) == width]
        if len(whole) >= MANY and len(whole) > NEARLY_ALL * len(rows):
            return True
        judged = [Counter(row[at].strip() for row in whole) for at in range(width)]
        usual = n_judged = 0
        for number, row in enumerate(rows):
            outside = self._outside_of_cell(row, number == 0, is_closed and number == len(rows) - 1)
            if not outside:
                continue
            n_judged += 1
            if len(row) == width:
                places = [(at, at) for at in outside]
            else:
                places = [(outside[-1], width - 1)] if len(row) > width else []
            usual += any(self._columns[to].has(row[at], judged[to][row[at].strip()]) for at, to in places)
        return usual > 0.5 * n_judged

    @staticmethod
    def _outside_of_cell(row: Sequence[str], is_first: bool, is_last: bool) -> Sequence[int]:
        """The positions of the cells after the quotation mark that opens, and before the one that closes."""
        positions = range(len(row))
        if is_first:
            return positions[1 + next((at for at in positions if row[at].lstrip().startswith('"')), 0) :]
        if is_last:
            return positions[: next((at for at in positions if row[at].rstrip().endswith('"')), len(row))]
        return positions

    @cached_property
    def _columns(self) -> Sequence[Values]:
        """The values of each column, in those lines that are rows of the usual width by themselves.

        Only of one width: a line of commas would be a column for each.
        """
        widths = Counter(map(len, self._lines()))
        columns = [Values() for _ in range(max(widths, key=widths.__getitem__, default=0))]
        for cells in self._lines():
            if len(cells) == len(columns):
                for column, cell in zip(columns, cells, strict=True):
                    column.add(cell)
        return columns

    def _lines(self) -> Iterator[list[str]]:
        """The cells of each line of the file, as if each were a row."""
        with open_text(self._path, self._format.encoding) as file:
            for line in islice(iter_lines(file, self._path), LINES):
                with suppress(csv.Error):
                    yield next(csv.reader([line], **dialect(self._format)))
