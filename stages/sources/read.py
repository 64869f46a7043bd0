"""Chooses the reader of a file or folder by its name."""

from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import InputError
from stages.sources.conll_files import read_conll
from stages.sources.csv_files import read_delimited
from stages.sources.folders import FolderNotes, read_folder
from stages.sources.json_files import read_json, read_json_lines
from stages.sources.parquet_files import read_parquet
from stages.sources.records import FileFormat, Record

TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".conll")


def read_source(path: Path, format: FileFormat, notes: FolderNotes) -> Iterator[Record]:
    """The records of a file or folder; `notes`: where the readers of folders say what they leave out.

    Raises:
        InputError: it cannot be read, or its format is not known.
    """
    if path.is_dir():
        return read_folder(path, format, notes)
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: neither a file nor a folder; copy what it gives into a file")
    match path.suffix.lower():
        case ".csv" | ".tsv" as suffix:
            return read_delimited(path, format.delimiter or ("\t" if suffix == ".tsv" else ","), format)
        case ".jsonl":
            return read_json_lines(path)
        case ".json":
            return read_json(path)
        case ".parquet":
            return read_parquet(path)
        case ".conll":
            return read_conll(path)
    raise InputError(
        f"{path}: its name does not end in a known format; use one of {', '.join(TABLES)}, "
        "a folder with one folder per class, or a .yaml descriptor"
    )
