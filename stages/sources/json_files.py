"""Reads JSON and JSON Lines files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.core.errors import InputError
from stages.sources.records import Record
from stages.sources.text_files import iter_lines, open_text


def read_json_lines(path: Path) -> Iterator[Record]:
    """One record per line that is not blank; the line must hold an object."""
    with open_text(path) as file:
        for number, line in enumerate(iter_lines(file, path), start=1):
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
    with open_text(path) as file:
        try:
            rows = json.loads("".join(iter_lines(file, path)), object_pairs_hook=_unique_keys)
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
