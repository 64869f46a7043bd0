"""Repairs texts with ftfy, removes what params name, and drops unusable texts.

Stop words and word endings stay: transformers are trained on whole sentences, and "not" is a stop word.
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

from stages.contracts.clean import Cleaned, JointMeasures
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.labels.names import INVISIBLE
from stages.modalities.text.clean import checks
from stages.modalities.text.clean.privacy import Span, find_pii
from stages.modalities.text.content import SPACE

MEASURES = {
    "language": pa.string(),
    "language_probability": pa.float64(),
    "symbol_ratio": pa.float64(),
    "repetition": pa.float64(),
    "pii": pa.list_(pa.string()),  # the kind of each span of personal data, in the order of the text
}


class CleanParams(Strict):
    min_chars: int = Field(ge=1, description="shorter texts are dropped, in characters after cleaning")
    max_chars: int = Field(ge=1, description="longer texts are dropped, in characters after cleaning")
    languages: list[Annotated[str, Field(pattern="^[a-z]{2,3}$")]] = Field(
        description="texts are dropped if they are almost certainly in another language; ISO 639 codes such as en; "
        "[]: all languages stay, and the language is not measured"
    )
    max_symbol_ratio: float | None = Field(
        ge=0,
        le=1,
        description="texts are dropped if a larger share of their characters is neither letter, digit nor emoji; "
        "1: measured only; null: not measured",
    )
    max_repetition: float | None = Field(
        ge=0,
        le=1,
        description="texts are dropped if a larger share of them repeats the same characters or words; "
        "1: measured only; null: not measured",
    )
    boilerplate: list[str] = Field(
        description="lines to remove from every text, written as data/suggestions proposes them"
    )
    urls: Literal["keep", "replace"] = Field(description="whether URLs become [URL]")
    mentions: Literal["keep", "replace"] = Field(description="whether @somebody and u/somebody become [USER]")
    pii: Literal["keep", "redact", "drop"] = Field(
        description="e-mail addresses, phone, card and id numbers, IBANs and IP addresses: measured only, "
        "replaced by [EMAIL], [PHONE]..., or their rows are dropped"
    )

    @field_validator("boilerplate")
    @classmethod
    def as_repaired(cls, lines: list[str]) -> list[str]:
        return [SPACE.sub(" ", line).strip() for line in lines]

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError("min_chars is larger than max_chars, so no text could stay")
        return self


_ELEMENTS = (
    "a abbr address article aside audio b blockquote body br button canvas caption center cite code col dd del "
    "details div dl dt em embed fieldset figcaption figure font footer form h1 h2 h3 h4 h5 h6 head header hr "
    "html i iframe img input ins kbd label legend li link main mark meta nav object ol option p param picture "
    "pre q s samp section select small source span strike strong style sub summary sup svg table tbody td "
    "template textarea tfoot th thead time title tr tt u ul var video"
)
# Only real elements: "price <5" and "<username>" are text.
_TAG = re.compile(rf"</?(?:{'|'.join(_ELEMENTS.split())}|script)\b[^<>]*>", re.IGNORECASE)
# Elements that a browser does not show, with their content; and the end of each.
_HIDDEN = (
    (
        re.compile(r"<script\b[^<>]*>.*?</script\s*>", re.IGNORECASE | re.DOTALL),
        re.compile(r"</script\s*>", re.IGNORECASE),
    ),
    (
        re.compile(r"<style\b[^<>]*>.*?</style\s*>", re.IGNORECASE | re.DOTALL),
        re.compile(r"</style\s*>", re.IGNORECASE),
    ),
    (re.compile("<!--.*?-->", re.DOTALL), re.compile("-->")),
)
# Entities must end in a semicolon: "?page=1&copy=2" has none.
_ENTITY = re.compile(r"&(?:#\d{1,8}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

_URL = re.compile(r"\b(?:https?://|ftp://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}]", re.IGNORECASE)
_MENTION = re.compile(
    r"(?<![A-Za-z0-9_.@/])"
    r"(?:@(?!\d{1,2}(?:am|pm)\b)\d{0,15}[A-Za-z_\u00c0-\u04ff][\w\u00c0-\u04ff]{0,30}(?:@(?:[\w-]+\.)+\w+)?"
    r"|/?u/[\w-]{3,20})",
    re.ASCII,
)
# The param, which is also the name of the repair; the word of the placeholder; the pattern.
_REPLACED = (("urls", "url", _URL), ("mentions", "user", _MENTION))
_LINE_END = re.compile(r"[\r\n]+|<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", re.IGNORECASE)


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Cleans each side of a text or pair. A pair needs two usable sides; its language is measured on both together."""
    sides = [clean_side(side, params) for side in content.decode("utf-8", "replace").split(SIDE_MARK)]
    measured: dict[str, Any] = {"pii": [kind for side in sides for kind in side.measured["pii"]]}
    if unusable := next((side for side in sides if side.reason), None):
        return replace(unusable, measured=measured)
    if params.pii == "drop" and measured["pii"]:
        return Cleaned(None, "pii", measured=measured)
    texts = [str(side.content) for side in sides]
    measured |= measure(texts, params)
    if is_gibberish(measured, params):
        return Cleaned(None, "gibberish", measured=measured)
    if is_other_language(measured, params):
        return Cleaned(None, "other_language", measured=measured)
    repairs = dict.fromkeys(name for side in sides for name in side.repairs)
    return Cleaned("\n".join(texts), repairs=tuple(repairs), measured=measured)


