"""Reads the source; writes data/collected (our column names, an id per row) and data/verdicts/collect (bad rows).

Column names of the source are used only in this stage. An id is a hash of content, label and the number of equal rows
before the row, so it stays the same when rows are reordered or added.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator
from tqdm import tqdm

from stages.core import paths
from stages.core.errors import InputError, one_line, shown
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import SIDE_MARK, new_table, row_schema, verdict_schema
from stages.core.words import kept_rows
from stages.labels.names import as_name
from stages.sources.cells import as_bytes, as_json, as_text, is_missing, spelled
from stages.sources.decimals import with_point
from stages.sources.descriptors import read_descriptor
from stages.sources.file_texts import in_utf8
from stages.sources.folders import FolderNotes
from stages.sources.label_formats import (
    BadLabel,
    Scheme,
    is_list_text,
    literal,
    names_of,
    names_of_flags,
    shortened,
    tagged,
    tagged_by_spans,
)
from stages.sources.layouts import check_layout, suspect_classes
from stages.sources.local_files import file_problem, has_hidden_part, leads_out, read_bytes
from stages.sources.name_groups import suggest_group
from stages.sources.read import read_source
from stages.sources.records import BadRow, FileFormat, Record, RowIds, named
from stages.sources.text_files import is_text_encoding
from stages.sources.times import TimeFormat, Times

WHOLE = re.compile(r"^([+-]?\d+)\.0+$")  # a whole number written as a float
VERDICT = verdict_schema(("source", pa.string()), ("detail", pa.string()))


class Columns(Strict):
    """The names of our columns in the source."""

    content: str | list[str] = Field(
        description="the text, the bytes of a file, or (with `files`) the name of a file; two columns: a pair of texts"
    )
    label: str | list[str] = Field(
        description="the label; the cell may be empty. Several columns: each is a label, and holds 1 if the row has it"
    )
    group: str | None = Field(
        description="the author, the patient, the sender...: rows of the same group are never in different splits"
    )
    time: str | None = Field(
        description="a date or time, for `split.method: time`; `collect.time_format` is its format"
    )
    split: str | None = Field(description="the split that the source puts the row in; `collect.splits` has its values")

    @cached_property
    def names(self) -> list[str]:
        """The names of all columns that are read."""
        names: list[str] = []
        for value in (self.content, self.label, self.group, self.time, self.split):
            if value is not None:
                names += value if isinstance(value, list) else [value]
        return names


class Section(Strict):
    source: str = Field(
        min_length=1,
        description="a table (.csv, .tsv, .json, .jsonl, .parquet), a folder, "
        "or a .yaml descriptor of a data set that is elsewhere",
    )
    table: str | None = Field(
        description="the table to read if `source` is a folder with a table and the files that it names"
    )
    splits: dict[Literal["train", "validation", "test"], str] | None = Field(
        min_length=1,
        description="the names of the source's splits: tables or folders in `source`, splits of a descriptor, "
        "or values of `columns.split` (patterns with *, ? and [0-4]; "
        "the first that matches of test, validation, train); these splits are never changed",
    )
    columns: Columns
    files: str | None = Field(
        description="for a table of names of files: their paths in `source`, "
        "with {} for the cell of `columns.content`, such as images/{}.jpg, or just {}"
    )
    file_names: str | None = Field(
        description="for a folder of files: the parts of their names, such as {label}_{speaker}_{take}.wav, or with a "
        "`/` of their paths in the folder; each part is a column, and so is `class`, the folder of a file, if there "
        "are folders and the pattern has no `/`"
    )
    label_format: Literal["one", "list", "tags", "spans"] = Field(
        description="the format of labels: one name or number; a list (an empty cell: none of the labels); "
        "one tag per token; spans of the text (start, end, label)"
    )
    label_delimiter: str | None = Field(
        min_length=1, description="the delimiter between the names of a list in one cell"
    )
    delimiter: str | None = Field(
        min_length=1,
        max_length=1,
        description="the delimiter between the cells of CSV and TSV files; null: a comma, or a tab in .tsv",
    )
    header: bool = Field(
        description="whether the first line of a CSV or TSV file has the column names; else they are '0', '1', '2'..."
    )
    quoting: bool = Field(
        description="whether quotation marks enclose cells in CSV and TSV files; false: they are ordinary characters"
    )
    encoding: str | None = Field(
        description="the encoding of text files, a codec of Python such as gb18030, cp1252 or utf-16; null: UTF-8"
    )
    escape: str | None = Field(
        min_length=1,
        max_length=1,
        description="the sign before a quotation mark that belongs to a cell of a CSV file, such as a backslash; "
        "null: such a quotation mark is doubled",
    )
    decimal: Literal[".", ","] = Field(
        description="the sign before the fraction of a number; with a comma, labels such as 3,5 and 1.500,50 "
        "become 3.5 and 1500.50"
    )
    time_format: TimeFormat = Field(
        description="the format of `columns.time`: ISO 8601, 31/12/2024 (day_first), 12/31/2024 (month_first), "
        "or seconds or milliseconds since 1970 (epoch)"
    )
    token_column: int = Field(description="the column of the tokens in a CoNLL file, from 1; from the end if negative")
    tag_column: int = Field(description="the column of the tags in a CoNLL file, from 1; from the end if negative")
    tag_scheme: Scheme = Field(
        description="tags with prefixes (bio: BIO, BIOES, BILOU and BMES are read), "
        "or types alone (bare: equal neighbours are one entity)"
    )
    on_bad_row: Literal["error", "drop"] = Field(
        description="a row that cannot be read stops the run (error), or is dropped and counted (drop)"
    )

    @model_validator(mode="after")
    def check_columns(self) -> Self:
        if isinstance(self.columns.content, list) and not 2 == len(set(self.columns.content)) == len(
            self.columns.content
        ):
            raise ValueError("columns.content must be one column, or two different ones for a pair of texts")
        if isinstance(self.columns.label, list) and not 0 < len(set(self.columns.label)) == len(self.columns.label):
            raise ValueError("columns.label must be one column, or several different ones")
        if isinstance(self.columns.label, list) and self.label_format != "list":
            raise ValueError("with several label columns, set label_format: list")
        if isinstance(self.columns.content, list) and (
            self.files is not None or self.label_format in ("tags", "spans")
        ):
            raise ValueError("with two content columns, set files: null, and label_format: one or list")
        if self.encoding is not None and not is_text_encoding(self.encoding):
            raise ValueError(f"encoding: Python knows no text encoding {self.encoding!r}, such as gb18030 or cp1252")
        if self.escape is not None and self.escape in ('"', self.delimiter):
            raise ValueError(
                f"escape: {self.escape!r} has another meaning in the file; it is a sign such as a backslash"
            )
        if 0 in (self.token_column, self.tag_column):
            raise ValueError("token_column and tag_column count from 1, or from -1 at the end")
        if self.columns.split is not None and self.splits is None:
            raise ValueError(
                "columns.split needs splits with the values of that column, such as {train: train, test: test}"
            )
        return self


# The label formats of each target; other targets take any.
LABEL_FORMATS = {
    "category": ("one", "list"),
    "categories": ("list",),
    "number": ("one",),
    "tags": ("tags", "spans"),
}
# Tables whose cells cannot be the bytes of a file.
TEXT_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".conll")


class Params(Strict):
    modality: str = Field(description="the kind of content: a folder in stages/modalities")
    target: str = Field(description="the kind of label: a folder in stages/targets")
    collect: Section

    @model_validator(mode="after")
    def check_contradictions(self) -> Self:
        section = self.collect
        formats = LABEL_FORMATS.get(self.target, (section.label_format,))
        if section.label_format not in formats:
            targets = [name for name, known in LABEL_FORMATS.items() if section.label_format in known]
            raise ValueError(
                f"collect.label_format: {section.label_format} is for target: {' or '.join(targets)}; "
                f"for target: {self.target} set {' or '.join(formats)}"
            )
        if section.decimal == "," and self.target != "number":
            raise ValueError(f"collect.decimal: a comma is for target: number, the target is {self.target}")
        if isinstance(section.columns.content, list) and self.modality != "text":
            raise ValueError(f"collect.columns.content: two columns are for modality: text, it is {self.modality}")
        table = Path(section.table or section.source)
        if self.modality in ("image", "audio") and section.files is None and table.suffix.lower() in TEXT_TABLES:
            raise ValueError(
                f"collect.files: null, but {table} has no {self.modality} in its cells; "
                "set it to the paths of the files, such as files/{}"
            )
        return self


@dataclass(frozen=True)
class Row:
    """A row in our columns, before it has an id."""

    content: bytes
    label: str | None
    group: str | None
    time: str | None
    source: str
    given_split: str | None


def open_splits(section: Section, notes: FolderNotes) -> Mapping[str, Iterable[Record]]:
    """The records of each split that the source gives; the key is "" if it gives none, or gives them row by row."""
    source = Path(section.source)
    split_names = None if section.columns.split else section.splits
    if source.suffix == ".yaml":
        return open_descriptor(source, split_names)
    if split_names is None:
        files = {"": inside(source, section.table) if section.table else source}
    else:
        files = {str(split): inside(source, name) for split, name in split_names.items()}
    if section.columns.split is None:
        for path in files.values():
            if path.is_dir():
                check_layout(path, source, section.file_names)
    format = FileFormat(
        delimiter=section.delimiter,
        header=section.header,
        quoting=section.quoting,
        encoding=section.encoding,
        escape=section.escape,
        token_column=section.token_column,
        tag_column=section.tag_column,
        file_names=section.file_names,
        columns=tuple(section.columns.names),
    )
    return {split: read_source(path, format, notes) for split, path in files.items()}


def open_descriptor(source: Path, split_names: Mapping[Any, str] | None) -> Mapping[str, Iterable[Record]]:
    """The records of each split; `split_names`: the descriptor's name of each of our splits, None if they are not used.

    Raises:
        InputError: the descriptor has several splits and no names are given, or has no split of a given name.
    """
    splits = read_descriptor(source)
    first = next(iter(splits))
    if split_names is None and len(splits) > 1:
        known = ", ".join(splits)
        raise InputError(
            f"{source}: it has the splits {known}; name them in collect.splits, such as {{train: {first}}}"
        )
    split_names = split_names or {"": first}
    for name in split_names.values():
        if name not in splits:
            known = ", ".join(filter(None, splits)) or "none: set collect.splits: null"
            raise InputError(f"{source}: it has no split {name!r}; it has {known}")
    return {split: splits[name] for split, name in split_names.items()}


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`.

    Raises:
        InputError: the path does not exist, or leads out of the folder.
    """
    path = folder / name
    if leads_out(path, folder):
        raise InputError(f"{name!r} leads out of {folder}; name a path inside it")
    if not path.exists():
        raise InputError(f"{path}: not there{PATH_ADVICE}")
    return path


