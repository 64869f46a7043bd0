"""Reads CSV and TSV files."""

import csv
import re
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from stages.core.errors import InputError, one_line, shown
from stages.sources.csv_advice import Formats, dialect, unescaped
from stages.sources.records import FileFormat, Record, named
from stages.sources.swallowed_rows import SwallowedRows
from stages.sources.text_files import iter_lines, open_text, refuse_twins

# Names that people give to columns. A first row of such names is a header.
USUAL_NAMES = set(
    "text content sentence message review comment title body question tweet description document name file "  # noqa: SIM905
    "label labels class category categories sentiment target tag tags intent topic score rating y id".split()
)


class Lines:
    """The lines of a file; the lines of the current row can be read again."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.row: list[str] = []  # the lines of the current row
        self.number = 0  # of the last line of the current row

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines)
        self.row.append(line)
        self.number += 1
        return line

    def start_row(self) -> None:
        self.row = []

    def rewind(self) -> None:
        """Goes back to the first line of the current row."""
        self._again.extendleft(reversed(self.row))
        self.number -= len(self.row)
        self.row = []


def read_delimited(path: Path, format: FileFormat) -> Iterator[Record]:
    """The rows of a CSV or TSV file by the names in its header, or by their position ("0", "1"...) if it has none."""
    csv.field_size_limit(sys.maxsize)
    with open_text(path, format.encoding) as file:
        lines = Lines(iter_lines(file, path))
        format = _with_delimiter(lines, path, format)
        formats = Formats(path, format)
        rows = _iter_rows(lines, path, formats)
        names = _header(rows, path, formats) if format.header else None
        number = 0
        for cells in rows:
            number += 1
            source = f"{path.name}:{number}"
            if isinstance(cells, str):
                yield Record(source, problem=cells)
                continue
            if names is None:
                names = [str(position) for position in range(len(cells))]
                _refuse_header(path, names, cells, format)
            if len(cells) == len(names):
                yield Record(source, dict(zip(names, cells, strict=True)))
            else:
                problem = f"line {lines.number} has {len(cells)} cells, the file has {len(names)} columns"
                yield Record(source, problem=formats.for_all_rows(problem))


def _with_delimiter(lines: Lines, path: Path, format: FileFormat) -> FileFormat:
    """The format with the delimiter of the file; Excel may name it in a first line such as `sep=;`."""
    first = next(lines, "")
    names_it = re.fullmatch(r"\"?sep=(.)\"?\s*", first)
    if not names_it:
        lines.rewind()
    usual = "\t" if path.suffix.lower() == ".tsv" else ","
    return replace(format, delimiter=format.delimiter or (names_it[1] if names_it else usual))


def _iter_rows(lines: Lines, path: Path, formats: Formats) -> Iterator[list[str] | str]:
    """The cells of each row that is not blank, or what is wrong with the row.

    Raises:
        InputError: a quotation mark is never closed, or only after other rows: these would be lost in one row.
    """
    swallowed_rows = SwallowedRows(path, formats.format)
    while True:
        lines.start_row()
        start = lines.number + 1
        try:
            cells = _next_row(lines, formats.format)
        except StopIteration:
            return
        except csv.Error as error:
            name = path.suffix[1:].upper()
            if str(error) == "unexpected end of data":
                problem = f"{path}: the row that starts in line {start} has a quotation mark that is never closed"
                advice = f"close it, or {formats.advice}" if formats.advice else "close it"
                raise InputError(f"{problem}; {advice}") from error
            if formats.format.quoting and swallowed_rows.are_in(lines.row[:-1], is_closed=False):
                raise _swallowed(path, start, lines.number, formats) from error
            place = f"near line {start}" if len(lines.row) == 1 else f"in lines {start} to {lines.number}"
            yield formats.for_all_rows(f"not valid {name} {place} ({one_line(error)})")
            continue
        if len(lines.row) > 1 and formats.format.quoting and swallowed_rows.are_in(lines.row, is_closed=True):
            raise _swallowed(path, start, lines.number, formats)
        if cells:
            yield cells


def _next_row(lines: Lines, format: FileFormat) -> list[str]:
    """The cells of the next row; spaces before a quotation mark that opens a cell are left out.

    Raises:
        csv.Error: the row is not valid CSV.
    """
    cells = next(csv.reader(unescaped(lines, format), **dialect(format)))
    if not format.quoting or format.delimiter == " " or not any(re.match(r"[ \t]+\"", cell) for cell in cells):
        return cells
    lines.rewind()
    try:
        return next(csv.reader(unescaped(lines, format), **dialect(format), skipinitialspace=True))
    except csv.Error:  # the spaces and the quotation mark belong to the cell
        lines.rewind()
        return next(csv.reader(unescaped(lines, format), **dialect(format)))


def _swallowed(path: Path, start: int, end: int, formats: Formats) -> InputError:
    problem = (
        f"{path}: the row that starts in line {start} has a quotation mark that is closed only in line {end}, "
        "and the lines between look like rows"
    )
    advice = f"close it in line {start}, or {formats.advice}" if formats.advice else f"close it in line {start}"
    return InputError(f"{problem}; {advice}")


def _header(rows: Iterator[list[str] | str], path: Path, formats: Formats) -> list[str]:
    cells = next(rows, [])
    if isinstance(cells, str):
        raise InputError(
            f"{path}: the header is {cells}" if formats.advice else f"{path}: the header is {cells}; mend it"
        )
    names = [name.strip() for name in cells]
    if len(names) == 1 and any(sign in names[0] for sign in ",;\t|"):
        problem = f"{path}: the header is one cell, {shown(names[0])}"
        raise InputError(f"{problem}; {formats.advice or 'no delimiter gives rows of equal width'}")
    refuse_twins(path, names, formats.format.columns)
    asked = formats.format.columns
    positions = {str(position) for position in range(len(names))}
    if asked and not set(asked) <= set(names) and set(asked) <= positions:
        raise InputError(
            f"{path}: its first row, [{named(names)}], has no column {shown(asked[0])}; "
            "for a file without a header set collect.header: false"
        )
    return names


def _refuse_header(path: Path, names: Sequence[str], cells: Sequence[str], format: FileFormat) -> None:
    """Checks that the first row of a file without a header is not a header.

    Raises:
        InputError: it has the names that collect.columns asks for, or usual names of columns.
    """
    row = dict(zip(names, cells, strict=True))
    asked = [row[name].strip().lower() for name in format.columns if name in row]
    if (format.columns and set(format.columns) <= {cell.strip() for cell in cells}) or (
        len(asked) > 1 and set(asked) <= USUAL_NAMES
    ):
        raise InputError(
            f"{path}: its first row is [{named(cells)}]; if these are names of columns, set collect.header: true"
        )