def clean_side(raw: str, params: CleanParams) -> Cleaned:
    tokenised = raw.endswith(WORD_MARK)
    repaired = repair_tokens(raw) if tokenised else repair_lines(raw, params.boilerplate)
    for param, kind, pattern in _REPLACED:
        if getattr(params, param) == "replace":
            spans = [Span(*match.span(), kind) for match in pattern.finditer(repaired.text)]
            repaired = repaired.with_placeholders([param], spans, tokenised)
    pii = find_pii(repaired.text)
    if params.pii == "redact":
        repaired = repaired.with_placeholders([f"redacted_{span.kind}" for span in pii], pii, tokenised)
    measured = {"pii": [span.kind for span in pii]}
    if not repaired.text:
        return Cleaned(None, "empty", measured=measured)
    if len(repaired.text) < params.min_chars:
        return Cleaned(None, "too_short", measured=measured)
    if len(repaired.text) > params.max_chars:
        return Cleaned(None, "too_long", measured=measured)
    return Cleaned(repaired.text, repairs=repaired.repairs, measured=measured)


def measure(texts: Sequence[str], params: CleanParams) -> dict[str, Any]:
    """The measures that params ask for; the worse side of a pair counts."""
    measured: dict[str, Any] = {}
    if params.max_symbol_ratio is not None:
        measured["symbol_ratio"] = highest(map(checks.symbol_ratio, texts))
    if params.max_repetition is not None:
        measured["repetition"] = highest(map(checks.repetition, texts))
    if params.languages:
        code, probability = checks.language(" ".join(texts), tuple(params.languages))
        measured["language"], measured["language_probability"] = code, probability
    return measured


def highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def is_gibberish(measured: Mapping[str, Any], params: CleanParams) -> bool:
    """Whether a text is mostly signs, mostly repeats itself, or, if languages are measured, is in no language."""
    limits = (
        (measured.get("symbol_ratio"), params.max_symbol_ratio),
        (measured.get("repetition"), params.max_repetition),
    )
    if any(value is not None and limit is not None and value > limit for value, limit in limits):
        return True
    is_in_none = measured.get("language") == checks.NO_LANGUAGE and checks.NO_LANGUAGE not in params.languages
    return is_in_none and measured["language_probability"] >= checks.SURE


def is_other_language(measured: Mapping[str, Any], params: CleanParams) -> bool:
    if not params.languages or measured["language"] in params.languages:
        return False
    return bool(measured["language_probability"] >= checks.SURE)


