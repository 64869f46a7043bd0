"""Refuses descriptors of data that can change while their text, which is all that DVC sees, stays the same."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.core.errors import InputError, one_line
from stages.sources.layouts import Layout, yaml_of
from stages.sources.read import TABLES

# What load_dataset takes as the name of a format of files, not of a data set.
FORMATS = frozenset(
    {"csv", "json", "pandas", "parquet", "arrow", "text", "conll", "imagefolder", "audiofolder", "videofolder", "lance"}
    | {"meshfolder", "pdffolder", "niftifolder", "webdataset", "xml", "hdf5", "eval", "tsfile", "iceberg", "vortex"}
    | {"mmcif", "pdb", "genbank", "fasta", "fastq", "harbor", "sql", "generator"}
)
BRANCH = re.compile(r"main|master|refs/.+")  # what moves; a tag cannot be told from a branch of another name
PINNED_URL = re.compile(r"[/@][0-9a-f]{40}(/|$)")


def refuse_unseen_changes(path: Path, arguments: Mapping[str, Any]) -> None:
    """Checks that the arguments of load_dataset name a commit of a data set on the hub, and nothing else.

    Raises:
        InputError: they name files of this machine, an address, or a branch.
    """
    name = str(arguments.get("path", ""))
    is_local = name in FORMATS or Path(name).exists()
    addresses = list(strings([arguments.get("data_files"), arguments.get("data_dir")]))
    if name not in FORMATS:
        addresses.append(name)
    for value in addresses:
        if "://" in value:
            if PINNED_URL.search(value) is None:
                raise InputError(
                    f"{path}: load_dataset reads {one_line(value)}, which can change unseen; "
                    "download the data, and name the file or folder in collect.source"
                )
        elif is_local or value.startswith(("/", "~", "..")):
            raise InputError(
                f"{path}: load_dataset reads {one_line(value)} on this machine, whose changes would stay unseen; "
                f"{advice(arguments, value)}"
            )
    revision = str(arguments.get("revision") or "")
    if not is_local and (not revision or BRANCH.fullmatch(revision)):
        what = f"`revision` {revision!r} is a branch" if revision else "`revision` is missing"
        raise InputError(
            f"{path}: load_dataset: {what}; set it to a commit of {name!r}, so that the data cannot change"
        )


def strings(value: Any) -> Iterator[str]:
    """All texts in lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for element in value.values() if isinstance(value, Mapping) else value:
            yield from strings(element)


def advice(arguments: Mapping[str, Any], value: str) -> str:
    """The settings that read the files without a descriptor."""
    files = arguments.get("data_files")
    if isinstance(files, Mapping) and all(isinstance(name, str) for name in files.values()):
        paths = {split: Path(name) for split, name in files.items()}
        folders = {path.parent for path in paths.values()}
        if len(folders) == 1 and all(map(is_table, paths.values())):
            names = {split: path.name for split, path in paths.items()}
            return f"set collect.source: {one_line(folders.pop())} and collect.splits: {yaml_of(names)}"
    path = Path(value)
    if is_table(path):
        return f"set collect.source: {one_line(path)}"
    if path.is_dir():
        settings = settings_of(path)
        if settings:
            return f"set collect.source: {one_line(path)}, {settings}"
    return "write its rows to a Parquet file (load_dataset(...).to_parquet), and name that in collect.source"


def is_table(path: Path) -> bool:
    return path.is_file() and path.suffix in TABLES


def settings_of(folder: Path) -> str:
    """The settings that read a folder of files; empty if its layout has none."""
    for table in ("metadata.csv", "metadata.jsonl", "metadata.parquet"):
        if (folder / table).is_file():
            return f"collect.table: {table}, collect.columns.content: file_name, collect.files: '{{}}'"
    layout = Layout(folder, folder)
    columns = "collect.columns.content: file, collect.columns.label: class"
    if layout.split_folders():
        return f"collect.splits: {layout.splits(layout.split_folders())}, {columns}"
    return f"collect.splits: null, {columns}" if len(layout.tops) > 1 else ""
