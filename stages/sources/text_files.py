"""Opens text files and reads their lines, with an error that says how to convert another encoding."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.core.errors import InputError


def open_text(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def iter_lines(file: Any, path: Path) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if error.object[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
        byte = f"{error.object[error.start]:#04x}"
        advice = f"convert it, for example with `iconv -f {encoding} -t UTF-8`"
        raise InputError(f"{path}: not UTF-8 (byte {byte}); {advice}") from error


def refuse_twins(path: Path, names: Sequence[str]) -> None:
    """Checks that column names are unique.

    Raises:
        InputError: two columns have the same name.
    """
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise InputError(f"{path}: it has the column {twins[0]!r} more than once; rename one")
