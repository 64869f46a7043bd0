"""Files and folders that appear complete or not at all: written under a temporary name, renamed when complete."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import lock_descriptor

from stages.core.errors import InputError


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder to write to; it replaces `folder` if the `with` block ends without an error, else it is deleted.

    Raises:
        InputError: another run is writing `folder`.
    """
    with partial_folder(folder) as partial:
        yield partial
        replace_folder(folder, partial)


@contextmanager
def partial_folder(folder: Path) -> Iterator[Path]:
    """An empty, locked folder beside `folder` for unfinished work; it is deleted when the `with` block ends.

    Raises:
        InputError: another run is writing `folder`.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    if partial.exists():
        with locked(partial, folder):
            shutil.rmtree(partial)  # left by a run that was killed
    try:
        partial.mkdir(parents=True)
    except FileExistsError as error:
        raise being_written(folder) from error
    with locked(partial, folder):
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def replace_folder(folder: Path, new: Path) -> None:
    """Moves the complete folder `new` to `folder`. Both must be on one file system."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    new.replace(folder)


@contextmanager
def locked(partial: Path, folder: Path) -> Iterator[None]:
    """Locks the folder `partial` until the `with` block or the process ends.

    The lock is on the descriptor of the folder itself: filelock.FileLock would leave a lock file in an artifact.

    Raises:
        InputError: another run holds the lock, so it is writing `folder`.
    """
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        if not lock_descriptor(descriptor, blocking=False):
            raise being_written(folder)
        yield
    finally:
        os.close(descriptor)


def being_written(folder: Path) -> InputError:
    return InputError(f"{folder}: another run is writing it; wait until it ends")


def write_json(path: Path, values: Mapping[str, object] | Sequence[object]) -> None:
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False) + "\n")


def write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8", newline="")
    partial.replace(path)
