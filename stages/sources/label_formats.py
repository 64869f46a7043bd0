"""Reads labels that are more than one name; collect stores them as JSON lists.

`list`: several names.
`tags`: one tag per token, in BIO, BIOES, BILOU, BMES, or bare types; all become BIO.
`spans`: entities of a text by character offsets; they become tokens and BIO tags (Ramshaw & Marcus 1995).
"""

import ast
import io
import json
import re
import tokenize
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal

from stages.core.errors import one_line, shown
from stages.sources.cells import is_missing as is_missing_value
from stages.sources.cells import spelled

Scheme = Literal["bio", "bare"]
BRACKETED = re.compile(r"(\([^()*]+)+[*)]+|\*\)*")  # (PER* and *) are the start and the end of a person
# The BIO prefix of each prefix in BIOES, BILOU and BMES.
BIO_OF = {"B": "B", "I": "I", "M": "I", "E": "I", "L": "I", "S": "B", "U": "B"}
PREFIXED = re.compile(rf"[{''.join(BIO_OF)}]-.+|.+-[{''.join(BIO_OF)}]")
LONG_LITERAL = 10_000  # characters
F_STRING = re.compile(r"(?:[rR]?[fF]|[fF][rR])['\"]")
# What flags of label columns may hold, in lower case.
SET, NOT_SET = {"1", "1.0", "true"}, {"0", "0.0", "false", ""}
# The first words of Unicode names of the letters of scripts without spaces between words.
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


class BadLabel(ValueError):
    """A label that cannot be read; the message says what is wrong with it."""


@dataclass(frozen=True)
class Tagged:
    tokens: Sequence[str]
    tags: Sequence[str] | None  # in BIO, one per token; None if the source has none


@dataclass(frozen=True, order=True)
class Span:
    start: int  # offset of the first character
    end: int  # offset after the last character
    label: str


def names_of(value: Any, delimiter: str | None) -> list[str]:
    """The names in a list, in the text of a list, or in a cell with `delimiter` between them (None: one name)."""
    if isinstance(value, str) and not is_list_text(value):
        names: list[Any] = value.split(delimiter) if delimiter else [value]
    else:
        names = as_list(value)
    if any(isinstance(name, list | dict | tuple) for name in names):
        raise BadLabel(f"expected a list of names, got {shortened(names)}")
    stripped = (spelled(name).strip() for name in names if not is_missing_value(name))
    return [name for name in stripped if name]


def is_list_text(text: str) -> bool:
    """Whether a text is to be read as a list: with brackets, or a tuple or set of Python."""
    text = text.strip()
    return text.startswith("[") or (text[:1] + text[-1:] in ("()", "{}") and isinstance(literal(text), tuple | set))


def literal(text: str) -> Any:
    """The value of a text in Python's spelling; None if it is none."""
    if len(text) > LONG_LITERAL and has_f_string(text):
        return None  # no literal, and Python's parser would need quadratic time to say so
    try:
        value = ast.literal_eval(text)
        repr(value)  # raises ValueError for a number of more digits than Python writes, such as 0xfff...
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value


def has_f_string(text: str) -> bool:
    """Whether Python's parser would read an f-string, or would fail."""
    if F_STRING.search(text) is None:
        return False
    tokens = tokens_of_python(text)
    return tokens is None or any(token.type == tokenize.STRING and F_STRING.match(token.string) for token in tokens)


def tokens_of_python(text: str) -> list[tokenize.TokenInfo] | None:
    """The tokens of a text; None if they are not Python's."""
    try:
        return list(tokenize.generate_tokens(io.StringIO(text.strip()).readline))
    except (tokenize.TokenError, SyntaxError, RecursionError):
        return None


def shortened(value: Any) -> str:
    """The start of the JSON of a value, for messages."""
    return json.dumps(value, default=str)[:80]


def names_of_flags(flags: Mapping[str, Any]) -> list[str]:
    """The names of the label columns that hold a 1."""
    names = []
    for name, flag in flags.items():
        text = "" if is_missing_value(flag) else str(flag).strip().lower()
        if text in SET:
            names.append(name)
        elif text not in NOT_SET:
            raise BadLabel(f"the column {shown(name)} has {shown(flag)}, expected 0 or 1")
    return names


