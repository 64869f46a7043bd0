"""Chooses the reader of a file or folder by its name."""

from collections.abc import Iterator
from pathlib import Path

from stages.core.errors import InputError
from stages.sources.conll_files import read_conll
from stages.sources.csv_files import read_delimited
from stages.sources.folders import read_class_folders, read_files
from stages.sources.json_files import read_json, read_json_lines
from stages.sources.parquet_files import read_parquet
from stages.sources.records import FileFormat, Record

TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".conll")


def read_source(path: Path, format: FileFormat) -> Iterator[Record]:
    """The records of a file or folder.

    Raises:
        InputError: it cannot be read, or its format is not known.
    """
    if path.is_dir():
        return read_files(path, format.file_names) if format.file_names else read_class_folders(path)
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
