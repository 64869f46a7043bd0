"""Texts are repaired with ftfy, freed of what params name, and dropped for what they are not.

Words that say little and endings stay: a transformer was trained on whole sentences, and "not" is a stop word.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Self

import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from stages.contracts.clean import Among, Cleaned
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.labels.names import INVISIBLE
from stages.modalities.text.clean import checks
from stages.modalities.text.clean.privacy import Span, find_pii
from stages.modalities.text.content import SPACE

REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "too_short": "it is shorter than params allow",
    "too_long": "it is longer than params allow",
    "gibberish": "it is mostly signs, says the same over and over, or is in no language",
    "other_language": "it is surely in a language that params do not list",
    "pii": "it holds personal data",
}
REASONS_AMONG: Mapping[str, str] = {}
MEASURES = {
    "language": pa.string(),
    "language_probability": pa.float64(),
    "symbol_ratio": pa.float64(),
    "repetition": pa.float64(),
    "pii": pa.list_(pa.string()),  # what of it was found, in the order of the text
}


class CleanParams(Strict):
    min_chars: int = Field(ge=1, description="shorter texts are dropped, in characters after cleaning")
    max_chars: int = Field(ge=1, description="longer texts are dropped, in characters after cleaning")
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = Field(
        description="texts that are surely in another language are dropped: ISO 639 codes such as en; []: any, and none is looked for"
    )
    max_symbol_ratio: float | None = Field(
        ge=0,
        le=1,
        description="texts are dropped when a larger share of them is neither letter, digit nor emoji; 1: it is only measured, null: not at all",
    )
    max_repetition: float | None = Field(
        ge=0,
        le=1,
        description="texts are dropped when a larger share of them is the same over and over; 1: it is only measured, null: not at all",
    )
    boilerplate: list[str] = Field(
        description="lines that are left out wherever they stand, as data/suggestions writes them"
    )
    urls: Literal["keep", "replace"] = Field(description="whether a web address becomes [URL]")
    mentions: Literal["keep", "replace"] = Field(description="whether @somebody and u/somebody become [USER]")
    pii: Literal["keep", "redact", "drop"] = Field(
        description="e-mail addresses, phone, card and id numbers, IBANs and IP addresses are only noted, become [EMAIL], [PHONE]..., or their rows are dropped"
    )

    @field_validator("boilerplate")
    @classmethod
    def as_repaired(cls, lines: list[str]) -> list[str]:
        return [SPACE.sub(" ", line).strip() for line in lines]

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
    (
        re.compile(rf"<{name}\b[^<>]*>.*?</{name}\s*>", re.IGNORECASE | re.DOTALL),
        re.compile(rf"</{name}\s*>", re.IGNORECASE),
    )
    for name in ("script", "style")
] + [(re.compile("<!--.*?-->", re.DOTALL), re.compile("-->"))]
_TAG = re.compile(rf"</?(?:{'|'.join(_ELEMENTS.split())}|script)\b[^<>]*>", re.IGNORECASE)
# With its semicolon only: in "?page=1&copy=2" nothing is meant.
_ENTITY = re.compile(r"&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


_URL = re.compile(r"\b(?:https?://|ftp://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]", re.IGNORECASE)
_MENTION = re.compile(
    r"(?<![A-Za-z0-9_.@/])(?:@(?!\d{1,2}(?:am|pm)\b)\d{0,15}[A-Za-z_\u00c0-\u04ff][\w\u00c0-\u04ff]{0,30}(?:@(?:[\w-]+\.)+\w+)?|/?u/[\w-]{3,20})",
    re.ASCII,
)
_NORMALISED = (("urls", "url", _URL), ("mentions", "user", _MENTION))  # the param, what stands in the placeholder
_LINE_END = re.compile(r"[\r\n]+|<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", re.IGNORECASE)


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Each side is repaired, and dropped for its length in characters; a pair needs both. Its language is that of both together."""
    sides = [clean_side(side, params) for side in content.decode("utf-8", "replace").split(SIDE_MARK)]
    measured: dict[str, Any] = {"pii": [kind for side in sides for kind in side.measured.get("pii", ())]}
    if unusable := next((side for side in sides if side.reason), None):
        return replace(unusable, measured=measured)
    if params.pii == "drop" and measured["pii"]:
        return Cleaned(None, "pii", measured=measured)
    texts = [str(side.content) for side in sides]
    measured |= measure(texts, params)
    if is_gibberish(measured, params):
        return Cleaned(None, "gibberish", measured=measured)
    if (
        params.languages
        and measured["language"] not in params.languages
        and measured["language_probability"] >= checks.SURE
    ):
        return Cleaned(None, "other_language", measured=measured)
    return Cleaned(
        "\n".join(texts),
        repairs=tuple(dict.fromkeys(name for side in sides for name in side.repairs)),
        measured=measured,
    )


def clean_side(raw: str, params: CleanParams) -> Cleaned:
    tokenised = raw.endswith(WORD_MARK)
    mended = repair_tokens(raw) if tokenised else repair_lines(raw, params.boilerplate)
    for name, kind, pattern in _NORMALISED:
        if getattr(params, name) == "replace":
            mended = mended.then(
                (name,), [Span(*match.span(), kind) for match in pattern.finditer(mended.text)], tokenised
            )
    found = find_pii(mended.text)
    if params.pii == "redact":
        mended = mended.then([f"redacted_{span.kind}" for span in found], found, tokenised)
    measured = {"pii": [span.kind for span in found]}
    if not mended.text:
        return Cleaned(None, "empty", measured=measured)
    if len(mended.text) < params.min_chars:
        return Cleaned(None, "too_short", measured=measured)
    if len(mended.text) > params.max_chars:
        return Cleaned(None, "too_long", measured=measured)
    return Cleaned(mended.text, repairs=mended.repairs, measured=measured)


