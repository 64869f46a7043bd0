"""Converts cells of the source into the text and bytes that are stored."""

import json
import re
from collections.abc import Sequence
from datetime import date, time
from decimal import Decimal
from numbers import Number
from typing import Any

from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.labels.names import as_name
from stages.sources.records import BadRow

LARGEST_WHOLE = 2**53  # larger floats do not hold all whole numbers
# Control characters, line breaks and marks of the direction of writing: no part of a label, a group or a time.
CODES = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, NaT or pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return isinstance(value, Number | date) and value != value


def spelled(value: Any) -> str:
    """The text of one value; 1.0 becomes "1", as pandas turns whole numbers into floats where some are missing."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_WHOLE:
        return str(int(value))
    return str(value)


def as_json(names: Sequence[str]) -> str:
    return json.dumps([without_codes(name) for name in names], ensure_ascii=False)


def without_codes(text: str) -> str:
    """A text, or each name in the text of a JSON list: of one text, a code takes what stands behind it along."""
    if not CODES.search(text):
        return text
    try:
        names = json.loads(text, strict=False) if text.lstrip().startswith("[") else None
    except (ValueError, RecursionError):  # RecursionError: too many brackets
        names = None
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return as_json(names)
    return as_name(text)


def as_bytes(value: Any) -> bytes:
    """Content as bytes: a text in UTF-8, the bytes of a file (or the hub's {"bytes": ...}), or b"" if it is missing.

    Raises:
        BadRow: the value has another type.
    """
    if is_missing(value):
        return b""
    match value:
        case bytes() | {"bytes": bytes()}:
            return value if isinstance(value, bytes) else bytes(value["bytes"])
        case str() | int() | float() | date() | time() | Decimal():
            # JSON can hold half a surrogate pair, which UTF-8 cannot encode: it becomes a question mark.
            return str(value).replace(SIDE_MARK, " ").replace(WORD_MARK, " ").encode("utf-8", "replace")
        case list() if all(isinstance(token, str) for token in value):
            return b"".join(as_bytes(token) + WORD_MARK.encode() for token in value)
    raise BadRow(
        "unusable_content", f"the content is of type {type(value).__name__}, expected a text or the bytes of a file"
    )


def as_text(value: Any, what: str, blank: str | None = "") -> str | None:
    """The text of a label, a group or a time; None if it is missing, `blank` if it is only spaces.

    `what` is the name of the column, for messages.
    With `blank=None`, rows with a blank group have no group, not the same group.

    Raises:
        BadRow: the value is a list or a mapping.
    """
    if is_missing(value):
        return None
    if isinstance(value, list | dict | tuple):
        raise BadRow(f"unusable_{what}", f"the {what} is of type {type(value).__name__}, expected one value")
    # JSON and names of files can hold half a surrogate pair, which UTF-8 cannot encode: it becomes a question mark.
    text = without_codes(spelled(value).encode("utf-8", "replace").decode())
    return text if text.strip() else blank
