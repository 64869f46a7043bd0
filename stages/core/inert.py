"""Texts of the data in files that programs draw: a browser, a spreadsheet and a terminal take them as text alone."""

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from stages.core.atomic import write_text
from stages.core.errors import one_line

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 200  # characters of a text; a longer one is cut and gets a hash, so that two of them stay different
# What HTML, the markup of `dvc exp show` and a placeholder of `dvc plots` begin with, and what is written instead.
_INSTEAD = {"<": "‹", "[": "⁅", "{": "❴"}
_MARKUP = re.compile(r"<|\[(?=[a-z#/@])|\{(?=refresh_tag\})|[‹⁅❴]")
# The start of a formula, at the start of a cell or after a semicolon, where some spreadsheets begin another cell.
_FORMULA = re.compile(r"(^|;)([\" ]*)('*[=+\-@＝＋－＠])")
_NUMBERS = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?( to [+-]?[\d.]+(e[+-]?\d+)?)?", re.ASCII)  # -1.5, or -2 to 0
_ESCAPE = re.compile(r"\\[\\xuUntr]")  # what is written for a sign that cannot be seen


def inert(text: str) -> str:
    """The text without markup, formulas, and signs that cannot be seen. Two different texts stay different."""
    if len(text) > LONGEST:
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        text = f"{text[:LONGEST]}… {digest[:12]}"
    if one_line(text) != text or _MARKUP.search(text) or _ESCAPE.search(text):
        text = one_line(_MARKUP.sub(_instead, text.replace("\\", r"\\")))
    return text if _NUMBERS.fullmatch(text) else _FORMULA.sub(r"\1\2'\3", text)


def _instead(sign: re.Match[str]) -> str:
    """Another sign for the start of markup; for that other sign its escape."""
    return _INSTEAD.get(sign[0]) or sign[0].encode("unicode_escape").decode()


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table that `dvc plots` draws. A number that is not finite becomes an empty cell."""
    texts = table.select_dtypes(exclude="number").map(lambda cell: inert(cell) if isinstance(cell, str) else cell)
    finite = table.select_dtypes("number").replace([float("inf"), float("-inf")], None)
    write_text(path, table.assign(**texts, **finite).to_csv(index=False))