def tagged(content: Any, value: Any, scheme: Scheme = "bio") -> Tagged:
    """Reads tokens and tags; each is a list, the text of a list, or a text with spaces between its elements."""
    are_lists = isinstance(value, str) and is_list_text(value)
    is_text = isinstance(content, str) and not (are_lists and is_list_text(content))
    tokens = content.split() if is_text else as_list(content)
    if not all(isinstance(token, str | int | float) for token in tokens):
        raise BadLabel(f"expected a list of tokens, got {shortened(tokens)}")
    tokens = list(map(str, tokens))
    if is_missing(value):
        return Tagged(tokens, None)
    tags = value.split() if isinstance(value, str) and not are_lists else as_list(value)
    if len(tokens) != len(tags):
        raise BadLabel(f"{len(tokens)} tokens and {len(tags)} tags, expected one tag per token")
    tags = [str(tag).strip() for tag in tags]
    bracketed = next(filter(BRACKETED.fullmatch, tags), None)
    if bracketed is not None:
        raise BadLabel(
            f"the tag {shown(bracketed)} is in the brackets of CoNLL-2012, which are not read; convert it to BIO"
        )
    if scheme == "bare":
        return Tagged(tokens, bare_as_bio(tags))
    try:
        return Tagged(tokens, [as_bio(tag) for tag in tags])
    except BadLabel as bad:
        if any(map(PREFIXED.fullmatch, tags)):
            raise
        raise BadLabel(f"{bad}; for types without prefixes set collect.tag_scheme: bare") from bad


def as_bio(tag: str) -> str:
    """A tag in BIO, BIOES, BILOU or BMES as its tag in BIO."""
    prefix, _, kind = tag.partition("-")
    if tag == "O":
        return tag
    if prefix not in BIO_OF or not kind:
        raise BadLabel(
            f"unknown tag {shown(tag)}, expected O, or B, I, M, E, S, L or U with a hyphen and a type, such as B-person"
        )
    return f"{BIO_OF[prefix]}-{kind}"


def bare_as_bio(kinds: Sequence[str]) -> list[str]:
    """Types without prefixes as tags in BIO: equal neighbours are one entity."""
    for kind in kinds:
        if not kind or PREFIXED.fullmatch(kind):
            raise BadLabel(
                f"the tag {shown(kind)} is no bare type; for types with prefixes set collect.tag_scheme: bio"
            )
    tags = []
    for before, kind in pairwise(["O", *kinds]):
        tags.append("O" if kind == "O" else f"{'I' if kind == before else 'B'}-{kind}")
    return tags


def tagged_by_spans(text: Any, value: Any) -> Tagged:
    """The tokens of `text`, split at the start and end of each span, and their tags in BIO."""
    if not isinstance(text, str):
        raise BadLabel(f"expected a text for the spans, got {type(text).__name__}")
    if is_missing(value):
        return Tagged(tokens_of(text), None)
    spans = sorted(span_of(span, text) for span in as_list(value))
    check_spans(spans, text)
    tokens, tags, end = list[str](), list[str](), 0
    for span in spans:
        outside, inside = tokens_of(text[end : span.start]), tokens_of(text[span.start : span.end])
        if not inside:
            raise BadLabel(f"the span {span.start} to {span.end} has no word")
        tokens += outside + inside
        tags += ["O"] * len(outside) + [f"B-{span.label}"] + [f"I-{span.label}"] * (len(inside) - 1)
        end = span.end
    rest = tokens_of(text[end:])
    return Tagged(tokens + rest, tags + ["O"] * len(rest))


def check_spans(spans: Sequence[Span], text: str) -> None:
    """
    Raises:
        BadLabel: two spans overlap, or the start or end of a span is inside a word.
    """
    for one, other in pairwise(spans):
        if other.start < one.end:
            raise BadLabel(f"the spans {one.start} to {one.end} and {other.start} to {other.end} overlap")
    for span in spans:
        for offset in (span.start, span.end):
            if is_inside_word(text, offset):
                around = f"{text[max(0, offset - 10) : offset]}|{text[offset : offset + 10]}"
                raise BadLabel(
                    f"the span {span.start} to {span.end} cuts a word: {one_line(around)}; "
                    "offsets are in characters, the first is 0"
                )


