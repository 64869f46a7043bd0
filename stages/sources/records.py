"""What readers give: a record of the source, or what is wrong with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any


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


class BadRow(Exception):
    """A row that cannot be collected: `reason` is counted, the message is shown."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


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