def measure(texts: Sequence[str], params: CleanParams) -> dict[str, Any]:
    """What params ask for; of a pair the worse side counts."""
    measured: dict[str, Any] = {}
    for name, limit, share in (
        ("symbol_ratio", params.max_symbol_ratio, checks.symbol_ratio),
        ("repetition", params.max_repetition, checks.repetition),
    ):
        if limit is not None:
            measured[name] = max((value for value in map(share, texts) if value is not None), default=None)
    if params.languages:
        measured["language"], measured["language_probability"] = checks.language(
            " ".join(texts), tuple(params.languages)
        )
    return measured


def is_gibberish(measured: Mapping[str, Any], params: CleanParams) -> bool:
    """Signs, the same over and over, or, where languages are looked for, what is in none."""
    limits = (
        (measured.get("symbol_ratio"), params.max_symbol_ratio),
        (measured.get("repetition"), params.max_repetition),
    )
    if any(value is not None and limit is not None and value > limit for value, limit in limits):
        return True
    is_in_none = measured.get("language") == checks.NO_LANGUAGE and checks.NO_LANGUAGE not in params.languages
    return is_in_none and measured["language_probability"] >= checks.SURE


@dataclass(frozen=True)
class Repaired:
    text: str
    repairs: tuple[str, ...]

    def then(self, names: Sequence[str], spans: Sequence[Span], tokenised: bool) -> "Repaired":
        """With `[EMAIL]` and the like in the place of each span; every token of one gets its own, as each has a tag."""
        text = self.text
        for span in reversed(spans):
            placeholder = f"[{span.kind.upper()}]"
            found = text[span.start : span.end]
            text = (
                text[: span.start]
                + (re.sub("[^ ]+", placeholder, found) if tokenised else placeholder)
                + text[span.end :]
            )
        return Repaired(text, tuple(dict.fromkeys([*self.repairs, *names]))) if spans else self


def repair_tokens(raw: str) -> Repaired:
    tokens = [repair(token) for token in raw[:-1].split(WORD_MARK)]
    # Each token has a tag: one of which nothing is left stays, as U+FFFD, and one of two words stays one.
    text = " ".join(token.text.replace(" ", "_") or "\ufffd" for token in tokens)
    return Repaired(
        "" if not any(token.text for token in tokens) else text,
        tuple(dict.fromkeys(name for token in tokens for name in token.repairs)),
    )


def repair_lines(raw: str, boilerplate: Sequence[str]) -> Repaired:
    """Without the lines that, once repaired, are of `boilerplate`."""
    lines = _LINE_END.split(raw) if boilerplate else []
    kept = [line for line in lines if repair(line).text not in boilerplate]
    if len(kept) == len(lines):
        return repair(raw)
    rest = repair("\n".join(kept))
    return Repaired(rest.text, (*rest.repairs, "boilerplate"))


def repair(raw: str) -> Repaired:
    """Mends mojibake, HTML, control characters and odd spaces."""
    import ftfy

    without_html = raw
    if "<" in raw or "&" in raw:
        without_html = _TAG.sub(" ", without_hidden(_ENTITY.sub(lambda entity: html.unescape(entity.group()), raw)))
    fixed = visible = without_html
    if not (
        without_html.isascii() and without_html.isprintable()
    ):  # else there is nothing to mend, and that is found four times faster
        fixed = ftfy.fix_text(without_html, unescape_html=False, normalization="NFC")
        visible = "".join(c for c in INVISIBLE.sub("", fixed) if c.isspace() or unicodedata.category(c) != "Cc")
    text = SPACE.sub(" ", visible).strip()
    steps = {
        "html": (raw, without_html),
        "encoding": (without_html, fixed),
        "invisible": (fixed, visible),
        "spaces": (visible, text),
    }
    return Repaired(text, tuple(name for name, (before, after) in steps.items() if before != after))


def without_hidden(text: str) -> str:
    """Without scripts, styles and comments. Only what stands before the last end is searched: unclosed ones would cost the square of the length."""
    for whole, closing in _HIDDEN:
        end = max((match.end() for match in closing.finditer(text)), default=0)
        text = whole.sub(" ", text[:end]) + text[end:]
    return text


def among(measured: Mapping[str, npt.NDArray[Any]], params: CleanParams) -> Among | None:
    return None


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    """Lines that stand in many texts: a signature, a footer, a disclaimer. A text of one line is none, but a duplicate."""
    proposal = "list it there, and it is left out of every text, served ones too"
    found = checks.recurring_lines(lines_of(content, params) for content in contents)
    if params.pii != "keep":  # nor in suggestions
        found = [(line, rows) for line, rows in found if not find_pii(line)]
    return [Suggestion("clean.text.boilerplate", line, rows, proposal) for line, rows in found]


def lines_of(content: bytes, params: CleanParams) -> set[str]:
    """The repaired lines of a text that has several, but for those without a letter and those that are left out already."""
    if not (b"\n" in content or b"\r" in content or b"<" in content) or WORD_MARK.encode() in content:
        return set()
    lines = [line for side in content.decode("utf-8", "replace").split(SIDE_MARK) for line in _LINE_END.split(side)]
    repaired = {repair(line).text for line in lines} if len(lines) > 1 else set()
    return {line for line in repaired if line not in params.boilerplate and any(map(str.isalpha, line))}
