"""Texts are repaired with ftfy, and dropped for their length."""

import html
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import pyarrow as pa
from pydantic import Field, model_validator

from stages.characters import INVISIBLE, SIDE_MARK, WORD_MARK
from stages.contracts import Cleaned, Suggestion
from stages.modalities.text.content import SPACE
from stages.params import Strict

REASONS = ("empty", "too_short", "too_long")
MEASURES: dict[str, pa.DataType] = {}


class CleanParams(Strict):
    min_chars: int = Field(ge=1, description="shorter texts are dropped, in characters after cleaning")
    max_chars: int = Field(ge=1, description="longer texts are dropped, in characters after cleaning")

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError("min_chars is larger than max_chars, so that no text could stay")
        return self


_ELEMENTS = (
    "a abbr address article aside audio b blockquote body br button canvas caption center cite code col dd del details div dl dt em "
    "embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link "
    "main mark meta nav object ol option p param picture pre q s samp section select small source span strike strong style sub summary "
    "sup svg table tbody td template textarea tfoot th thead time title tr tt u ul var video"
)
# Only real elements: "price <5" and "<username>" are text.
_HIDDEN = [
    (re.compile(rf"<{name}\b[^<>]*>.*?</{name}\s*>", re.IGNORECASE | re.DOTALL), re.compile(rf"</{name}\s*>", re.IGNORECASE)) for name in ("script", "style")
] + [(re.compile("<!--.*?-->", re.DOTALL), re.compile("-->"))]
_TAG = re.compile(rf"</?(?:{'|'.join(_ELEMENTS.split())}|script)\b[^<>]*>", re.IGNORECASE)
# With its semicolon only: in "?page=1&copy=2" nothing is meant.
_ENTITY = re.compile(r"&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Each side is repaired, and dropped for its length in characters; a pair needs both."""
    sides = [clean_side(side, params) for side in content.decode("utf-8", "replace").split(SIDE_MARK)]
    unusable = next((side for side in sides if side.reason), None)
    if unusable or len(sides) == 1:
        return unusable or sides[0]
    return Cleaned("\n".join(str(side.content) for side in sides), repairs=tuple(dict.fromkeys(name for side in sides for name in side.repairs)))


def clean_side(raw: str, params: CleanParams) -> Cleaned:
    if raw.endswith(WORD_MARK):
        tokens = [repair(token) for token in raw[:-1].split(WORD_MARK)]
        # Each token has a tag: one of which nothing is left stays, as U+FFFD, and one of two words stays one.
        text = " ".join(token.text.replace(" ", "_") or "\ufffd" for token in tokens)
        repaired = Repaired("" if not any(token.text for token in tokens) else text, tuple(dict.fromkeys(name for token in tokens for name in token.repairs)))
    else:
        repaired = repair(raw)
    if not repaired.text:
        return Cleaned(None, "empty")
    if len(repaired.text) < params.min_chars:
        return Cleaned(None, "too_short")
    if len(repaired.text) > params.max_chars:
        return Cleaned(None, "too_long")
    return Cleaned(repaired.text, repairs=repaired.repairs)


@dataclass(frozen=True)
class Repaired:
    text: str
    repairs: tuple[str, ...]


def repair(raw: str) -> Repaired:
    """Mends mojibake, HTML, control characters and odd spaces."""
    import ftfy

    unescaped = _ENTITY.sub(lambda entity: html.unescape(entity.group()), raw)
    fixed = visible = without_html = _TAG.sub(" ", without_hidden(unescaped))
    if not (without_html.isascii() and without_html.isprintable()):  # else there is nothing to mend, and that is found four times faster
        fixed = ftfy.fix_text(without_html, unescape_html=False, normalization="NFC")
        visible = "".join(c for c in INVISIBLE.sub("", fixed) if c.isspace() or unicodedata.category(c) != "Cc")
    text = SPACE.sub(" ", visible).strip()
    steps = {"html": (raw, without_html), "encoding": (without_html, fixed), "invisible": (fixed, visible), "spaces": (visible, text)}
    return Repaired(text, tuple(name for name, (before, after) in steps.items() if before != after))


def without_hidden(text: str) -> str:
    """Without scripts, styles and comments. Only what stands before the last end is searched: unclosed ones would cost the square of the length."""
    for whole, closing in _HIDDEN:
        end = max((match.end() for match in closing.finditer(text)), default=0)
        text = whole.sub(" ", text[:end]) + text[end:]
    return text


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []
