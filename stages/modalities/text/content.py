"""How cleaned texts are stored and shown.

They hold no line break: so a pair of texts is two lines, one a side; a tokenised text has one space between tokens and none in them.
"""

import re
from typing import Any

import pyarrow as pa

CONTENT = pa.string()
SPACE = re.compile(r"\s+")


def preview(content: Any) -> str:
    text = SPACE.sub(
        " ", (content if isinstance(content, str) else content.decode("utf-8", "replace")).replace("\n", " | ")
    )
    return text if len(text) <= 100 else text[:99] + "…"
