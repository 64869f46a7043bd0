"""A record of the source, and the id of a row."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any

from stages.core.errors import shown

NAMED = 10  # columns in a message


@dataclass(frozen=True)
class Record:
    """A row of the source, or the reason why it cannot be read."""

    source: str  # file and row number
    values: Mapping[str, Any] = field(default_factory=dict)  # by column of the source
    problem: str | None = None  # what is wrong with the row
    reason: str = "unreadable_row"  # the kind of problem


@dataclass(frozen=True)
class FileFormat:
    """The format of tables, the columns to read, and the pattern of the names of files."""

    delimiter: str | None = None  # None: a comma, or a tab in .tsv
    header: bool = True
    quoting: bool = True  # False: quotation marks are ordinary characters
    encoding: str | None = None  # None: UTF-8
    escape: str | None = None  # before a quotation mark that belongs to the cell
    token_column: int = 1  # of CoNLL files, counted from 1, or from the end if negative
    tag_column: int = -1
    file_names: str | None = None  # such as {label}_{speaker}_{take}.wav
    columns: tuple[str, ...] = ()  # the names of the columns that are asked for


def named(names: Collection[object]) -> str:
    """The first names of columns or keys, for messages."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(map(shown, islice(names, NAMED))) + more


class BadRow(Exception):
    """A row that cannot be collected: `reason` is counted, the message is shown."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RowIds:
    """Gives each row its id: a 128-bit hash, in hex, of content, label and the number of equal rows before it."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def next(self, content: bytes, label: str | None) -> str:
        # The lengths are hashed too: else "ab" + "c" and "a" + "bc" would be the same bytes.
        text = (label or "").encode("utf-8", "replace")
        row = blake2b(b"%d,%d;" % (len(content), -1 if label is None else len(text)) + content + text, digest_size=16)
        earlier = self._seen[row.digest()]
        self._seen[row.digest()] += 1
        if earlier:
            row.update(b";%d" % earlier)
        return row.hexdigest()
