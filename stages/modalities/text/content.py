"""How cleaned texts are stored and shown.

A cleaned text has no line break, so the two sides of a pair are two lines.
A tokenised text has one space between its tokens and none in them.
"""

import re
from typing import Any

import pyarrow as pa

CONTENT = pa.string()
SPACE = re.compile(r"\s+")

# Letters of scripts without spaces between words, for a character class of a regular expression: Han and Kana; these,
# Thai, Lao, Tibetan, Myanmar and Khmer. Marks are included: Thai and Myanmar vowels are marks.
CJK = "\u3005-\u3007\u3041-\u30fa\u30fc-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
UNSPACED = rf"{CJK}\u0e01-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u0f40-\u0fbc\u1000-\u103f\u1050-\u109f\u1780-\u17d3"


def preview(content: Any) -> str:
    """A cleaned (str) or raw (bytes) text in one line of at most 100 characters."""
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    line = SPACE.sub(" ", text.replace("\n", " | "))
    return line if len(line) <= 100 else line[:99] + "…"
