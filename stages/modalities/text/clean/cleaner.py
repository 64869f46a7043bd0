"""Repairs texts with ftfy, removes what params name, and drops unusable texts.

Stop words and word endings stay: transformers are trained on whole sentences, and "not" is a stop word.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Self

import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from stages.contracts.clean import Cleaned, JointMeasures
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.modalities.text.clean import checks, markup
from stages.modalities.text.clean.addresses import find_addresses
from stages.modalities.text.clean.privacy import Span, find_pii, replaced
from stages.modalities.text.content import SPACE

# Soft hyphen, zero-width space, word joiner, byte order mark: signs that no script needs. Texts keep others, such as
# the variation selectors and tag characters of emoji, though labels do without.
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")

MEASURES = {
    "language": pa.string(),
    "language_probability": pa.float64(),
    "symbol_ratio": pa.float64(),
    "repetition": pa.float64(),
    "pii": pa.list_(pa.string()),  # the kind of each span of personal data, in the order of the text
    "addresses": pa.list_(pa.string()),  # `url` or `mention` for each web address and name of a user, in that order
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
    html: Literal["strip", "keep"] = Field(
        description="whether tags of HTML are removed and entities such as &amp; decoded; keep: for code and formulas"
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
        stripped = [SPACE.sub(" ", line).strip() for line in lines]
        if "" in stripped:
            raise ValueError("a line is blank; take it out, as blank lines leave every text anyway")
        return stripped

    @model_validator(mode="after")
    def check_lengths(self) -> Self:
        if self.min_chars > self.max_chars:
            raise ValueError("min_chars is larger than max_chars, so no text could stay")
        return self


# A text with more characters than this many times `max_chars` is not repaired, so that no row costs much time.
# Repairs make some texts shorter, but not that much: tags are removed before.
LONGEST = 20
LONGEST_HTML = 10  # times that: in a longer text not even tags are searched
FREQUENT = 0.2  # share of the rows from which addresses are worth a suggestion
MARKS = 30  # combining marks on one letter, as in the Stream-Safe Text Format of Unicode (UAX 15)
# Rounds of repairs; one may reveal what the next one repairs. A text that still changes after them is dropped as
# gibberish: cleaned again, it would give another text.
ROUNDS = 8

_REPLACED = {"url": "urls", "mention": "mentions"}  # the param by kind of address; it is also the name of the repair
_PLACEHOLDERS = {"mention": "USER"}  # of the others it is the kind in capitals
_LINE_END = re.compile(r"[\r\n]+")
_NO_LETTERS = re.compile(rf"[^\w\s\x00-\x7f]{{{MARKS + 1},}}")  # may be a run of combining marks


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Cleans each side of a text or pair. A pair needs two usable sides; its language is measured on both together."""
    sides = [clean_side(side, params) for side in content.decode("utf-8", "replace").split(SIDE_MARK)]
    measured: dict[str, Any] = {
        name: [kind for side in sides for kind in side.measured[name]] for name in ("pii", "addresses")
    }
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
    """Cleans one side; limits come first, so that a text that is far too long costs little time."""
    tokenised = raw.endswith(WORD_MARK)
    text = raw if tokenised else without_html(raw, params)
    if is_hopeless(text, params):
        return Cleaned(None, "too_long", measured={"pii": [], "addresses": []})
    repaired = repair_tokens(raw, params) if tokenised else repair_lines(text, params)
    if text != raw and not tokenised:
        repaired = replace(repaired, repairs=tuple(dict.fromkeys(["html", *repaired.repairs])))
    hidden = hide(repaired, params, tokenised)
    repaired = hidden.repaired
    measured = {"pii": hidden.pii, "addresses": hidden.addresses}
    if not repaired.is_settled:
        return Cleaned(None, "gibberish", measured=measured)
    if not repaired.text:
        return Cleaned(None, "empty", measured=measured)
    if len(repaired.text) < params.min_chars:
        return Cleaned(None, "too_short", measured=measured)
    if len(repaired.text) > params.max_chars:
        return Cleaned(None, "too_long", measured=measured)
    return Cleaned(repaired.text, repairs=repaired.repairs, measured=measured)


def without_html(raw: str, params: CleanParams) -> str:
    """The text without tags, or as it is if params keep them or if it is too long to be used anyway."""
    is_searched = params.html == "strip" and len(raw) <= LONGEST_HTML * LONGEST * params.max_chars
    return markup.without_html(raw) if is_searched else raw


