"""Files and folders that are there whole or not at all; written under a temporary name, then renamed, so that a kill leaves no half."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stages.core.errors import InputError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Where to write what takes the place of `folder` when the `with` block ends well.

    Raises:
        InputError: another run is writing it.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    busy = InputError(f"{folder}: another run is writing it; wait for its end")
    if partial.exists():
        os.close(lock(partial, busy))
        shutil.rmtree(partial)  # of a run that was killed
    try:
        partial.mkdir(parents=True)
    except FileExistsError as error:
        raise busy from error
    held = lock(partial, busy)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(held)


def lock(folder: Path, busy: Exception) -> int:
    """A file descriptor that holds a lock on `folder`, which ends with it or with the process."""
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise busy from None
    return held


def write_json(path: Path, values: Mapping[str, object]) -> None:
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="")
    partial.replace(path)
