"""How sources write labels that are more than one name; all become a JSON list, at the door.

`list`: several names. `tags`: a tag a token, in BIO, BIOES or BILOU, which all become BIO. `spans`: marked stretches of a text, by character,
which become tokens and their tags in BIO (Ramshaw & Marcus 1995).
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

# What stands for the beginning and the inside in BIOES and BILOU.
BIO_OF = {"B": "B", "I": "I", "E": "I", "L": "I", "S": "B", "U": "B"}


class BadLabel(ValueError):
    """What is wrong with a label, in words."""


@dataclass(frozen=True)
class Tagged:
    tokens: Sequence[str]
    tags: Sequence[str] | None  # None where the source has none


@dataclass(frozen=True, order=True)
class Span:
    start: int  # of the first character
    end: int  # behind the last character
    label: str


def names_of(value: Any, delimiter: str | None) -> list[str]:
    """The names in a list, in a JSON list or in a cell, in which `delimiter` stands between them."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        found: list[Any] = value.split(delimiter) if delimiter else [value]
    else:
        found = as_list(value)
    if any(isinstance(name, list | dict) for name in found):
        raise BadLabel(f"expected a list of names, got {json.dumps(found, default=str)[:80]}")
    return [str(name).strip() for name in found if name is not None and str(name).strip()]


def names_of_flags(flags: Mapping[str, Any]) -> list[str]:
    """The names of the columns that hold a 1."""
    wrong = {name: flag for name, flag in flags.items() if str(flag).strip().lower() not in SET | NOT_SET}
    if wrong:
        name, flag = next(iter(wrong.items()))
        raise BadLabel(f"the column {name!r} has {flag!r}, expected 0 or 1")
    return [name for name, flag in flags.items() if str(flag).strip().lower() in SET]


SET, NOT_SET = {"1", "1.0", "true"}, {"0", "0.0", "false", ""}


def tagged(content: Any, value: Any) -> Tagged:
    """Tokens (a list, or a text with spaces between them) and a tag for each, in BIO."""
    tokens = content.split() if isinstance(content, str) else as_list(content)
    if not all(isinstance(token, str | int | float) for token in tokens):
        raise BadLabel(f"expected a list of tokens, got {json.dumps(tokens, default=str)[:80]}")
    if is_missing(value):
        return Tagged(list(map(str, tokens)), None)
    tags = value.split() if isinstance(value, str) and not value.lstrip().startswith("[") else as_list(value)
    if len(tokens) != len(tags):
        raise BadLabel(f"{len(tokens)} tokens and {len(tags)} tags")
    return Tagged(list(map(str, tokens)), [as_bio(str(tag).strip()) for tag in tags])


def as_bio(tag: str) -> str:
    prefix, _, kind = tag.partition("-")
    if tag == "O":
        return tag
    if prefix not in BIO_OF or not kind:
        raise BadLabel(f"the tag {tag!r}; expected O, or B, I, E, S, L or U with a hyphen and a type, such as B-person")
    return f"{BIO_OF[prefix]}-{kind}"


def tagged_by_spans(text: Any, value: Any) -> Tagged:
    """The words and signs of `text`, cut where a span begins or ends, and their tags in BIO."""
    if not isinstance(text, str):
        raise BadLabel(f"spans mark stretches of a text, got a {type(text).__name__}")
    if is_missing(value):
        return Tagged(words_of(text), None)
    spans = sorted(span_of(span, text) for span in as_list(value))
    for one, other in pairwise(spans):
        if other.start < one.end:
            raise BadLabel(f"the spans {one.start} to {one.end} and {other.start} to {other.end} overlap")
    tokens, tags, end = list[str](), list[str](), 0
    for span in spans:
        if cut := next((place for place in (span.start, span.end) if cuts_a_word(text, place)), None):
            around = f"{text[max(0, cut - 10) : cut]}|{text[cut : cut + 10]}"
            raise BadLabel(
                f"the span {span.start} to {span.end} cuts a word: {around}; places are counted in characters, from 0 on"
            )
        between, inside = words_of(text[end : span.start]), words_of(text[span.start : span.end])
        if not inside:
            raise BadLabel(f"the span {span.start} to {span.end} holds no word")
        tokens += between + inside
        tags += ["O"] * len(between) + [f"B-{span.label}", *[f"I-{span.label}"] * (len(inside) - 1)]
        end = span.end
    rest = words_of(text[end:])
    return Tagged(tokens + rest, tags + ["O"] * len(rest))


def cuts_a_word(text: str, place: int) -> bool:
    """Whether two letters of a script that writes spaces between words stand on both sides."""
    around = text[place - 1 : place + 1] if place else ""
    return (
        len(around) == 2
        and all(c.isalnum() for c in around)
        and not any(unicodedata.name(c, "").startswith(UNSPACED) for c in around)
    )


UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


def words_of(text: str) -> list[str]:
    """Its words and signs."""
    return _token().findall(text)


@cache
def _token() -> re.Pattern[str]:
    r"""A word or a sign. A mark or a joiner belongs to what stands before it: without them, `\w+` cuts Hindi and decomposed letters apart."""
    marks = (
        "".join(chr(code) for code in range(0x300, 0x20000) if unicodedata.category(chr(code)) in ("Mn", "Mc", "Me"))
        + "\u200c\u200d"
    )
    return re.compile(rf"\w[\w{marks}]*|[^\w\s][{marks}]*")


def span_of(value: Any, text: str) -> Span:
    """From {"start", "end", "label"}, or [start, end, label] as spaCy writes it."""
    found = [value.get(key) for key in ("start", "end", "label")] if isinstance(value, dict) else value
    match found:
        case [int(start), int(end), str(label)] if (
            0 <= start < end <= len(text) and label and not isinstance(start, bool)
        ):
            return Span(start, end, label)
    raise BadLabel(
        f"the span {json.dumps(value, default=str)[:80]}; expected start, a larger end (up to {len(text)}) and label"
    )


def is_missing(value: Any) -> bool:
    """None, an empty cell, or the NaN that stands for it in JSON and Parquet files."""
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def as_list(value: Any) -> list[Any]:
    """A list, or the JSON of one; nothing is an empty list."""
    if is_missing(value):
        return []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:  # no JSON, or too many brackets
            raise BadLabel(f"not valid JSON ({error})") from error
    if not isinstance(value, list | tuple):
        raise BadLabel(f"expected a list, got a {type(value).__name__}")
    return list(value)
