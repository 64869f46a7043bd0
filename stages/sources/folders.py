"""Reads folders of files: one folder per class, or files whose names contain their labels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from stages.core.errors import InputError, one_line, shown
from stages.core.run import DataWarning
from stages.sources.file_kinds import is_note, kind_of
from stages.sources.file_texts import in_utf8
from stages.sources.local_files import Listing, list_files, read_bytes
from stages.sources.records import FileFormat, Record


@dataclass
class FolderNotes:
    """What the readers of folders leave out or notice; `warnings` says it."""

    hidden: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the files that are rows
    columns: list[Mapping[str, str]] = field(default_factory=list)  # of these files: class and parts of the name

    def add(self, folder: Path, listing: Listing) -> None:
        self.hidden += [str(folder / path) for path in listing.hidden]
        self.empty += [str(folder / path) for path in listing.empty]

    def add_name(self, name: str, columns: Mapping[str, str]) -> None:
        self.names.append(name)
        self.columns.append(columns)

    def warnings(self) -> list[DataWarning]:
        said = [
            (
                "hidden file, or file that tools left behind, is no row",
                "hidden files, or files that tools left behind, are no rows",
                self.hidden,
            ),
            ("file about the data is no row", "files about the data are no rows", self.notes),
            ("empty folder gives no rows", "empty folders give no rows", self.empty),
        ]
        return [
            DataWarning(f"{len(paths):,} {one if len(paths) == 1 else several}: {examples(paths)}", "collect.source")
            for one, several, paths in said
            if paths
        ]


def examples(paths: list[str]) -> str:
    """The first three paths."""
    return ", ".join(map(one_line, paths[:3])) + (", ..." if len(paths) > 3 else "")


@dataclass(frozen=True)
class FolderReader:
    """Reads the files of one folder."""

    folder: Path
    listing: Listing
    encoding: str | None
    notes: FolderNotes

    def class_folders(self, name_parts: "NameParts | None") -> Iterator[Record]:
        """One record per file of a folder with one folder per class: columns `file` (bytes) and `class`."""
        contents = {kind_of(path.name) for path in self.listing.files if len(path.parts) > 1}
        for path in self.listing.all_rows:
            if len(path.parts) > 1 or path in self.listing.problems:
                yield self.record(path, name_parts, {"class": path.parts[0]})
            elif is_note(path.name, contents):
                self.notes.notes.append(str(self.folder / path))
            else:
                yield bad_file(path, "it is beside the folders of classes; move it into one of them, or delete it")

    def files(self, name_parts: "NameParts") -> Iterator[Record]:
        """One record per file: columns `file` (bytes) and the parts of the file's name or path."""
        contents = {kind_of(path.name) for path in self.listing.files if name_parts.matches(path)}
        for path in self.listing.all_rows:
            is_row = path in self.listing.problems or name_parts.matches(path)
            if is_row or not is_note(path.name, contents):
                yield self.record(path, name_parts, {})
            else:
                self.notes.notes.append(str(self.folder / path))

    def record(self, path: Path, name_parts: "NameParts | None", columns: Mapping[str, str]) -> Record:
        """The record of a file, or what is wrong with it."""
        if path in self.listing.problems:
            return bad_file(path, self.listing.problems[path])
        parts = name_parts.read(path) if name_parts else {}
        if isinstance(parts, str):
            return bad_file(path, parts)
        file = self.folder / path
        content, problem = read_bytes(file)
        if problem is None:
            content, problem = in_utf8(content, file, self.encoding)
        if problem is not None:
            return bad_file(path, problem)
        self.notes.add_name(path.name, {**parts, **columns})
        return Record(f"{path}:1", {"file": content, **parts, **columns})


