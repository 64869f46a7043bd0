"""Reads the source that params name; writes data/collected (our column names, an id for every row) and data/verdicts/collect.

Foreign names are known here and nowhere else. An id is a hash of what the row is (content and label) and of how many
equal rows came before it, so it stays the same when rows are reordered or added.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator
from tqdm import tqdm

from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import SIDE_MARK, new_table, row_schema, verdict_schema
from stages.sources.cells import as_bytes, as_json, as_text, storable
from stages.sources.descriptors import read_descriptor
from stages.sources.folders import leads_out
from stages.sources.label_formats import BadLabel, names_of, names_of_flags, tagged, tagged_by_spans
from stages.sources.read import read_source
from stages.sources.records import BadRow, FileFormat, Record, RowIds

VERDICT = verdict_schema(("source", pa.string()), ("detail", pa.string()))


class Columns(Strict):
    """What the source calls our columns."""

    content: str | list[str] = Field(
        description="the text, the file's bytes, or (with `files`) the name of the file; two columns: a pair of texts"
    )
    label: str | list[str] = Field(
        description="the label; its cell may be empty. Several columns: each is a label, and holds 1 where a row has it"
    )
    group: str | None = Field(
        description="rows of one group never fall into two splits: the author, the patient, the sender..."
    )
    time: str | None = Field(description="an ISO 8601 date or time, for `split.method: time`")
    split: str | None = Field(description="the split that the source puts the row in, in the words of `collect.splits`")


class Section(Strict):
    source: str = Field(
        min_length=1,
        description="a table (.csv, .tsv, .json, .jsonl, .parquet), a folder, or a .yaml descriptor of what is elsewhere",
    )
    table: str | None = Field(
        description="the table to read when `source` is a folder that holds a table and the files that it names"
    )
    splits: dict[Literal["train", "validation", "test"], str] | None = Field(
        min_length=1,
        description="what the source's own splits are called: tables or folders in `source`, splits of a descriptor, or values in `columns.split` "
        "(with * and ?, [0-4]; the first that fits of test, validation, train); they are never redrawn",
    )
    columns: Columns
    files: str | None = Field(
        description="for a table of names of files: where they lie in `source`, with {} for the cell of `columns.content`, such as images/{}.jpg, or {} alone"
    )
    file_names: str | None = Field(
        description="for a folder of files: what their names say, such as {label}_{speaker}_{take}.wav; each is a column"
    )
    label_format: Literal["one", "list", "tags", "spans"] = Field(
        description="how labels are written: one name or number; a list (an empty cell: none of them); "
        "a tag a token (BIO, BIOES, BILOU); spans of the text (start, end, label)"
    )
    label_delimiter: str | None = Field(
        min_length=1, description="what stands between the names of a list that is written in one cell"
    )
    delimiter: str | None = Field(
        min_length=1,
        max_length=1,
        description="what stands between the cells of CSV and TSV files; null: a comma, or a tab in .tsv",
    )
    header: bool = Field(
        description="whether the first line of a CSV or TSV file names the columns; else they are called '0', '1', '2'..."
    )
    quoting: bool = Field(
        description="whether quotation marks enclose cells in CSV and TSV files; false: they are characters like any other"
    )
    on_bad_row: Literal["error", "drop"] = Field(
        description="a row that cannot be read stops the run, or is counted and left out"
    )

    @model_validator(mode="after")
    def check_columns(self) -> Self:
        if isinstance(self.columns.content, list) and len(set(self.columns.content)) != 2:
            raise ValueError("columns.content is one column, or the two of a pair of texts")
        if isinstance(self.columns.label, list) and not 0 < len(set(self.columns.label)) == len(self.columns.label):
            raise ValueError("columns.label is one column, or several, each once")
        if isinstance(self.columns.label, list) and self.label_format != "list":
            raise ValueError("several label columns are a list of labels: set label_format: list")
        if isinstance(self.columns.content, list) and (
            self.files is not None or self.label_format in ("tags", "spans")
        ):
            raise ValueError(
                "a pair of content columns is a pair of texts: set files: null, and label_format: one or list"
            )
        if self.columns.split is not None and self.splits is None:
            raise ValueError(
                "columns.split needs splits, the values in that column, such as {train: train, test: test}"
            )
        return self


class Params(Strict):
    collect: Section


@dataclass(frozen=True)
class Row:
    content: bytes
    label: str | None
    group: str | None
    time: str | None


def open_splits(section: Section) -> Mapping[str, Iterable[Record]]:
    """The records of the source by the split that it puts them in; the key "" when it has none."""
    source, format = (
        Path(section.source),
        FileFormat(section.delimiter, section.header, section.quoting, section.file_names),
    )
    by_name = None if section.columns.split else section.splits
    if source.suffix == ".yaml":
        found = read_descriptor(source)
        if by_name is None and len(found) > 1:
            raise InputError(
                f"{source}: it has the splits {', '.join(found)}; say in collect.splits what they are, such as {{train: {next(iter(found))}}}"
            )
        names: Mapping[Any, str] = by_name or {"": next(iter(found))}
        for name in names.values():
            if name not in found:
                raise InputError(
                    f"{source}: it has no split {name!r}; it has {', '.join(filter(None, found)) or 'none: set collect.splits: null'}"
                )
        return {split: found[name] for split, name in names.items()}
    if by_name is not None:
        return {split: read_source(inside(source, name), format) for split, name in by_name.items()}
    return {"": read_source(inside(source, section.table) if section.table else source, format)}


def inside(folder: Path, name: str) -> Path:
    """The path of `name`, which must exist in `folder` and must not lead out of it."""
    path = folder / name
    if leads_out(path, folder):
        raise InputError(f"{name!r} leads out of {folder}; name a path inside it")
    if not path.exists():
        raise InputError(f"{path}: not there; check collect.source, collect.splits and collect.table")
    return path


def map_columns(record: Record, section: Section, wanted: Sequence[str]) -> Row:
    """Our columns out of the source's.

    Raises:
        BadRow: the row could not be read, or a column, its file or a usable content is missing.
    """
    if record.problem is not None:
        raise BadRow("unreadable_row", record.problem)
    values, columns = record.values, section.columns
    for column in wanted:
        if column not in values:
            raise BadRow(
                "missing_column", f"no column {column!r} among {', '.join(map(repr, values))}; see collect.columns"
            )
    content, label = map_label(values, section)
    if section.files is not None:
        content = read_file(Path(section.source), section.files.replace("{}", str(content)))
    return Row(
        content=SIDE_MARK.encode().join(map(as_bytes, content))
        if isinstance(columns.content, list)
        else as_bytes(content),
        label=as_text(label, "label"),
        group=as_text(values[columns.group], "group", blank=None) if columns.group else None,
        time=as_text(values[columns.time], "time", blank=None) if columns.time else None,
    )


def map_label(values: Mapping[str, Any], section: Section) -> tuple[Any, Any]:
    """The content and the label, as the source has them; a label that is a list becomes JSON, a text with tags becomes tokens."""
    columns = section.columns
    content = (
        [values[name] for name in columns.content] if isinstance(columns.content, list) else values[columns.content]
    )
    try:
        if isinstance(columns.label, list):
            return content, as_json(names_of_flags({name: values[name] for name in columns.label}))
        label = values[columns.label]
        if section.label_format == "one":
            return content, label
        if section.label_format == "list":
            return content, None if label is None or label != label else as_json(
                names_of(label, section.label_delimiter)
            )
        found = tagged(content, label) if section.label_format == "tags" else tagged_by_spans(content, label)
    except BadLabel as bad:
        raise BadRow("unusable_label", f"{bad}; see collect.label_format") from bad
    return found.tokens, None if found.tags is None else as_json(found.tags)


def given_split(value: str, section: Section) -> str:
    """The split whose name in `collect.splits` fits the row's cell of `columns.split`."""
    names = section.splits or {}
    found = next(
        (split for split in ("test", "validation", "train") if split in names and fnmatchcase(value, names[split])),
        None,
    )
    if found is None:
        raise BadRow("unknown_split", f"the split {value!r}; collect.splits knows {', '.join(names.values())}")
    return found


