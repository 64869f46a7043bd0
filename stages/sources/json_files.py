"""Reads JSON and JSON Lines files."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from stages.core.errors import InputError, shown
from stages.sources.records import FileFormat, Record, named
from stages.sources.text_files import iter_lines, open_text

_VISIBLE = re.compile(r"\S")


def read_json_lines(path: Path, format: FileFormat) -> Iterator[Record]:
    """One record per line that is not blank; the line must hold an object.

    Raises:
        InputError: the file is one JSON value, not one per line.
    """
    is_first = True
    with open_text(path, format.encoding) as file:
        for number, line in enumerate(iter_lines(file, path), start=1):
            source = f"{path.name}:{number}"
            if not line.strip():
                continue
            values, problem = None, ""
            try:
                values = json.loads(line, object_pairs_hook=_unique_keys)
            except (ValueError, RecursionError) as error:  # also for a number of too many digits, and too many brackets
                problem = f"not valid JSON ({_json_problem(error, 'character', 'pos')})"
            if is_first and not isinstance(values, dict) and _is_json(path, format):
                raise InputError(f"{path}: it is one JSON value, not one per line; give it a name that ends in .json")
            is_first = False
            yield Record(source, problem=problem) if problem else _json_record(source, values)


def _is_json(path: Path, format: FileFormat) -> bool:
    """Whether the whole file is a list of objects or an object."""
    with open_text(path, format.encoding) as file:
        try:
            value = json.loads("".join(iter_lines(file, path)), object_pairs_hook=_unique_keys)
        except (ValueError, RecursionError):
            return False
    return isinstance(value, dict) or (isinstance(value, list) and all(isinstance(row, dict) for row in value))


def read_json(path: Path, format: FileFormat) -> Iterator[Record]:
    """One record per object of a JSON file: a list of objects, or an object that holds it or is a table by columns."""
    with open_text(path, format.encoding) as file:
        text = "".join(iter_lines(file, path))
    try:
        rows = json.loads(text, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        problem = f"{path}: not valid JSON ({_json_problem(error, 'line', 'lineno')})"
        advice = _advice(text)
        raise InputError(f"{problem}; {advice}" if advice else problem) from error
    if isinstance(rows, dict):
        rows = _rows_of(rows, path, format.columns)
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected a list of objects, got {type(rows).__name__}")
    for number, values in enumerate(rows, start=1):
        yield _json_record(f"{path.name}:{number}", values)


def _advice(text: str) -> str:
    """What to do with a text that is several JSON values; empty if it is not."""
    if not text.strip():
        return "it is empty; check collect.source"
    if all(_is_object(line) for line in text.splitlines() if line.strip()):
        return "each line is an object: give the file a name that ends in .jsonl"
    decoder, position, n_values = json.JSONDecoder(), 0, 0
    while start := _VISIBLE.search(text, position):
        try:
            _, position = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            return ""
        n_values += 1
    if n_values < 2:
        return ""
    return f"it is {n_values} values, one after the other: put them into one list, with commas between them"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _rows_of(table: dict[str, Any], path: Path, columns: Sequence[str]) -> list[Any]:
    """The rows of an object: {"data": [{...}, ...]}, {"text": [...], "label": [...]}, or the same by row names.

    Raises:
        InputError: it is none of these, or not only one of them.
    """
    lists = [name for name, value in table.items() if _has_rows(value, columns)]
    if len(lists) == 1:
        return list(table[lists[0]])
    if table and _has_rows(list(table.values()), columns):
        return list(table.values())
    asked = [table.get(name) for name in columns]
    if asked and all(isinstance(cells, list) for cells in asked) and len({len(cells or ()) for cells in asked}) == 1:
        return [dict(zip(columns, row, strict=True)) for row in zip(*cast(Any, asked), strict=True)]
    if asked and all(isinstance(cells, dict) and cells.keys() == cast(Any, asked[0]).keys() for cells in asked):
        return [{name: table[name][key] for name in columns} for key in cast(Any, asked[0])]
    raise InputError(
        f"{path}: expected a list of objects with the columns {named(columns)}, "
        f"got an object with {named(table)}; write the rows as one list, such as pandas' to_json(orient='records') does"
    )


def _has_rows(value: Any, columns: Sequence[str]) -> bool:
    """Whether a value is a list of objects that have all columns."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, dict) and row.keys() >= set(columns) for row in value)
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a JSON file.

    Raises:
        ValueError: a key occurs twice; json.loads would silently take the last.
    """
    values: dict[str, Any] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"the key {shown(key)} occurs twice")
        values[key] = value
    return values


def _json_problem(error: Exception, unit: str, attribute: str) -> str:
    """What is wrong, with the position if it is known: `attribute` of a JSONDecodeError, in `unit`s."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at {unit} {getattr(error, attribute)}"
    if isinstance(error, RecursionError):
        return "too many brackets inside each other"
    return "a number of too many digits" if "integer string conversion" in str(error) else str(error)


def _json_record(source: str, values: Any) -> Record:
    if not isinstance(values, dict):
        return Record(source, problem=f"expected an object with columns, got {type(values).__name__}")
    return Record(source, values)
