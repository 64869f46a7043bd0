"""Texts of the data in files that programs draw: a browser, a spreadsheet and a terminal take them as text alone."""

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from stages.core.atomic import write_text

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 200  # characters of a text; a longer one is cut and gets a hash, so that two of them stay different
# What HTML, the markup of `dvc exp show` and a placeholder of `dvc plots` begin with, and what is written instead.
_INSTEAD = {"<": "‹", "[": "⁅", "{": "❴"}
_MARKUP = re.compile(r"<|\[(?=[a-z#/@])|\{(?=refresh_tag\})")
# The start of a formula, at the start of a cell or after a semicolon, where some spreadsheets begin another cell.
_FORMULA = re.compile(r"(^|;)([\" ]*)('*[=+\-@＝＋－＠])")
_NUMBERS = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?( to [+-]?[\d.]+(e[+-]?\d+)?)?", re.ASCII)  # -1.5, or -2 to 0
_ESCAPE = re.compile(r"\\[\\xuUntr]")  # what is written for a sign that cannot be seen
_JOINERS = "\u200c\u200d"  # within a Persian word or an emoji they change what is seen


def inert(text: str) -> str:
    """The text without markup, formulas, and signs that cannot be seen. Two different texts stay different."""
    if len(text) > LONGEST:
        digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        text = f"{text[:LONGEST]}… {digest[:12]}"
    signs = [_inert(text, index) for index in range(len(text))]
    if _ESCAPE.search(text) or signs != list(text):
        text = "".join(r"\\" if sign == "\\" else sign for sign in signs)
    return text if _NUMBERS.fullmatch(text) else _FORMULA.sub(r"\1\2'\3", text)


def visible(text: str) -> str:
    """The text on a page: line ends stay, other signs that cannot be seen are written as \\u202e and the like."""
    if text.isprintable():  # as is the source of a picture, which is long
        return text
    return "".join(text[index] if text[index] in "\n\t" else _seen(text, index) for index in range(len(text)))


def _inert(text: str, index: int) -> str:
    """The sign at this place, or what is written for it."""
    sign = text[index]
    if _MARKUP.match(text, index):
        return _INSTEAD[sign]
    return _escaped(sign) if sign in _INSTEAD.values() else _seen(text, index)


def _seen(text: str, index: int) -> str:
    """The sign at this place, or its escape if it cannot be seen."""
    sign = text[index]
    around = text[index - 1 : index] + text[index + 1 : index + 2]
    is_joined = sign in _JOINERS and len(around) == 2 and not around.isascii()
    return sign if sign.isprintable() or is_joined else _escaped(sign)


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode()


def write_csv(path: Path, table: "pd.DataFrame") -> None:
    """Writes a table that `dvc plots` draws. A number that is not finite becomes an empty cell."""
    texts = table.select_dtypes(exclude="number").map(lambda cell: inert(cell) if isinstance(cell, str) else cell)
    finite = table.select_dtypes("number").replace([float("inf"), float("-inf")], None)
    write_text(path, table.assign(**texts, **finite).to_csv(index=False))