def read_file(folder: Path, name: str) -> bytes:
    try:
        return inside(folder, name).read_bytes()
    except (ValueError, OSError) as error:  # InputError is a ValueError, and so is a NUL in a name
        raise BadRow(
            "missing_file", str(error).replace("; check collect.source, collect.splits and collect.table", "")
        ) from error


def collect(section: Section) -> Counts:
    """Streams the source into data/collected; a bad row stops it or is counted, as `on_bad_row` says."""
    ids, dropped, rows_in, rejected_first = RowIds(), Counter[str](), 0, ""
    wanted = [
        column
        for named in vars(section.columns).values()
        for column in (named if isinstance(named, list) else [named])
        if column is not None
    ]
    with (
        new_table(paths.COLLECT_VERDICTS, VERDICT) as rejected,
        new_table(paths.COLLECTED, row_schema(pa.binary(), pa.string())) as collected,
    ):
        for split, records in open_splits(section).items():
            for record in tqdm(records, desc=f"collect {split}".strip(), unit=" rows", disable=None):
                rows_in += 1
                source = storable(record.source)
                try:
                    row = map_columns(record, section, wanted)
                    given = (
                        given_split(as_text(record.values[section.columns.split], "split") or "", section)
                        if section.columns.split
                        else split or None
                    )
                except BadRow as bad:
                    if section.on_bad_row == "error":
                        advice = (
                            "" if bad.reason == "missing_column" else "; mend the row, or set collect.on_bad_row: drop"
                        )
                        raise InputError(f"{section.source}, {record.source}: {bad}{advice}") from bad
                    dropped[bad.reason] += 1
                    rejected_first = rejected_first or str(bad)
                    key = RowIds().next(source.encode(), split)
                    rejected.write_row(
                        {"id": key, "keep": False, "reason": bad.reason, "source": source, "detail": storable(str(bad))}
                    )
                else:
                    key = ids.next(row.content, row.label)
                    collected.write_row({"id": key, **vars(row), "source": source, "given_split": given})
        if rows_in == sum(dropped.values()):
            why = f" ({dict(dropped)}; the first: {rejected_first})" if dropped else ""
            raise InputError(
                f"{section.source}: {rows_in} rows in it, none that can be used{why}; check collect.source and collect.columns"
            )
    return Counts(rows_in, dropped)


def main(params: Params) -> Counts:
    return collect(params.collect)


if __name__ == "__main__":
    run_stage("collect", Params, main)