def read_folder(folder: Path, format: FileFormat, notes: FolderNotes) -> Iterator[Record]:
    """The records of a folder.

    Without `file_names`, each folder in it is a class. A pattern with a `/` is that of a file's path in the folder, and
    any other that of a file's name: in the folder itself or, if there are folders in it, in these, which are classes.

    Raises:
        InputError: the folder has no such layout, or the pattern cannot be used.
    """
    name_parts = NameParts(format.file_names) if format.file_names else None
    listing = list_files(folder)
    notes.add(folder, listing)
    reader = FolderReader(folder, listing, format.encoding, notes)
    has_folders = any(len(path.parts) > 1 for path in listing.all_rows)
    if name_parts and ("/" in name_parts.pattern or not has_folders):
        return reader.files(name_parts)
    if not has_folders:
        raise InputError(f"{folder}: expected one folder per class, got {flat_folder(listing)}")
    if name_parts and "class" in name_parts.names:
        raise InputError(
            f"collect.file_names: {name_parts.pattern!r}: {folder} has folders, whose names are the column `class`; "
            "give that part of the file names another name"
        )
    return reader.class_folders(name_parts)


def bad_file(path: Path, problem: str) -> Record:
    return Record(f"{path}:1", problem=problem, reason="unusable_file")


def flat_folder(listing: Listing) -> str:
    """What a folder without folders holds, and the settings that read it."""
    kinds = {kind_of(path.name) for path in listing.files}
    if not listing.all_rows:
        return "an empty folder"
    if "table" not in kinds:
        return (
            f"files only; set collect.file_names to the parts of their names, such as {shown(listing.all_rows[0])}, "
            "or move them into one folder per class"
        )
    return "files only; for a folder of tables set collect.splits or collect.table"


class NameParts:
    """The parts of file names that match a pattern: texts of at least one character, without a `/`.

    A name can be read in only one way if the reading with the shortest first parts equals that with the longest. Both
    are found in one pass over the name; regular expressions would try all places of all separators.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.names = _part_names(pattern)
        self._texts = re.split(r"{\w+}", pattern)  # before, between and after the parts

    def matches(self, path: Path) -> bool:
        return _shortest_parts(self._text(path), self._texts) is not None

    def read(self, path: Path) -> dict[str, str] | str:
        """The parts, or why there are none."""
        text = self._text(path)
        shortest = _shortest_parts(text, self._texts)
        longest = _shortest_parts(text[::-1], [part[::-1] for part in reversed(self._texts)])
        if shortest is None or longest is None:
            return f"its name does not match {self.pattern}; rename or move the file, or change collect.file_names"
        parts = dict(zip(self.names, shortest, strict=True))
        others = dict(zip(self.names, [part[::-1] for part in reversed(longest)], strict=True))
        if parts != others:
            return f"its name can be read as {parts} and as {others}; rename the file, or change collect.file_names"
        return parts

    def _text(self, path: Path) -> str:
        return path.as_posix() if "/" in self.pattern else path.name


def _shortest_parts(name: str, texts: Sequence[str]) -> list[str] | None:
    """The parts of a name between the `texts`, each as short as it can be, the first first; None if there are none.

    Where a text is found first is always good enough: what follows it can only be longer, up to the next `/`.
    """
    before, *between, after = texts
    end = len(name) - len(after)
    if not name.startswith(before) or not name.endswith(after):
        return None
    parts, start = [], len(before)
    for text in between:
        found = name.find(text, start + 1, end)
        if found < 0:
            return None
        parts.append(name[start:found])
        start = found + len(text)
    parts.append(name[start:end])
    return parts if all(part and "/" not in part for part in parts) else None


def _part_names(pattern: str) -> list[str]:
    names = re.findall(r"{(\w*)}", pattern)
    are_usable = all(name.isidentifier() and name != "file" for name in names)
    if not names or not are_usable or len(set(names)) < len(names):
        raise InputError(
            f"collect.file_names: {pattern!r}; it must have named parts, each once and none of them {{file}}, "
            "such as {label}_{speaker}_{take}.wav"
        )
    return names