PATH_ADVICE = "; check collect.source, collect.splits and collect.table"


def convert(record: Record, split: str, params: Params, times: Times) -> Row:
    """The row in our columns; `split` is the split that the source puts the record in, "" if it gives none.

    Raises:
        BadRow: the record cannot be read, or a column, a file or usable content is missing.
    """
    if record.problem is not None:
        raise BadRow(record.reason, record.problem)
    section = params.collect
    values, columns = record.values, section.columns
    for column in columns.names:
        if column not in values:
            known = named(values)
            raise BadRow("missing_column", f"no column {shown(column)}, the row has {known}; see collect.columns")
    content, label = convert_label(values, section, params.target)
    return Row(
        content=convert_content(content, section),
        label=as_text(label, "label"),
        group=as_group(values[columns.group]) if columns.group else None,
        time=times.convert(values[columns.time]) if columns.time else None,
        source=one_line(record.source),
        given_split=given_split(values[columns.split], section) if columns.split else split or None,
    )


def as_group(value: Any) -> str | None:
    """A group in one spelling: a column of whole numbers with a gap becomes 1.0, 2.0... in many programs."""
    group = trimmed(value, "group")
    return WHOLE.sub(r"\1", group) if group else None


def trimmed(value: Any, what: str) -> str | None:
    """A group, a time or a split in the form that labels get, so that those that look alike are equal."""
    return as_name(as_text(value, what) or "") or None


def convert_content(content: Any, section: Section) -> bytes:
    if section.files is not None:
        return b"" if is_missing(content) else read_file(section, spelled(content))
    if isinstance(section.columns.content, list):
        return SIDE_MARK.encode().join(map(as_bytes, content))
    return as_bytes(content)


def convert_label(values: Mapping[str, Any], section: Section, target: str) -> tuple[Any, Any]:
    """(content, label) of the source.

    Several labels become JSON; the content of tags and spans becomes a list of tokens.
    """
    columns = section.columns
    if isinstance(columns.content, list):
        content: Any = [values[name] for name in columns.content]
    else:
        content = values[columns.content]
    try:
        if isinstance(columns.label, list):
            return content, of_names(names_of_flags({name: values[name] for name in columns.label}), target)
        label = values[columns.label]
        match section.label_format:
            case "one":
                check_one(label, target)
                return content, with_point(label) if section.decimal == "," else label
            case "list":
                return content, None if is_missing(label) else of_names(
                    names_of(label, section.label_delimiter), target
                )
            case "tags":
                text = tagged(content, label, section.tag_scheme)
            case "spans":
                text = tagged_by_spans(content, label)
    except BadLabel as bad:
        raise BadRow("unusable_label", f"{bad}; see collect.label_format") from bad
    return text.tokens, None if text.tags is None else as_json(text.tags)


def of_names(names: list[str], target: str) -> str | None:
    """The label of a list of names: JSON; for a category the only name, None if there is none.

    Raises:
        BadRow: a category has several names.
    """
    if target != "category":
        return as_json(names)
    if len(names) > 1:
        raise BadRow(
            "unusable_label", f"{len(names)} labels, {shortened(names)}; to keep them all set target: categories"
        )
    return names[0] if names else None


def check_one(label: Any, target: str) -> None:
    """
    Raises:
        BadRow: the label of a category is a list, or the text of one.
    """
    names = label if isinstance(label, list | tuple) else None
    if isinstance(label, str) and is_list_text(label):
        names = literal(label.strip())
    if target == "category" and isinstance(names, list | tuple | set):
        advice = "collect.label_format: list" + (" and target: categories" if len(names) > 1 else "")
        raise BadRow("unusable_label", f"the label {shortened(label)} is a list, expected one value; set {advice}")


def given_split(value: Any, section: Section) -> str:
    """The split whose pattern in `collect.splits` matches a cell of `columns.split`.

    Raises:
        BadRow: no pattern matches.
    """
    name = trimmed(value, "split") or ""
    patterns = section.splits or {}
    for split in ("test", "validation", "train"):
        if split in patterns and fnmatchcase(name, patterns[split]):
            return split
    raise BadRow("unknown_split", f"unknown split {shown(name)}; collect.splits has {', '.join(patterns.values())}")


def read_file(section: Section, cell: str) -> bytes:
    """The content of the file that a cell names.

    Raises:
        BadRow: there is no such file, or it cannot be read.
    """
    if has_hidden_part(cell):
        raise BadRow("unusable_file", f"{shown(cell)} is hidden, or a tool left it behind; delete the row")
    folder, name = Path(section.source), (section.files or "{}").replace("{}", cell)
    path = folder / name
    try:
        if leads_out(path, folder) and not os.path.islink(path):  # noqa: PTH114 - takes a name that is too long
            raise BadRow("missing_file", f"{shown(name)} leads out of {folder}; name a path inside it")
        problem = file_problem(path, folder)
    except ValueError as error:  # a NUL in the name
        raise BadRow("missing_file", f"{shown(name)} can be no name of a file ({error})") from error
    if problem is None:
        content, problem = read_bytes(path)
    if problem is None:
        content, problem = in_utf8(content, path, section.encoding)
    if problem is not None:
        reason = "unusable_file" if os.path.lexists(path) else "missing_file"
        raise BadRow(reason, f"{one_line(path)}: {problem}")
    return content


