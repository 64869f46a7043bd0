"""Files and folders that appear complete or not at all: written under a temporary name, renamed when complete."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# What is called before a rename; `checked_renames` adds to it.
_checks: list[Callable[[], None]] = []


@contextmanager
def checked_renames(check: Callable[[], None]) -> Iterator[None]:
    """Within the `with` block, `check` is called before anything appears under its name; its error prevents that."""
    _checks.append(check)
    try:
        yield
    finally:
        _checks.remove(check)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to; it replaces `folder` if the `with` block ends without an error, else it is deleted."""
    with partial_folder(folder) as partial:
        yield partial
        replace_folder(folder, partial)


@contextmanager
def partial_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` for unfinished work; it is deleted when the `with` block ends."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # left by a run that was killed
    partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def replace_folder(folder: Path, new: Path) -> None:
    """Moves the complete folder `new` to `folder`. Both must be on one file system."""
    _check()
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    new.replace(folder)


def _check() -> None:
    for check in _checks:
        check()


def write_json(path: Path, values: Mapping[str, object] | Sequence[object]) -> None:
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="")
        _check()
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
