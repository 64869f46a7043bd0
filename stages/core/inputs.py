"""What a stage reads: the params and files that dvc.yaml lists for it.

DVC records them as they are when a stage has ended, so they must not change while it runs.
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import read_yaml

# What editors, file managers and Python write beside the files that they use.
BESIDE = re.compile(r"[.~].*|.*~|__pycache__")
SMALL = 2**16  # bytes; code and most ledgers
CODE = Path("stages")


@dataclass(frozen=True)
class FileState:
    """Of code and small named files the content counts, as for DVC: an editor may save a file again as it was."""

    size: int
    changed: int  # nanoseconds
    digest: str  # empty for other files, which would take long to read, and may be links to files elsewhere


@dataclass(frozen=True)
class Inputs:
    """The params and files of a stage at one moment."""

    stage: str
    params: Mapping[str, Any]  # by dotted key
    files: Mapping[str, FileState]  # by path
    named_files: Sequence[Path]  # of these files, those that dvc.yaml names, not in a folder

    @classmethod
    def of(cls, stage: str, before: Mapping[str, FileState] = MappingProxyType({})) -> "Inputs":
        """
        Args:
            before: the files at an earlier moment.

        Raises:
            InputError: dvc.yaml or params.yaml cannot be read.
        """
        values = read_yaml(paths.PARAMS)
        listed = read_yaml(paths.DVC_YAML)["stages"][stage]
        keys = [filled(key, values) for key in listed["params"]]
        deps = [Path(filled(dep, values)) for dep in listed["deps"]]
        named_files = [dep for dep in deps if dep.is_file()]
        files: dict[str, FileState] = {}
        for dep in deps:
            is_read = dep in named_files or CODE in dep.parents
            for path in files_of(dep):
                if state := state_of(path, before.get(str(path)), is_read):
                    files[str(path)] = state
        return cls(stage, {key: lookup(values, key) for key in keys}, files, named_files)

    def check_unchanged(self) -> None:
        """Checks that params and files are now as they were.

        Raises:
            InputError: they are not.
        """
        now = Inputs.of(self.stage, self.files)
        changed = [f"{paths.PARAMS}: {key}" for key in differing(self.params, now.params)]
        changed += differing(self.files, now.files)
        if changed:
            raise InputError(
                f"{changed[0]} was changed while this stage ran, so its results are not kept; run `dvc repro` again"
            )


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The dotted keys with other values, and those that only one of the two has."""
    before, after = dict(leaves(before)), dict(leaves(after))
    return [key for key in before | after if (key in before, before.get(key)) != (key in after, after.get(key))]


def leaves(values: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and value of everything that is no section with keys of its own."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{section}{name}.")
        else:
            yield f"{section}{name}", value


def filled(template: str, values: Mapping[str, Any]) -> str:
    """A line of dvc.yaml in which each ${key} is replaced by its value in params.yaml, as DVC does it."""

    def value(match: re.Match[str]) -> str:
        found = lookup(values, match[1])
        return str(found).lower() if isinstance(found, bool) else str(found)

    return re.sub(r"\$\{([\w.]+)\}", value, template)


def lookup(values: Mapping[str, Any], key: str) -> Any:
    """The value of a dotted key; None if there is none."""
    found: Any = values
    for name in key.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def files_of(path: Path) -> Iterator[Path]:
    """A file, or the files in a folder without those that editors write beside them."""
    if "\0" in str(path):  # no name of a file; load_params says so
        return
    if path.is_file():
        yield path
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not BESIDE.fullmatch(name)]
        yield from (Path(folder, name) for name in names if not BESIDE.fullmatch(name))


def state_of(path: Path, before: FileState | None, is_read: bool) -> FileState | None:
    """The state of a file now: `before` if it has not changed; None if it is gone.

    A link to nothing is looked at itself. `is_read`: whether its content counts.
    """
    try:
        try:
            status = path.stat()
        except OSError:
            status = path.lstat()
        size, changed = status.st_size, status.st_mtime_ns
        if before is not None and (before.size, before.changed) == (size, changed):
            return before
        is_read = is_read and stat.S_ISREG(status.st_mode) and size <= SMALL and os.access(path, os.R_OK)
        digest = md5_of(path) if is_read else ""
    except FileNotFoundError:  # an editor writes and deletes files of its own
        return None
    if before is not None and digest and before.digest == digest:
        return before
    return FileState(size, changed, digest)


def md5_of(path: Path) -> str:
    """The hash of a file, as DVC has it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