# What to do about bad rows; the messages of files say it themselves.
ADVICE = {
    "missing_column": "",  # it is missing from all rows, so the row need not be mended
    "unusable_file": "; or set collect.on_bad_row: drop",
}
MEND = "; mend the row, or set collect.on_bad_row: drop"


@dataclass
class BadRows:
    """What happens to bad rows: the first stops the run, or all are counted and listed, as `on_bad_row` says."""

    section: Section
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    first: str = ""  # the message of the first

    def reject(self, record: Record, split: str, bad: BadRow) -> dict[str, Any]:
        """Counts a bad row and returns its verdict.

        Raises:
            InputError: a bad row stops the run.
        """
        if self.section.on_bad_row == "error":
            advice = ADVICE.get(bad.reason, MEND)
            raise InputError(f"{self._where(record)}: {bad}{advice}") from bad
        self.dropped[bad.reason] += 1
        self.first = self.first or str(bad)
        key = RowIds().next(record.source.encode("utf-8", "surrogatepass"), split)
        row = {"source": one_line(record.source), "detail": one_line(bad)}
        return {"id": key, "keep": False, "reason": bad.reason, **row}

    def _where(self, record: Record) -> str:
        """The source and the row; a source that is one file is named once."""
        source = Path(self.section.source)
        name, _, number = record.source.rpartition(":")
        return f"{source}:{number}" if name == source.name else f"{source}, {one_line(record.source)}"

    def check(self, rows_in: int) -> None:
        """Checks that a row was collected.

        Raises:
            InputError: all `rows_in` rows are bad.
        """
        if rows_in == self.dropped.total():
            if not rows_in:
                raise InputError(f"{self.section.source}: it has no rows; check collect.source")
            counts = ", ".join(f"{reason} {count:,}" for reason, count in self.dropped.most_common())
            reasons = f" ({counts}; the first: {self.first})"
            raise InputError(
                f"{self.section.source}: none of its {rows_in} rows can be used{reasons}; "
                "check collect.source and collect.columns"
            )


def iter_records(section: Section, notes: FolderNotes) -> Iterator[tuple[str, Record]]:
    """(split, record) of every row of the source, with a progress bar per split."""
    for split, records in open_splits(section, notes).items():
        n_records = 0
        for record in tqdm(records, desc=f"collect {split}".strip(), unit=" rows", disable=None):
            n_records += 1
            yield split, record
        if split and not n_records:
            raise InputError(f"{section.source}: the split {split} has no rows; check collect.splits")


def collect(params: Params) -> Counts:
    """Streams the rows of the source into data/collected, and bad rows into data/verdicts/collect."""
    section = params.collect
    ids, bad_rows, notes, rows_in = RowIds(), BadRows(section), FolderNotes(), 0
    times = Times(section.time_format)
    with (
        new_table(paths.COLLECT_VERDICTS, VERDICT) as verdicts,
        new_table(paths.COLLECTED, row_schema(pa.binary(), pa.string())) as collected,
    ):
        for split, record in iter_records(section, notes):
            rows_in += 1
            try:
                row = convert(record, split, params, times)
            except BadRow as bad:
                verdicts.write_row(bad_rows.reject(record, split, bad))
            else:
                collected.write_row({"id": ids.next(row.content, row.label), **vars(row)})
        bad_rows.check(rows_in)
    warnings = [*folder_warnings(section, notes), *times.warnings()]
    found = [f"read {section.source}, {kept_rows(rows_in, bad_rows.dropped)}"]
    return Counts(rows_in, bad_rows.dropped, warnings=warnings, found=found)


def folder_warnings(section: Section, notes: FolderNotes) -> list[DataWarning]:
    """What the user of a folder of files should know."""
    warnings = notes.warnings()
    columns = section.columns
    if columns.label == "class" and section.file_names is None:
        warnings += suspect_classes(values["class"] for values in notes.columns)
    if columns.group is None and section.splits is None:
        warnings += suggest_group(notes.names, notes.columns, section.file_names, columns.label)
    return warnings


def main(params: Params) -> Counts:
    return collect(params)


if __name__ == "__main__":
    run_stage("collect", Params, main)
