"""Reads what people have: tables, folders of files by class, and descriptors of what lies elsewhere.

Every reader yields records in a fixed order. A record knows where it stands, for messages; one that cannot be read
carries its problem instead of values, and collect decides whether that is an error.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from stages.errors import InputError
from stages.params import read_yaml

TABLES = (".csv", ".tsv", ".json", ".jsonl", ".parquet", ".conll")
# What load_dataset reads from files by itself; any other `path` names a data set on the hub.
PACKAGED_BUILDERS = ("csv", "json", "parquet", "text", "arrow", "imagefolder", "audiofolder", "webdataset", "xml", "sql")


@dataclass(frozen=True)
class Record:
    source: str  # file and row number
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class FileFormat:
    """How CSV and TSV files are written, and what the names of files say."""

    delimiter: str | None  # None: a comma, or a tab in .tsv
    header: bool
    quoting: bool  # False: a quotation mark is a character like any other
    file_names: str | None  # such as {label}_{speaker}_{take}.wav


def read_source(path: Path, format: FileFormat) -> Iterator[Record]:
    """The records of a file or folder.

    Raises:
        InputError: it cannot be read at all, or nothing can be made of it.
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
    raise InputError(f"{path}: cannot tell its format from its name; use one of {', '.join(TABLES)}, a folder of files by class, or a .yaml descriptor")


def read_delimited(path: Path, delimiter: str, format: FileFormat) -> Iterator[Record]:
    csv.field_size_limit(sys.maxsize)
    with _open_text(path) as file:
        reader = csv.reader(_lines(file, path), delimiter=delimiter, strict=True, quoting=csv.QUOTE_MINIMAL if format.quoting else csv.QUOTE_NONE)
        names = _header(reader, path) if format.header else None
        number = 0
        while True:
            number += 1
            source = f"{path.name}:{number}"
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                if str(error) == "unexpected end of data":  # all rows from here on would be lost as one
                    raise InputError(
                        f"{path}: the quotation mark that opens a cell of row {number} is never closed; close it, or set collect.quoting: false"
                    ) from error
                yield Record(
                    source, problem=f"not valid CSV near line {reader.line_num} ({error}); if the file does not use quotes, set collect.quoting: false"
                )
                continue
            if not cells:  # a blank line is no row
                number -= 1
                continue
            names = names or [str(position) for position in range(len(cells))]
            if len(cells) != len(names):
                yield Record(source, problem=f"line {reader.line_num} has {len(cells)} cells, the file has {len(names)} columns")
            else:
                yield Record(source, dict(zip(names, cells, strict=True)))


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    try:
        names = [name.strip() for name in next(filter(None, reader), [])]  # blank lines may come first
    except csv.Error as error:
        raise InputError(f"{path}: the header is not valid CSV ({error}); if the file does not use quotes, set collect.quoting: false") from error
    if len(names) == 1 and any(sign in names[0] for sign in ",;\t|"):
        raise InputError(f"{path}: the header is one cell, {names[0]!r}; say in collect.delimiter what stands between the cells")
    refuse_twins(path, names)
    return names


def refuse_twins(path: Path, names: Sequence[str]) -> None:
    """
    Raises:
        InputError: two columns of one name.
    """
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}: it has the column {twice[0]!r} more than once; rename one")


def read_json_lines(path: Path) -> Iterator[Record]:
    with _open_text(path) as file:
        for number, line in enumerate(_lines(file, path), start=1):
            source = f"{path.name}:{number}"
            if not line.strip():
                continue
            try:
                values = json.loads(line, object_pairs_hook=_once)
            except (ValueError, RecursionError) as error:  # too many digits, too many brackets
                what = f"{error.msg} at character {error.pos}" if isinstance(error, json.JSONDecodeError) else error
                yield Record(source, problem=f"not valid JSON ({what})")
                continue
            yield _json_record(source, values)


