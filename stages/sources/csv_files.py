"""Reads CSV and TSV files."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from stages.core.errors import InputError
from stages.sources.records import FileFormat, Record
from stages.sources.text_files import iter_lines, open_text, refuse_twins

NO_QUOTES = "collect.quoting: false"


def read_delimited(path: Path, delimiter: str, format: FileFormat) -> Iterator[Record]:
    """The rows of a CSV or TSV file by the names in its header, or by their position ("0", "1"...) if it has none."""
    csv.field_size_limit(sys.maxsize)
    quoting = csv.QUOTE_MINIMAL if format.quoting else csv.QUOTE_NONE
    with open_text(path) as file:
        reader = csv.reader(iter_lines(file, path), delimiter=delimiter, strict=True, quoting=cast(Any, quoting))
        names = _header(reader, path) if format.header else None
        number = 0
        for cells in _iter_cells(reader, path):
            if not cells:  # a blank line is not a row
                continue
            number += 1
            source = f"{path.name}:{number}"
            if isinstance(cells, str):
                yield Record(source, problem=cells)
                continue
            names = names or [str(position) for position in range(len(cells))]
            if len(cells) == len(names):
                yield Record(source, dict(zip(names, cells, strict=True)))
            else:
                problem = f"line {reader.line_num} has {len(cells)} cells, the file has {len(names)} columns"
                yield Record(source, problem=problem)


def _iter_cells(reader: Any, path: Path) -> Iterator[list[str] | str]:
    """The cells of each row, or what is wrong with the row.

    Raises:
        InputError: a quotation mark is never closed: all rows after it would be lost as one.
    """
    while True:
        start = reader.line_num + 1
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if str(error) == "unexpected end of data":
                raise InputError(
                    f"{path}: the row that starts in line {start} has a quotation mark that is never closed; "
                    f"close it, or set {NO_QUOTES}"
                ) from error
            problem = f"not valid CSV near line {reader.line_num} ({error})"
            yield f"{problem}; if the file does not use quotes, set {NO_QUOTES}"


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        names = [name.strip() for name in next(filter(None, reader), [])]  # blank lines may come first
    except csv.Error as error:
        raise InputError(
            f"{path}: the header is not valid CSV ({error}); if the file does not use quotes, set {NO_QUOTES}"
        ) from error
    if len(names) == 1 and any(sign in names[0] for sign in ",;\t|"):
        raise InputError(
            f"{path}: the header is one cell, {names[0]!r}; set collect.delimiter to the delimiter of the file"
        )
    refuse_twins(path, names)
    return names
