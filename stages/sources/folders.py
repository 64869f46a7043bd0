"""Reads folders of files: one folder per class, or files whose names say what they are."""

import re
from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import InputError
from stages.sources.records import Record


def read_class_folders(path: Path) -> Iterator[Record]:
    """One folder a class, its files the rows: columns `file` (bytes) and `class`."""
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not folders:
        raise InputError(
            f"{path}: expected one folder a class, found none; for a folder of tables set collect.splits or collect.table"
        )
    for file in sorted(path.iterdir()):
        if file.is_file() and not file.name.startswith("."):
            yield Record(f"{file.name}:1", problem="it stands beside the folders of classes; move it into one of them")
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                source = f"{file.relative_to(path)}:1"
                if leads_out(file, path):
                    yield Record(source, problem=f"a link that leads out of {path}")
                else:
                    yield Record(source, {"file": file.read_bytes(), "class": folder.name})


def read_files(path: Path, pattern: str) -> Iterator[Record]:
    """The files of a folder: columns `file` (bytes) and what `pattern` finds in their names."""
    names = re.findall(r"{(\w*)}", pattern)
    if not names or not all(name.isidentifier() for name in names) or len(set(names)) < len(names) or "file" in names:
        raise InputError(
            f"collect.file_names: {pattern!r}; name each part once and none of them file, such as {{label}}_{{speaker}}_{{take}}.wav"
        )
    between = [re.escape(part) for part in re.split(r"{\w+}", pattern)]
    # Where the shortest first part and the longest are the same, a name can be read in one way.
    shortest, longest = (
        re.compile(
            "".join(f"{before}(?P<{name}>{some})" for before, name in zip(between, names, strict=False)) + between[-1]
        )
        for some in (".+?", ".+")
    )
    for file in sorted(path.iterdir()):
        if file.is_dir() and not file.name.startswith("."):
            yield Record(
                f"{file.name}:1",
                problem="a folder, and collect.file_names reads files that stand side by side; for a folder a class set it to null",
            )
        elif not file.name.startswith("."):
            source = f"{file.name}:1"
            found, other = shortest.fullmatch(file.name), longest.fullmatch(file.name)
            if found is None or other is None:
                yield Record(source, problem=f"its name is not of the form {pattern}; see collect.file_names")
            elif found.groupdict() != other.groupdict():
                yield Record(
                    source,
                    problem=f"its name can be read as {found.groupdict()} and as {other.groupdict()}; rename it, or see collect.file_names",
                )
            elif leads_out(file, path):
                yield Record(source, problem=f"a link that leads out of {path}")
            else:
                yield Record(source, {"file": file.read_bytes(), **found.groupdict()})


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path` lies outside `folder`, by its name or through a link."""
    return not path.resolve().is_relative_to(folder.resolve())