def read_json(path: Path) -> Iterator[Record]:
    with _open_text(path) as file:
        try:
            rows = json.loads("".join(_lines(file, path)), object_pairs_hook=_once)
        except (ValueError, RecursionError) as error:
            if isinstance(error, InputError):
                raise
            what = f"{error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else error
            raise InputError(f"{path}: not valid JSON ({what}); for one object a line, name the file .jsonl") from error
    if not isinstance(rows, list):
        raise InputError(f"{path}: expected a list of objects, got {type(rows).__name__}")
    for number, values in enumerate(rows, start=1):
        yield _json_record(f"{path.name}:{number}", values)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """
    Raises:
        ValueError: a key stands twice, of which Python would take the last.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the key {next(key for key, _ in pairs if [name for name, _ in pairs].count(key) > 1)!r} stands twice")
    return found


def _json_record(source: str, values: Any) -> Record:
    if not isinstance(values, dict):
        return Record(source, problem=f"expected an object with columns, got {type(values).__name__}")
    return Record(source, values)


def read_parquet(path: Path) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            refuse_twins(path, file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(1_000):
                for values in batch.to_pylist():
                    number += 1
                    yield Record(f"{path.name}:{number}", values)
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:  # the last two of dates that Python has no type for
        raise InputError(f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); copy or export it again") from error


def read_class_folders(path: Path) -> Iterator[Record]:
    """One folder a class, its files the rows: columns `file` (bytes) and `class`."""
    folders = sorted(folder for folder in path.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    if not folders:
        raise InputError(f"{path}: expected one folder a class, found none; for a folder of tables set collect.splits or collect.table")
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
        raise InputError(f"collect.file_names: {pattern!r}; name each part once and none of them file, such as {{label}}_{{speaker}}_{{take}}.wav")
    between = [re.escape(part) for part in re.split(r"{\w+}", pattern)]
    # Where the shortest first part and the longest are the same, a name can be read in one way.
    shortest, longest = (
        re.compile("".join(f"{before}(?P<{name}>{some})" for before, name in zip(between, names, strict=False)) + between[-1]) for some in (".+?", ".+")
    )
    for file in sorted(path.iterdir()):
        if file.is_dir() and not file.name.startswith("."):
            yield Record(f"{file.name}:1", problem="a folder, and collect.file_names reads files that stand side by side; for a folder a class set it to null")
        elif not file.name.startswith("."):
            source = f"{file.name}:1"
            found, other = shortest.fullmatch(file.name), longest.fullmatch(file.name)
            if found is None or other is None:
                yield Record(source, problem=f"its name is not of the form {pattern}; see collect.file_names")
            elif found.groupdict() != other.groupdict():
                yield Record(source, problem=f"its name can be read as {found.groupdict()} and as {other.groupdict()}; rename it, or see collect.file_names")
            elif leads_out(file, path):
                yield Record(source, problem=f"a link that leads out of {path}")
            else:
                yield Record(source, {"file": file.read_bytes(), **found.groupdict()})


def read_conll(path: Path) -> Iterator[Record]:
    """A token a line and a blank line between texts; the first cell is the token, the last its tag: columns `tokens` and `tags`, lists."""
    number, tokens, tags, problem = 1, list[str](), list[str](), None
    with _open_text(path) as file:
        for place, line in enumerate(chain(_lines(file, path), [""]), start=1):
            cells = line.rstrip("\r\n").split("\t") if "\t" in line else line.split()
            if not line.strip():
                if tokens or problem:
                    yield Record(f"{path.name}:{number}", {"tokens": tokens, "tags": tags}, problem)
                    number, tokens, tags, problem = number + 1, [], [], None
            elif cells[0] != "-DOCSTART-":  # what CoNLL-2003 puts before each document
                if len(cells) < 2:
                    problem = f"line {place} has one cell, expected a token and its tag"
                tokens.append(cells[0])
                tags.append(cells[-1].strip())


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path` lies outside `folder`, by its name or through a link."""
    return not path.resolve().is_relative_to(folder.resolve())


def read_descriptor(path: Path) -> dict[str, Iterable[Record]]:
    """The splits of what a .yaml descriptor names; the key "" when it has no splits."""
    values = read_yaml(path)
    match values:
        case {"builtin": "digits", **rest} if not rest:
            return {"": read_digits()}
        case {"load_dataset": dict() as arguments, **rest} if not rest:
            return read_hub(path, arguments)
    raise InputError(f"{path}: expected `builtin: digits` or `load_dataset:` with its arguments, got {', '.join(map(str, values)) or 'nothing'}")


def read_digits() -> Iterator[Record]:
    """The 1,797 handwritten digits of scikit-learn (8 x 8 pixels, 17 grey levels), as PNG."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True), start=1):
        png = io.BytesIO()
        Image.fromarray((255 - pixels * 255 / 16).round().astype("uint8")).save(png, format="PNG")
        yield Record(f"digits:{number}", {"image": png.getvalue(), "digit": str(label)})


def read_hub(path: Path, arguments: dict[str, Any]) -> dict[str, Iterable[Record]]:
    """Whatever datasets.load_dataset reads: https://huggingface.co/docs/datasets/loading."""
    name = str(arguments.get("path", ""))
    if arguments.get("trust_remote_code"):
        raise InputError(f"{path}: trust_remote_code runs somebody else's code on this machine; remove it")
    if name not in PACKAGED_BUILDERS and not Path(name).exists() and not arguments.get("revision"):
        raise InputError(f"{path}: load_dataset: `revision` is missing; name the commit of {name!r}, so that the data cannot change unseen")
    import datasets

    try:
        found = datasets.load_dataset(**arguments)
    except Exception as error:  # it raises whatever its builders, fsspec and the network raise
        raise InputError(f"{path}: load_dataset failed: {type(error).__name__}: {' '.join(str(error).split())}") from error
    splits = found if isinstance(found, dict) else {"": found}
    return {split: _hub_records(split or "rows", rows) for split, rows in splits.items()}


def _hub_records(split: str, rows: Any) -> Iterator[Record]:
    import datasets

    names = {column: named for column, feature in rows.features.items() if isinstance(named := getattr(feature, "feature", feature), datasets.ClassLabel)}
    for column, feature in rows.features.items():
        if isinstance(feature, datasets.Image | datasets.Audio):
            rows = rows.cast_column(column, type(feature)(decode=False))
    for number, values in enumerate(rows, start=1):
        for column, feature in names.items():
            found = values[column]
            if isinstance(found, list):
                values[column] = [feature.int2str(number) for number in found]
            else:
                values[column] = feature.int2str(found) if found is not None and found >= 0 else None  # -1 stands for a missing label
        yield Record(f"{split}:{number}", values)


def _open_text(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error


def _lines(file: Any, path: Path) -> Iterator[str]:
    try:
        yield from file
    except UnicodeDecodeError as error:
        encoding = "UTF-16" if error.object[:2] in (b"\xff\xfe", b"\xfe\xff") else "WINDOWS-1252"
        raise InputError(f"{path}: not UTF-8 (byte {error.object[error.start]:#04x}); convert it, for example with `iconv -f {encoding} -t UTF-8`") from error
