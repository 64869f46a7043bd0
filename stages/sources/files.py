"""Reads tables: CSV, TSV, JSON, JSON Lines, Parquet and CoNLL files."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast

from stages.core.errors import InputError
from stages.sources.records import FileFormat, Record

NO_QUOTES = "collect.quoting: false"


def read_delimited(path: Path, delimiter: str, format: FileFormat) -> Iterator[Record]:
    """The rows of a CSV or TSV file by the names in its header, or by their position ("0", "1"...) if it has none."""
    csv.field_size_limit(sys.maxsize)
    quoting = csv.QUOTE_MINIMAL if format.quoting else csv.QUOTE_NONE
    with _open_text(path) as file:
        reader = csv.reader(_lines(file, path), delimiter=delimiter, strict=True, quoting=cast(Any, quoting))
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


def refuse_twins(path: Path, names: Sequence[str]) -> None:
    """Checks that column names are unique.

    Raises:
        InputError: two columns have the same name.
    """
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise InputError(f"{path}: it has the column {twins[0]!r} more than once; rename one")


def read_json_lines(path: Path) -> Iterator[Record]:
    """One record per line that is not blank; the line must hold an object."""
    with _open_text(path) as file:
        for number, line in enumerate(_lines(file, path), start=1):
            source = f"{path.name}:{number}"
            if not line.strip():
                continue
            try:
                values = json.loads(line, object_pairs_hook=_unique_keys)
            except (ValueError, RecursionError) as error:  # also for a number of too many digits, and too many brackets
                yield Record(source, problem=f"not valid JSON ({_json_problem(error, 'character', 'pos')})")
                continue
            yield _json_record(source, values)


def read_json(path: Path) -> Iterator[Record]:
    """One record per object of a JSON file, which must hold a list of objects."""
    with _open_text(path) as file:
        try:
            rows = json.loads("".join(_lines(file, path)), object_pairs_hook=_unique_keys)
        except InputError:  # a ValueError too
            raise
        except (ValueError, RecursionError) as error:
            problem = _json_problem(error, "line", "lineno")
            raise InputError(
                f"{path}: not valid JSON ({problem}); if each line is an object, name the file .jsonl"
            ) from error
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected a list of objects, got {type(rows).__name__}")
    for number, values in enumerate(rows, start=1):
        yield _json_record(f"{path.name}:{number}", values)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON file.

    Raises:
        ValueError: a key occurs twice; json.loads would silently take the last.
    """
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {key!r} occurs twice")
        values[key] = value
    return values


def _json_problem(error: Exception, unit: str, attribute: str) -> str:
    """What is wrong, with the position if it is known: `attribute` of a JSONDecodeError, in `unit`s."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {unit} {getattr(error, attribute)}"
    return str(error)


def _json_record(source: str, values: Any) -> Record:
    if not isinstance(values, dict):
        return Record(source, problem=f"expected an object with columns, got {type(values).__name__}")
    return Record(source, values)


def read_parquet(path: Path) -> Iterator[Record]:
    """One record per row of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            refuse_twins(path, file.schema_arrow.names)
            batches = (batch.to_pylist() for batch in file.iter_batches(1_000))
            for number, values in enumerate(chain.from_iterable(batches), start=1):
                yield Record(f"{path.name}:{number}", values)
    except InputError:
        raise
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
    ) as error:  # the last two: dates outside Python's range
        message = str(error).splitlines()[0]
        raise InputError(f"{path}: not a readable Parquet file ({message}); copy or export it again") from error


def read_conll(path: Path) -> Iterator[Record]:
    """One record per text, with the columns `tokens` and `tags` (lists).

    A line is a token; its first cell is the token, its last cell the tag. A blank line ends a text.
    """
    number, tokens, tags, problem = 1, list[str](), list[str](), None
    with _open_text(path) as file:
        for line_number, line in enumerate(chain(_lines(file, path), [""]), start=1):
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if not line.strip():
                if tokens or problem:
                    yield Record(f"{path.name}:{number}", {"tokens": tokens, "tags": tags}, problem)
                    number, tokens, tags, problem = number + 1, [], [], None
            elif cells[0] != "-DOCSTART-":  # the line before each document in CoNLL-2003
                if len(cells) < 2:
                    problem = f"line {line_number} has one cell, expected a token and its tag"
                tokens.append(cells[0])
                tags.append(cells[-1].strip())


def _open_text(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _lines(file: Any, path: Path) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if error.object[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
        byte = f"{error.object[error.start]:#04x}"
        advice = f"convert it, for example with `iconv -f {encoding} -t UTF-8`"
        raise InputError(f"{path}: not UTF-8 (byte {byte}); {advice}") from error
