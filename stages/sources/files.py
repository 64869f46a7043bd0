"""Reads tables: CSV, TSV, JSON, JSON Lines, Parquet and CoNLL files."""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from stages.core.errors import InputError
from stages.sources.records import FileFormat, Record


def read_delimited(path: Path, delimiter: str, format: FileFormat) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)
    with _open_text(path) as file:
        reader = csv.reader(
            _lines(file, path),
            delimiter=delimiter,
            strict=True,
            quoting=csv.QUOTE_MINIMAL if format.quoting else csv.QUOTE_NONE,
        )
        names = _header(reader, path) if format.header else None
        number = 0
        while True:
            number += 1
            source = f"{path.name}:{number}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if str(error) == "unexpected end of data":  # all rows from here on would be lost as one
                    raise InputError(
                        f"{path}: the quotation mark that opens a cell of row {number} is never closed; close it, or set collect.quoting: false"
                    ) from error
                yield Record(
                    source,
                    problem=f"not valid CSV near line {reader.line_num} ({error}); if the file does not use quotes, set collect.quoting: false",
                )
                continue
            if not cells:  # a blank line is no row
                number -= 1
                continue
            names = names or [str(position) for position in range(len(cells))]
            if len(cells) != len(names):
                yield Record(
                    source, problem=f"line {reader.line_num} has {len(cells)} cells, the file has {len(names)} columns"
                )
            else:
                yield Record(source, dict(zip(names, cells, strict=True)))


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        names = [name.strip() for name in next(filter(None, reader), [])]  # blank lines may come first
    except csv.Error as error:
        raise InputError(
            f"{path}: the header is not valid CSV ({error}); if the file does not use quotes, set collect.quoting: false"
        ) from error
    if len(names) == 1 and any(sign in names[0] for sign in ",;\t|"):
        raise InputError(
            f"{path}: the header is one cell, {names[0]!r}; say in collect.delimiter what stands between the cells"
        )
    refuse_twins(path, names)
    return names


def refuse_twins(path: Path, names: Sequence[str]) -> None:
    """
    Raises:
        InputError: two columns of one name.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: it has the column {twice[0]!r} more than once; rename one")


def read_json_lines(path: Path) -> Iterator[Record]:
    with _open_text(path) as file:
        for number, line in enumerate(_lines(file, path), start=1):
            source = f"{path.name}:{number}"
            if not line.strip():
                continue
            try:
                values = json.loads(line, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:  # too many digits, too many brackets
                what = f"{error.msg} at character {error.pos}" if isinstance(error, json.JSONDecodeError) else error
                yield Record(source, problem=f"not valid JSON ({what})")
                continue
            yield _json_record(source, values)


def read_json(path: Path) -> Iterator[Record]:
    with _open_text(path) as file:
        try:
            rows = json.loads("".join(_lines(file, path)), object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            what = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else error
            raise InputError(f"{path}: not valid JSON ({what}); for one object a line, name the file .jsonl") from error
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected a list of objects, got {type(rows).__name__}")
    for number, values in enumerate(rows, start=1):
        yield _json_record(f"{path.name}:{number}", values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """
    Raises:
        ValueError: a key stands twice, of which Python would take the last.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(
            f"the key {next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)!r} stands twice"
        )
    return found


def _json_record(source: str, values: Any) -> Record:
    if not isinstance(values, dict):
        return Record(source, problem=f"expected an object with columns, got {type(values).__name__}")
    return Record(source, values)


def read_parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            refuse_twins(path, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(1_000):
                for values in batch.to_pylist():
                    number += 1
                    yield Record(f"{path.name}:{number}", values)
    except InputError:
        raise
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
    ) as error:  # the last two of dates that Python has no type for
        raise InputError(
            f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); copy or export it again"
        ) from error


def read_conll(path: Path) -> Iterator[Record]:
    """A token a line and a blank line between texts; the first cell is the token, the last its tag: columns `tokens` and `tags`, lists."""
    number, tokens, tags, problem = 1, list[str](), list[str](), None
    with _open_text(path) as file:
        for place, line in enumerate(chain(_lines(file, path), [""]), start=1):
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if not line.strip():
                if tokens or problem:
                    yield Record(f"{path.name}:{number}", {"tokens": tokens, "tags": tags}, problem)
                    number, tokens, tags, problem = number + 1, [], [], None
            elif cells[0] != "-DOCSTART-":  # what CoNLL-2003 puts before each document
                if len(cells) < 2:
                    problem = f"line {place} has one cell, expected a token and its tag"
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
        raise InputError(
            f"{path}: not UTF-8 (byte {error.object[error.start]:#04x}); convert it, for example with `iconv -f {encoding} -t UTF-8`"
        ) from error