def is_inside_word(text: str, offset: int) -> bool:
    """Whether there are letters or digits on both sides, of scripts that write spaces between words."""
    around = text[offset - 1 : offset + 1] if offset else ""
    return len(around) == 2 and all(c.isalnum() and not _is_unspaced(c) for c in around)


def _is_unspaced(character: str) -> bool:
    return unicodedata.name(character, "").startswith(UNSPACED)


def tokens_of(text: str) -> list[str]:
    """The words and punctuation marks of a text."""
    return _token_pattern().findall(text)


@cache
def _token_pattern() -> re.Pattern[str]:
    r"""A word or a punctuation mark, with the combining marks and joiners that follow it.

    Without these, `\w+` would cut Hindi words and decomposed letters apart.
    """
    characters = map(chr, range(0x300, 0x20000))
    marks = "".join(c for c in characters if unicodedata.category(c) in ("Mn", "Mc", "Me")) + "\u200c\u200d"
    return re.compile(rf"\w[\w{marks}]*|[^\w\s][{marks}]*")


def label_of_span(span: Mapping[str, Any]) -> Any:
    """The label of a span, or the one name in its `labels`.

    Raises:
        BadLabel: `labels` has several names.
    """
    names = span.get("labels")
    if "label" in span or not isinstance(names, list):
        return span.get("label")
    if len(names) != 1:
        raise BadLabel(f"the span {shortened(span)} has {len(names)} labels, expected one")
    return names[0]


def span_of(value: Any, text: str) -> Span:
    """A span of `text`, from {"start", "end", "label"} or, as in spaCy, [start, end, label].

    As in exports of Label Studio, "labels" may have the one label, and "text" the words of the span.
    """
    parts, words = value, None
    if isinstance(value, dict):
        parts, words = [value.get("start"), value.get("end"), label_of_span(value)], value.get("text")
    match parts:
        case [int(start), int(end), str(label)] if (
            0 <= start < end <= len(text) and label and not isinstance(start, bool)
        ):
            if isinstance(words, str) and words.split() != text[start:end].split():
                raise BadLabel(
                    f"the span {start} to {end} is {shown(text[start:end])}, but its text is {shown(words)}; "
                    "offsets count characters, and an emoji is one"
                )
            return Span(start, end, label)
    raise BadLabel(f"the span {shortened(value)}, expected start, a larger end (up to {len(text)}) and label")


def is_missing(value: Any) -> bool:
    """Whether a value is missing, or a blank cell."""
    return is_missing_value(value) or (isinstance(value, str) and not value.strip())


def as_list(value: Any) -> list[Any]:
    """A list, from a list or its text in JSON or in Python's or numpy's spelling; empty if the value is missing."""
    if is_missing(value):
        return []
    if isinstance(value, str):
        value = _read_list(value)
    if isinstance(value, set):
        value = sorted(value, key=str)
    if not isinstance(value, list | tuple):
        raise BadLabel(f"expected a list, got {type(value).__name__}")
    return list(value)


def _read_list(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise BadLabel("it has too many brackets inside each other; write it as a list of names") from None
    except ValueError as error:
        problem = str(error).partition(";")[0]  # what follows is advice about Python
    strings = _strings_without_commas(text)
    value = literal(text.strip()) if strings is None else strings
    if value is None:
        raise BadLabel(f'not valid JSON ({problem}), nor a list of Python; write a list as ["one", "other"]')
    return value


def _strings_without_commas(text: str) -> list[str] | None:
    """The strings of a list as numpy prints it, such as ['a' 'b']; None if it is not one.

    Raises:
        BadLabel: two strings that Python would join are side by side in another way.
    """
    skipped = {tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT}
    tokens = tokens_of_python(text)
    if tokens is None:
        return None
    tokens = [token for token in tokens if token.type not in skipped]
    neighbours = [(one, other) for one, other in pairwise(tokens) if one.type == other.type == tokenize.STRING]
    if not neighbours:
        return None
    inner = tokens[1:-1]
    are_apart = all(one.end != other.start for one, other in neighbours)
    if not are_apart or any(token.type != tokenize.STRING for token in inner) or tokens[0].string != "[":
        raise BadLabel(f"a comma is missing between two texts of the list {shortened(text)}")
    strings = [literal(token.string) for token in inner]
    return None if None in strings else strings
