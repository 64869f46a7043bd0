"""Reads folders of files: one folder per class, or files whose names contain their labels."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from stages.core.errors import InputError
from stages.sources.records import Record


def read_class_folders(path: Path) -> Iterator[Record]:
    """One record per file of a folder with one folder per class: columns `file` (bytes) and `class`."""
    entries = _visible(path.iterdir())
    folders = [entry for entry in entries if entry.is_dir()]
    if not folders:
        raise InputError(
            f"{path}: expected one folder per class, got none; "
            "for a folder of tables set collect.splits or collect.table"
        )
    for file in entries:
        if file.is_file():
            problem = "it is beside the folders of classes; move it into one of them"
            yield Record(f"{file.name}:1", problem=problem)
    for folder in folders:
        for file in _visible(folder.rglob("*")):
            if file.is_file():
                yield _file_record(file, path, {"class": folder.name})


def read_files(path: Path, pattern: str) -> Iterator[Record]:
    """One record per file of a folder: columns `file` (bytes) and the parts of the file's name.

    `pattern` names the parts, such as {label}_{speaker}_{take}.wav.

    Raises:
        InputError: the pattern names no part, a part twice, or a part `file`.
    """
    shortest, longest = _name_patterns(pattern)
    for file in _visible(path.iterdir()):
        source = f"{file.name}:1"
        if file.is_dir():
            problem = (
                "a folder, but with collect.file_names set no folder is read; for one folder per class set it to null"
            )
            yield Record(source, problem=problem)
            continue
        match, other = shortest.fullmatch(file.name), longest.fullmatch(file.name)
        if match is None or other is None:
            yield Record(source, problem=f"its name does not match {pattern}; see collect.file_names")
        elif match.groupdict() != other.groupdict():
            problem = f"its name can be read as {match.groupdict()} and as {other.groupdict()}"
            yield Record(source, problem=f"{problem}; rename the file, or change collect.file_names")
        else:
            yield _file_record(file, path, match.groupdict())


def _name_patterns(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Two expressions for file names: one with the shortest first parts, one with the longest.

    If both find the same parts, the name can be read in only one way.
    """
    names = re.findall(r"{(\w*)}", pattern)
    are_usable = all(name.isidentifier() and name != "file" for name in names)
    if not names or not are_usable or len(set(names)) < len(names):
        raise InputError(
            f"collect.file_names: {pattern!r}; it must have named parts, each once and none of them {{file}}, "
            "such as {label}_{speaker}_{take}.wav"
        )
    before, *after = [re.escape(text) for text in re.split(r"{\w+}", pattern)]
    shortest = longest = before
    for name, text in zip(names, after, strict=True):
        shortest += f"(?P<{name}>.+?){text}"
        longest += f"(?P<{name}>.+){text}"
    return re.compile(shortest), re.compile(longest)


def _visible(files: Iterable[Path]) -> list[Path]:
    """The paths in order, without hidden ones."""
    return sorted(file for file in files if not file.name.startswith("."))


def _file_record(file: Path, folder: Path, parts: Mapping[str, str]) -> Record:
    source = f"{file.relative_to(folder)}:1"
    if leads_out(file, folder):
        return Record(source, problem=f"a link that leads out of {folder}")
    return Record(source, {"file": file.read_bytes(), **parts})


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path` is outside `folder`, by its name or through a link."""
    return not path.resolve().is_relative_to(folder.resolve())
