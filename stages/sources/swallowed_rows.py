"""Finds rows that became part of a cell, as a quotation mark before them has no partner."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
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

    counts: Counter[str] = field(default_factory=Counter)
    n_numbers: int = 0

    def add(self, cell: str) -> None:
        self.counts[cell.strip()] += 1
        self.n_numbers += is_number(cell)

    def has(self, cell: str, n_judged: int) -> bool:
        """Whether a cell could be one of the column; it is `n_judged` times in the lines that are judged."""
        if is_number(cell) and self.n_numbers > 0.9 * self.counts.total():
            return True
        return bool(cell.strip()) and self.counts[cell.strip()] > n_judged


def is_number(cell: str) -> bool:
    return cell.strip().lstrip("+-").replace(".", "", 1).isdigit()


def has_swallowed_rows(lines: Sequence[str], is_closed: bool, path: Path, format: FileFormat) -> bool:
    """Whether the lines of a row look like rows when their quotation marks are ordinary characters.

    Lines of a text have commas, too. So most of the lines must have a value that its column has elsewhere.
    `is_closed`: the last line has the quotation mark that closes the cell.
    """
    rows = [line.rstrip("\r\n").split(format.delimiter) for line in lines if line.strip()]
    if len(rows) < 2 or len(rows[0]) < 2 or len(set(map(len, rows))) > 1:
        return False
    if len(rows) >= MANY:
        return True
    columns = values_of(path, format, len(rows[0]))
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


def values_of(path: Path, format: FileFormat, width: int) -> list[Values]:
    """The values of each column in the lines that are rows of this width by themselves."""
    columns = [Values() for _ in range(width)]
    with open_text(path, format.encoding) as file:
        for line in islice(iter_lines(file, path), LINES):
            try:
                cells = next(csv.reader([line], **dialect(format)))
            except csv.Error:
                continue
            if len(cells) == width:
                for column, cell in zip(columns, cells, strict=True):
                    column.add(cell)
    return columns
