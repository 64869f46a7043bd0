"""Reads the source that params name; writes data/collected (our column names, an id for every row) and data/verdicts/collect.

Foreign names are known here and nowhere else. An id is a hash of what the row is (content and label) and of how many
equal rows came before it, so it stays the same when rows are reordered or added.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages import paths
from stages.errors import InputError
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.sources import Record, TextFormat, leads_out, read_descriptor, read_source
from stages.tables import new_table, row_schema, verdict_schema

VERDICT = verdict_schema(("source", pa.string()), ("detail", pa.string()))


class Columns(Strict):
    """What the source calls our columns."""

    content: str = Field(description="the text, the image's bytes, or (with `files`) the name of its file")
    label: str = Field(description="the label; its cell may be empty")
    group: str | None = Field(description="rows of one group never fall into two splits: the author, the patient, the sender...")
    time: str | None = Field(description="an ISO 8601 date or time, for `split.method: time`")


class Section(Strict):
    source: str = Field(min_length=1, description="a table (.csv, .tsv, .json, .jsonl, .parquet), a folder, or a .yaml descriptor of what is elsewhere")
    table: str | None = Field(description="the table to read when `source` is a folder that holds a table and the files that it names")
    splits: dict[Literal["train", "validation", "test"], str] | None = Field(
        min_length=1, description="what the source's own splits are called: tables or folders in `source`, or splits of a descriptor; they are never redrawn"
    )
    columns: Columns
    files: str | None = Field(description="where the file of a row lies in `source`, with {} for the cell of `columns.content`, such as images/{}.jpg")
    delimiter: str | None = Field(min_length=1, max_length=1, description="what stands between the cells of CSV and TSV files; null: a comma, or a tab in .tsv")
    header: bool = Field(description="whether the first line of a CSV or TSV file names the columns; else they are called '0', '1', '2'...")
    quoting: bool = Field(description="whether quotation marks enclose cells in CSV and TSV files; false: they are characters like any other")
    on_bad_row: Literal["error", "drop"] = Field(description="a row that cannot be read stops the run, or is counted and left out")


class Params(Strict):
    collect: Section


@dataclass(frozen=True)
class Row:
    content: bytes
    label: str | None
    group: str | None
    time: str | None


class BadRow(Exception):
    """A row that cannot be collected: `reason` is counted, the message is shown."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def open_splits(section: Section) -> Mapping[str, Iterable[Record]]:
    """The records of the source by the split that it puts them in; the key "" when it has none."""
    source, format = Path(section.source), TextFormat(section.delimiter, section.header, section.quoting)
    if source.suffix == ".yaml":
        found = read_descriptor(source)
        if section.splits is None and len(found) > 1:
            raise InputError(f"{source}: it has the splits {', '.join(found)}; say in collect.splits what they are, such as {{train: {next(iter(found))}}}")
        names: Mapping[Any, str] = section.splits or {"": next(iter(found))}
        for name in names.values():
            if name not in found:
                raise InputError(f"{source}: it has no split {name!r}; it has {', '.join(filter(None, found)) or 'none: set collect.splits: null'}")
        return {split: found[name] for split, name in names.items()}
    if section.splits is not None:
        return {split: read_source(inside(source, name), format) for split, name in section.splits.items()}
    return {"": read_source(inside(source, section.table) if section.table else source, format)}


def inside(folder: Path, name: str) -> Path:
    """The path of `name`, which must exist in `folder` and must not lead out of it."""
    path = folder / name
    if leads_out(path, folder):
        raise InputError(f"{name!r} leads out of {folder}; name a path inside it")
    if not path.exists():
        raise InputError(f"{path}: not there; check collect.source, collect.splits and collect.table")
    return path


