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
    """Looks for rows in the lines of a cell. The rest of the file is read once, and only if it is needed."""

    def __init__(self, path: Path, format: FileFormat) -> None:
        self._path, self._format = path, format

    def are_in(self, lines: Sequence[str], is_closed: bool) -> bool:
        """Whether the lines of a row look like rows when their quotation marks are ordinary characters.

        Lines of a text have commas, too. So most of the lines must have a value that its column has elsewhere.
        `is_closed`: the last line has the quotation mark that closes the cell.
        """
        rows = [line.rstrip("\r\n").split(self._format.delimiter) for line in lines if line.strip()]
        if len(rows) < 2 or len(rows[0]) < 2 or len(set(map(len, rows))) > 1:
            return False
        if len(rows) >= MANY:
            return True
        columns = self._columns
        if len(columns) != len(rows[0]):
            return False
        judged = [Counter(row[position].strip() for row in rows) for position in range(len(rows[0]))]
        usual = n_judged = 0
        for number, row in enumerate(rows):
            positions = range(len(row))
            if number == 0:  # the cells after the quotation mark that opens
                positions = positions[1 + next((at for at in positions if row[at].lstrip().startswith('"')), 0) :]
            elif number == len(rows) - 1 and is_closed:  # the cells before the quotation mark that closes
                positions = positions[: next((at for at in positions if row[at].rstrip().endswith('"')), len(row))]
            if positions:
                n_judged += 1
                usual += any(columns[at].has(row[at], judged[at][row[at].strip()]) for at in positions)
        return usual > 0.5 * n_judged

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