@dataclass(frozen=True)
class Repaired:
    """A repaired text, and the names of the repairs that changed it."""

    text: str
    repairs: tuple[str, ...]

    def with_placeholders(self, names: Sequence[str], spans: Sequence[Span], tokenised: bool) -> "Repaired":
        """The text with `[EMAIL]` and the like in place of each span; `names` are added to the repairs if there is one.

        In a tokenised text each token of a span becomes a placeholder, as each token has a tag.
        """
        if not spans:
            return self
        text = self.text
        for span in reversed(spans):
            new = f"[{span.kind.upper()}]"
            if tokenised:
                new = re.sub("[^ ]+", new, text[span.start : span.end])
            text = text[: span.start] + new + text[span.end :]
        return Repaired(text, tuple(dict.fromkeys([*self.repairs, *names])))


def repair_tokens(raw: str) -> Repaired:
    """Repairs each token of a tokenised text, and joins them with spaces; empty if no token has any text."""
    tokens = [repair(token) for token in raw[:-1].split(WORD_MARK)]
    repairs = tuple(dict.fromkeys(name for token in tokens for name in token.repairs))
    if not any(token.text for token in tokens):
        return Repaired("", repairs)
    # Each token has a tag: an empty one stays, as U+FFFD, and one with a space in it stays one token.
    return Repaired(" ".join(token.text.replace(" ", "_") or "\ufffd" for token in tokens), repairs)


def repair_lines(raw: str, boilerplate: Sequence[str]) -> Repaired:
    """Repairs a text and removes its lines that, once repaired, are in `boilerplate`."""
    lines = _LINE_END.split(raw) if boilerplate else []
    kept = [line for line in lines if repair(line).text not in boilerplate]
    if len(kept) == len(lines):
        return repair(raw)
    rest = repair("\n".join(kept))
    return Repaired(rest.text, (*rest.repairs, "boilerplate"))


def repair(raw: str) -> Repaired:
    """Repairs mojibake, HTML, control characters and whitespace."""
    import ftfy

    without_html = raw
    if "<" in raw or "&" in raw:
        unescaped = _ENTITY.sub(lambda entity: html.unescape(entity.group()), raw)
        without_html = _TAG.sub(" ", without_hidden(unescaped))
    fixed = visible = without_html
    # Printable ASCII has nothing to repair, and this check is four times faster than the repair.
    if not (without_html.isascii() and without_html.isprintable()):
        fixed = ftfy.fix_text(without_html, unescape_html=False, normalization="NFC")
        visible = "".join(c for c in INVISIBLE.sub("", fixed) if c.isspace() or unicodedata.category(c) != "Cc")
    text = SPACE.sub(" ", visible).strip()
    steps = (
        ("html", raw, without_html),
        ("encoding", without_html, fixed),
        ("invisible", fixed, visible),
        ("spaces", visible, text),
    )
    return Repaired(text, tuple(name for name, before, after in steps if before != after))


def without_hidden(text: str) -> str:
    """Removes scripts, styles and comments.

    Only the text before the last end is searched: the pattern would need quadratic time for elements without an end.
    """
    for whole, closing in _HIDDEN:
        end = max((match.end() for match in closing.finditer(text)), default=0)
        text = whole.sub(" ", text[:end]) + text[end:]
    return text


def measure_together(measured: Mapping[str, npt.NDArray[Any]], params: CleanParams) -> JointMeasures | None:
    return None


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    """Lines that occur in many texts: signatures, footers, disclaimers. Texts of one line are left to dedupe."""
    lines = checks.recurring_lines(lines_of(content, params) for content in contents)
    if params.pii != "keep":  # personal data must not appear in suggestions either
        lines = [(line, n_rows) for line, n_rows in lines if not find_pii(line)]
    proposal = "list it there to remove it from every text, also from texts that the model will serve"
    return [Suggestion("clean.text.boilerplate", line, n_rows, proposal) for line, n_rows in lines]


def lines_of(content: bytes, params: CleanParams) -> set[str]:
    """The repaired lines of a text of several lines, except those without letters and those in `boilerplate`."""
    may_have_lines = b"\n" in content or b"\r" in content or b"<" in content
    if not may_have_lines or WORD_MARK.encode() in content:
        return set()
    lines = [line for side in content.decode("utf-8", "replace").split(SIDE_MARK) for line in _LINE_END.split(side)]
    if len(lines) == 1:
        return set()
    repaired = {repair(line).text for line in lines}
    return {line for line in repaired if line not in params.boilerplate and any(map(str.isalpha, line))}