def map_columns(record: Record, section: Section) -> Row:
    """Our columns out of the source's.

    Raises:
        BadRow: the row could not be read, or a column, its file or a usable content is missing.
    """
    if record.problem is not None:
        raise BadRow("unreadable_row", record.problem)
    values, columns = record.values, section.columns
    for column in (columns.content, columns.label, columns.group, columns.time):
        if column is not None and column not in values:
            raise BadRow("missing_column", f"no column {column!r} among {', '.join(map(repr, values))}; see collect.columns")
    content = values[columns.content]
    if section.files is not None:
        content = read_file(Path(section.source), section.files.replace("{}", str(content)))
    return Row(
        content=as_bytes(content),
        label=as_text(values[columns.label], "label"),
        group=as_text(values[columns.group], "group", blank=None) if columns.group else None,
        time=as_text(values[columns.time], "time", blank=None) if columns.time else None,
    )


def read_file(folder: Path, name: str) -> bytes:
    try:
        return inside(folder, name).read_bytes()
    except (ValueError, OSError) as error:  # InputError is a ValueError, and so is a NUL in a name
        raise BadRow("missing_file", str(error).replace("; check collect.source, collect.splits and collect.table", "")) from error


def as_bytes(value: Any) -> bytes:
    """A text in UTF-8, or the bytes of a file; the hub's {"bytes": ...} is unwrapped, a missing one is empty."""
    match value:
        case None:
            return b""
        case bytes() | {"bytes": bytes()}:
            return value if isinstance(value, bytes) else bytes(value["bytes"])
        case str() | int() | float():
            return str(value).encode("utf-8", "replace")  # half a surrogate pair, out of JSON, has no bytes
    raise BadRow("unusable_content", f"the content is a {type(value).__name__}, expected a text or the bytes of a file")


def as_text(value: Any, what: str, blank: str | None = "") -> str | None:
    """The text of a label, a group or a time; `blank` for one of spaces only, so that rows without a group are not one group."""
    if value is None or value != value:  # NaN, which JSON and Parquet files write for what is missing
        return None
    if isinstance(value, list | dict | tuple):
        raise BadRow(f"unusable_{what}", f"the {what} is a {type(value).__name__}, expected one value")
    text = storable(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))
    return text if text.strip() else blank


def storable(text: str) -> str:
    """Without half surrogate pairs, which JSON and file names can hold and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()


class RowIds:
    """128 bits in hex of (content, label, how many equal rows came before)."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def next(self, content: bytes, label: str | None) -> str:
        # Lengths are hashed too: no two rows can be cut into the same bytes.
        text = (label or "").encode("utf-8", "replace")
        row = blake2b(b"%d,%d;" % (len(content), -1 if label is None else len(text)) + content + text, digest_size=16)
        earlier = self._seen[row.digest()]
        self._seen[row.digest()] += 1
        if earlier:
            row.update(b";%d" % earlier)
        return row.hexdigest()


def collect(section: Section) -> Counts:
    """Streams the source into data/collected; a bad row stops it or is counted, as `on_bad_row` says."""
    ids, dropped, rows_in = RowIds(), Counter[str](), 0
    with new_table(paths.COLLECT_VERDICTS, VERDICT) as rejected, new_table(paths.COLLECTED, row_schema(pa.binary(), pa.string())) as collected:
        for split, records in open_splits(section).items():
            for record in tqdm(records, desc=f"collect {split}".strip(), unit=" rows", disable=None):
                rows_in += 1
                source = storable(record.source)
                try:
                    row = map_columns(record, section)
                except BadRow as bad:
                    if section.on_bad_row == "error":
                        raise InputError(f"{section.source}, {record.source}: {bad}; mend the row, or set collect.on_bad_row: drop") from bad
                    dropped[bad.reason] += 1
                    key = RowIds().next(source.encode(), split)
                    rejected.write_row({"id": key, "keep": False, "reason": bad.reason, "source": source, "detail": storable(str(bad))})
                else:
                    key = ids.next(row.content, row.label)
                    collected.write_row({"id": key, **vars(row), "source": source, "given_split": split or None})
        if rows_in == sum(dropped.values()):
            raise InputError(f"{section.source}: {rows_in} rows in it, none that can be used; check collect.source and collect.columns")
    return Counts(rows_in, dropped)


def main(params: Params) -> Counts:
    return collect(params.collect)


if __name__ == "__main__":
    run_stage("collect", Params, main)