def is_hopeless(text: str, params: CleanParams) -> bool:
    """Whether a text is so long that no repair could make it short enough."""
    longest = LONGEST * params.max_chars
    return len(text) > longest and len(SPACE.sub(" ", text)) > longest


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
    is_settled: bool = True  # whether another round would change nothing

    def with_placeholders(self, names: Sequence[str], spans: Sequence[Span], tokenised: bool) -> "Repaired":
        """The text with `[EMAIL]` and the like in place of each span; `names` are added to the repairs.

        In a tokenised text each token of a span becomes a placeholder, as each token has a tag.
        """

        def placeholder(span: Span) -> str:
            new = f"[{_PLACEHOLDERS.get(span.kind, span.kind.upper())}]"
            return re.sub("[^ ]+", new, self.text[span.start : span.end]) if tokenised else new

        if not spans:
            return self
        return replace(
            self,
            text=replaced(self.text, spans, placeholder),
            repairs=tuple(dict.fromkeys([*self.repairs, *names])),
        )


@dataclass(frozen=True)
class Hidden:
    """A text with placeholders where params ask for them, and the kinds of what was found."""

    repaired: Repaired
    pii: list[str]
    addresses: list[str]


def hide(repaired: Repaired, params: CleanParams, tokenised: bool) -> Hidden:
    """Finds personal data and addresses, and puts placeholders in their place, until there is nothing to replace.

    What touches a number or an address is found only when that is a placeholder. A text that looked like mojibake may
    look otherwise then, so it is repaired again.
    """
    pii: list[str] = []
    addresses: list[str] = []
    before = None
    for round_ in range(ROUNDS):
        if round_ and not tokenised:
            again = repair_lines(repaired.text, params)
            repaired = replace(again, repairs=tuple(dict.fromkeys([*repaired.repairs, *again.repairs])))
        before = repaired.text
        address_spans = find_addresses(repaired.text)
        replaced_spans = [span for span in address_spans if getattr(params, _REPLACED[span.kind]) == "replace"]
        kinds = {span.kind for span in replaced_spans}
        names = [param for kind, param in _REPLACED.items() if kind in kinds]
        repaired = repaired.with_placeholders(names, replaced_spans, tokenised)
        pii_spans = find_pii(repaired.text)
        if params.pii == "redact":
            names = [f"redacted_{span.kind}" for span in pii_spans]
            repaired = repaired.with_placeholders(names, pii_spans, tokenised)
        if round_ == 0 or params.pii == "redact":
            pii += [span.kind for span in pii_spans]
        addresses += [span.kind for span in (replaced_spans if round_ else address_spans)]
        if repaired.text == before:
            break
    return Hidden(replace(repaired, is_settled=repaired.is_settled and repaired.text == before), pii, addresses)


def repair_tokens(raw: str, params: CleanParams) -> Repaired:
    """Repairs each token of a tokenised text, and joins them with spaces; empty if no token has any text."""
    tokens = [repair(token, params) for token in raw[:-1].split(WORD_MARK)]
    repairs = tuple(dict.fromkeys(name for token in tokens for name in token.repairs))
    if not any(token.text for token in tokens):
        return Repaired("", repairs)
    # Each token has a tag: an empty one stays, as U+FFFD, and one with a space in it stays one token.
    text = " ".join(token.text.replace(" ", "_") or "\ufffd" for token in tokens)
    return Repaired(text, repairs, all(token.is_settled for token in tokens))


def repair_lines(text: str, params: CleanParams) -> Repaired:
    """Repairs a text and removes its lines that, once repaired, are in `boilerplate`."""
    if not params.boilerplate:
        return repair(text, params)
    lines = _LINE_END.split(text)
    kept = [line for line in lines if repair(line, params).text not in params.boilerplate]
    rest = repair("\n".join(kept), params)
    if rest.text in params.boilerplate:  # the lines together are such a line
        return Repaired("", (*rest.repairs, "boilerplate"))
    if len(kept) == len(lines):
        return repair(text, params)
    return replace(rest, repairs=(*rest.repairs, "boilerplate"))


def repair(raw: str, params: CleanParams) -> Repaired:
    """Repairs a text until nothing changes: a character that is removed may have hidden a tag."""
    text = raw
    names: dict[str, None] = {}  # a set in order
    for _ in range(ROUNDS):
        before = text
        repaired = repair_once(text, params)
        text = repaired.text
        names |= dict.fromkeys(repaired.repairs)
        if text == before:
            break
    return Repaired(text, tuple(names), text == before)


