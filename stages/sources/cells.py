"""Converts cells of the source into the text and bytes that are stored."""

import json
from collections.abc import Sequence
from typing import Any

from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.sources.records import BadRow


def as_json(names: Sequence[str]) -> str:
    return json.dumps(names, ensure_ascii=False)


def as_bytes(value: Any) -> bytes:
    """A text in UTF-8, or the bytes of a file; the hub's {"bytes": ...} is unwrapped, a missing one is empty."""
    match value:
        case None:
            return b""
        case bytes() | {"bytes": bytes()}:
            return value if isinstance(value, bytes) else bytes(value["bytes"])
        case str() | int() | float():
            # Half a surrogate pair, out of JSON, has no bytes.
            return str(value).replace(SIDE_MARK, " ").replace(WORD_MARK, " ").encode("utf-8", "replace")
        case list() if all(isinstance(token, str) for token in value):
            return b"".join(as_bytes(token) + WORD_MARK.encode() for token in value)
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
