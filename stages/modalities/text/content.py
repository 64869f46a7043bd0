"""How cleaned texts are stored and shown.

A cleaned text has no line break, so the two sides of a pair are two lines.
A tokenised text has one space between its tokens and none in them.
"""

import re
from typing import Any

import pyarrow as pa

CONTENT = pa.string()
SPACE = re.compile(r"\s+")


def preview(content: Any) -> str:
    """A cleaned (str) or raw (bytes) text in one line of at most 100 characters."""
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    line = SPACE.sub(" ", text.replace("\n", " | "))
    return line if len(line) <= 100 else line[:99] + "…"