def repair_once(raw: str, params: CleanParams) -> Repaired:
    """Repairs HTML, mojibake, control characters and whitespace."""
    text = without_html(raw, params)
    bounded = fixed = visible = text
    # Printable ASCII has nothing to repair, and this check is four times faster than the repair.
    if not (text.isascii() and text.isprintable()):
        bounded = _NO_LETTERS.sub(with_few_marks, text)
        fixed = fix_encoding(bounded)
        visible = "".join(c for c in INVISIBLE.sub("", fixed) if c.isspace() or unicodedata.category(c) != "Cc")
    result = SPACE.sub(" ", visible).strip()
    steps = (
        ("html", raw, text),
        ("marks", text, bounded),
        ("encoding", bounded, fixed),
        ("invisible", fixed, visible),
        ("spaces", visible, result),
    )
    return Repaired(result, tuple(name for name, before, after in steps if before != after))


def fix_encoding(text: str) -> str:
    """Repairs mojibake, ligatures, surrogates and curly quotes; the Unicode form is NFC.

    The width of characters stays: full-width commas are the commas of Chinese.
    """
    import ftfy

    return str(ftfy.fix_text(text, unescape_html=False, fix_character_width=False, normalization="NFC"))


def with_few_marks(run: re.Match[str]) -> str:
    """A run of characters with at most MARKS combining marks in a row: NFC takes quadratic time for more."""
    kept, n_marks = [], 0
    for character in run.group():
        n_marks = n_marks + 1 if unicodedata.combining(character) else 0
        if n_marks <= MARKS:
            kept.append(character)
    return "".join(kept)


def measure_together(measured: Mapping[str, npt.NDArray[Any]], params: CleanParams) -> JointMeasures | None:
    return None


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    """Suggests lines that occur in many texts, and what to do about addresses that do.

    Lines are signatures, footers, disclaimers. Texts of one line are left to dedupe.
    """
    seen = SeenTexts(params)
    lines = checks.recurring_lines(seen.lines(contents))
    if params.pii != "keep":  # personal data must not appear in suggestions either
        lines = [(line, n_rows) for line, n_rows in lines if not find_pii(line)]
    proposal = "list it there to remove it from every text, also from texts that the model will serve"
    recurring = [Suggestion("clean.text.boilerplate", line, n_rows, proposal) for line, n_rows in lines]
    return [*recurring, *seen.unused_boilerplate(), *seen.frequent_addresses()]


@dataclass
class SeenTexts:
    """Counts what suggestions follow from, while the raw texts are read once."""

    params: CleanParams
    n_rows: int = 0
    rows_with: Counter[str] = field(default_factory=Counter)  # by kind of address
    boilerplate: set[str] = field(default_factory=set)  # the listed lines that occur

    def lines(self, contents: Iterable[bytes]) -> Iterator[set[str]]:
        """The lines of each text that may be boilerplate."""
        for content in contents:
            text = content.decode("utf-8", "replace")
            self.n_rows += 1
            sides = [without_html(side, self.params) for side in text.split(SIDE_MARK)]
            if any(is_hopeless(side, self.params) for side in sides):
                yield set()  # the cleaner has not searched it either, as that may take long
                continue
            self.rows_with.update({span.kind for span in find_addresses(text.replace(WORD_MARK, " "))})
            lines = lines_of(text, sides, self.params)
            self.boilerplate |= lines & set(self.params.boilerplate)
            yield {line for line in lines - set(self.params.boilerplate) if any(map(str.isalpha, line))}

    def unused_boilerplate(self) -> list[Suggestion]:
        lines = [line for line in self.params.boilerplate if line not in self.boilerplate]
        proposal = "no text has this line after its repair; write it as data/suggestions does, or take it out"
        return [Suggestion("clean.text.boilerplate", line, 0, proposal) for line in lines]

    def frequent_addresses(self) -> list[Suggestion]:
        suggestions = []
        for kind, words in (("url", "web addresses"), ("mention", "names of users")):
            param = _REPLACED[kind]
            if self.rows_with[kind] >= FREQUENT * self.n_rows and getattr(self.params, param) == "keep":
                proposal = "set it to replace if a model must not learn from them"
                suggestions.append(Suggestion(f"clean.text.{param}", words, self.rows_with[kind], proposal))
        return suggestions


def lines_of(raw: str, sides: Sequence[str], params: CleanParams) -> set[str]:
    """The repaired lines of a text of several lines; of a text of one line, only one that is in `boilerplate`.

    `sides` are those of the text, without HTML.
    """
    if WORD_MARK in raw:
        return set()
    if not (params.boilerplate or any(sign in raw for sign in "\n\r<&")):
        return set()
    lines = [line for side in sides for line in _LINE_END.split(side)]
    repaired = {repair(line, params).text for line in lines}
    return repaired if len(lines) > 1 else repaired & set(params.boilerplate)
