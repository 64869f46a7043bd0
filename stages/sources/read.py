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
# What to do with files of other formats, by the end of their names.
OTHER_FORMATS = {
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".7z"), "unpack it"),
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".ods"), "save its sheet as CSV in UTF-8"),
    **dict.fromkeys((".ndjson", ".jl", ".jsonlines"), "give it a name that ends in .jsonl"),
    **dict.fromkeys((".pq", ".parq"), "give it a name that ends in .parquet"),
    **dict.fromkeys((".conllu", ".conll03", ".iob", ".iob2", ".bio"), "give it a name that ends in .conll"),
    **dict.fromkeys((".arrow", ".feather", ".orc", ".avro", ".pkl", ".pickle"), "export it as Parquet"),
    **dict.fromkeys((".tab",), "give it a name that ends in .tsv"),
    **dict.fromkeys((".db", ".sqlite", ".sql"), "export its table as CSV"),
}


def read_source(path: Path, format: FileFormat, notes: FolderNotes) -> Iterator[Record]:
    """The records of a file or folder; `notes`: where the readers of folders say what they leave out.

    Raises:
        InputError: it cannot be read, or its format is not known.
    """
    suffix = path.suffix.lower()
    if path.is_dir():
        _refuse_parts(path)
        return read_folder(path, format, notes)
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: neither a file nor a folder; copy what it gives into a file")
    match suffix:
        case ".csv" | ".tsv":
            return read_delimited(path, format)
        case ".jsonl":
            return read_json_lines(path, format)
        case ".json":
            return read_json(path, format)
        case ".parquet":
            return read_parquet(path, format)
        case ".conll":
            return read_conll(path, format)
    if suffix in OTHER_FORMATS:
        raise InputError(f"{path}: files that end in {suffix} are not read; {OTHER_FORMATS[suffix]}")
    raise InputError(
        f"{path}: its name does not end in a known format; use one of {', '.join(TABLES)}, "
        "a folder with one folder per class, or a .yaml descriptor"
    )


def _refuse_parts(folder: Path) -> None:
    """Checks that a folder is not a table in parts, which Spark and pandas write as a folder `notes.csv`."""
    parts = [file.name for file in sorted(folder.iterdir()) if file.suffix.lower() in TABLES]
    if folder.suffix.lower() in TABLES and parts:
        advice = f"set collect.table: {parts[0]}" if len(parts) == 1 else f"join its {len(parts)} parts into one file"
        raise InputError(f"{folder}: it is a folder, not a table; {advice}")
