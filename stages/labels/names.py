"""Labels that are names: spellings that may mean the same class, names that may not be classes, names of few rows."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator

from stages.contracts.label import Suggestion
from stages.core.errors import InputError, shown
from stages.core.params import Strict

# The codes with which terminals change colours, titles and the cursor.
_TERMINAL = re.compile("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\].*?(?:\x07|\x1b\\\\|$)")
# Characters that are no space and that nobody sees: control characters, and those that Unicode calls default ignorable
# (DerivedCoreProperties.txt). Among them are marks of the direction of writing, soft hyphens, zero-width spaces, byte
# order marks, variation selectors and tag characters. Not U+200C and U+200D, see _as_joined.
_INVISIBLE = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# The flags of England, Scotland and Wales are a black flag and tag characters: these make a difference that is seen.
_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f"
_UNSEEN = re.compile(f"({_FLAG})|[{_INVISIBLE}]")
_BLANK = str.maketrans(dict.fromkeys("\u2800", " "))  # a Braille pattern without dots, which is no space to Python
_JOINERS = re.compile("[\u200c\u200d]+")
# The first words of Unicode names of letters and signs between which a joiner changes nothing that is seen.
_UNJOINED = ("LATIN", "GREEK", "CYRILLIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "FULLWIDTH", "THAI")


def as_name(text: str) -> str:
    """Trimmed, in Unicode form NFC and without invisible characters: names that look alike are equal."""
    visible = _UNSEEN.sub(lambda match: match[1] or "", _TERMINAL.sub("", text)).translate(_BLANK)
    words = unicodedata.normalize("NFC", _JOINERS.sub(_as_joined, visible)).split()
    return " ".join(words)


def _as_joined(joiners: re.Match[str]) -> str:
    """The first of some joiners if it is between signs that it may change, such as Persian letters or emoji."""
    before, after = joiners.string[: joiners.start()][-1:], joiners.string[joiners.end() :][:1]
    return joiners[0][0] if _is_joined(before) and _is_joined(after) else ""


def _is_joined(character: str) -> bool:
    if not character or character.isascii() or character.isspace():
        return False
    return not unicodedata.name(character, "").startswith(_UNJOINED)


def is_too_long(text: str) -> bool:
    """Whether a label is too long for the name of a class: metrics, plots and the model's files write each name."""
    return len(text) > LONGEST_NAME


# Names that people use for rows that fit no class.
CATCH_ALL = {
    *("other", "others", "misc", "miscellaneous", "various", "none of the above", "unknown", "unclear", "unsure"),
    *("not sure", "not clear", "don't know", "can't say", "cannot say", "ambiguous", "undecided", "undefined"),
    *("unspecified", "unlabeled", "unlabelled", "unclassified", "uncategorized", "uncategorised"),
    *("skip", "skipped", "ignore", "invalid", "junk", "todo", "tbd", "idk"),
    *("andere", "sonstige", "sonstiges", "unbekannt"),
    *("autre", "autres", "inconnu"),
    *("otro", "otros", "desconocido"),
    *("altro", "altri", "sconosciuto"),
    *("outro", "outros"),
    *("другое", "неизвестно"),
    *("其他", "その他"),
}
LONG = 7  # characters; in names from this length on, one edit is more likely a typo than another word
RARE = 0.1  # a typo has at most this share of the rows of the right name: "complement" and "compliment" are both common
LONG_PLURAL = 4  # characters of the singular: "new" and "news" are two words

SERIES = 40  # names that are equal but for one letter; of more, the most common are compared, or pairs grow by squares

_SEPARATORS = r"[\s\-_./'’]+"
LONGEST = 200  # characters; a longer name is a text: typos are not searched in it
LONGEST_NAME = 1_000  # characters; what is longer is no name of a class but a cell of another column
MOST = 5_000  # names in which typos are searched, the most common; memory grows with names and their length
# What YAML reads as a text without quotation marks, and words that it reads as something else.
_PLAIN = re.compile(r"[^\W\d_][\w /.()+-]*(?<=[\w).+])")
_YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
# Letters that look like Latin ones, each before the one that it looks like: Cyrillic, then Greek.
_LOOKALIKES = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0445\u0443\u0456\u0458\u0455\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0423\u0406\u0408\u0405"
    "\u03bf\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7",
    "aeopcxyijsABEKMHOPCTXYIJS" + "oABEZHIKMNOPTYX",
)
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"))

# Separators that do not distinguish labels: between letters and at the ends.
# Others are kept: "1-2" and "12", "-1" and "1", "A-" and "A" are different labels.
_IDLE = re.compile(
    rf"(?<=[^\W\d_]){_SEPARATORS}(?=[^\W_])|(?<=\d){_SEPARATORS}(?=[^\W\d_])|^[\s_.]+(?=[^\W\d_])|(?<=\w)[\s_.]+$"
)


class NameParams(Strict):
    """The keys of `clean.label` for every target whose labels are names."""

    aliases: dict[str, str]
    drop: list[str]
    min_rows: int = Field(ge=1, description="labels with fewer rows after all other cleaning are rare; 1: no label is")
    on_rare: Literal["error", "drop", "merge"] = Field(
        description="rare labels stop the run, are treated like those in `drop`, or become `merge_into`"
    )
    merge_into: str = Field(min_length=1, description="the label that rare labels become with `on_rare: merge`")

    @field_validator("aliases", "drop", "merge_into")
    @classmethod
    def as_labels_are(cls, value: Any) -> Any:
        """Names in the form that cleaned labels have."""
        if isinstance(value, dict):
            return {as_name(name): as_name(meant) for name, meant in value.items()}
        if isinstance(value, list):
            return list(map(as_name, value))
        if not as_name(value):
            raise ValueError("the name must not be blank")
        return as_name(value)

    @cached_property
    def dropped(self) -> frozenset[str]:
        """The names in `drop`, and the empty one."""
        return frozenset(["", *self.drop])

    @property
    def made(self) -> frozenset[str]:
        """The names that rows can have though no source has them."""
        return frozenset([self.merge_into] if self.on_rare == "merge" else [])


P = TypeVar("P", bound=NameParams)


def without_rare(rows_of: Mapping[str, int], params: P) -> P | None:
    """Params that drop or merge the rare names; None if no name is rare. `rows_of` is the number of rows by name.

    Raises:
        InputError: there are rare names, and `on_rare` is `error`.
    """
    rare = sorted(name for name, n_rows in rows_of.items() if n_rows < params.min_rows)
    if params.on_rare == "merge":
        rare = [name for name in rare if name != params.merge_into]
    if not rare:
        return None
    if params.on_rare == "error":
        examples = ", ".join(f"{shown(name)} ({rows_of[name]})" for name in rare[:10])
        more = ", ..." if len(rare) > 10 else ""
        raise InputError(
            f"clean.label.min_rows: {len(rare)} labels have fewer than {params.min_rows} rows: {examples}{more}; "
            "set clean.label.on_rare to drop or merge, or merge them with clean.label.aliases"
        )
    if params.on_rare == "drop":
        return changed(params, drop=[*params.drop, *rare])
    merged = dict.fromkeys(rare, params.merge_into)
    aliases = {name: merged.get(meant, meant) for name, meant in params.aliases.items()}
    return changed(params, aliases=aliases | merged)


def changed(params: P, **keys: Any) -> P:
    """The params with other values for some keys."""
    copy = params.model_copy(update=keys)
    copy.__dict__.pop("dropped", None)  # which was computed from the old values
    return copy


def suggest_names(given: Mapping[str, int], params: NameParams) -> list[Suggestion]:
    """Suggestions for names that params do not rename or drop yet; `given`: the number of rows by raw name.

    Nothing is suggested about what is too long for a name, and would take long to compare.
    """
    rows_of: defaultdict[str, int] = defaultdict(int)
    for name, n_rows in given.items():
        meant = params.aliases.get(as_name(name), as_name(name))
        if meant not in params.dropped and not is_too_long(meant):
            rows_of[meant] += n_rows
    return [*spellings(rows_of), *catch_alls(rows_of)]


def spellings(rows_of: Mapping[str, int]) -> list[Suggestion]:
    """Suggests to replace a rarer spelling by the most common name that it may mean."""
    ranked = sorted(rows_of, key=lambda name: (-rows_of[name], name))
    most_common: dict[str, str] = {}  # by folded name
    suggestions = []
    for name in ranked:
        meant = most_common.setdefault(folded(name), name)
        if meant != name:
            suggestions.append(alias(name, meant, "the same but for case, spaces, hyphens or look-alikes", rows_of))
    rows_of_key = {key: rows_of[name] for key, name in most_common.items()}
    short_keys = [key for key in most_common if len(key) <= LONGEST]
    for rare, common in near_spellings(short_keys[:MOST], rows_of_key.__getitem__):
        why = "the same but for a plural or a letter"
        suggestions.append(alias(most_common[rare], most_common[common], why, rows_of))
    return suggestions


def alias(name: str, meant: str, why: str, rows_of: Mapping[str, int]) -> Suggestion:
    proposal = f"`{quoted(name)}: {quoted(meant)}`, if they are one ({why}; {meant} has {rows_of[meant]} rows)"
    return Suggestion("clean.label.aliases", name, rows_of[name], proposal)


def quoted(name: str) -> str:
    """A name as params.yaml needs it: with quotation marks if YAML would read it as something else."""
    return (
        name if _PLAIN.fullmatch(name) and name.casefold() not in _YAML_WORDS else "'" + name.replace("'", "''") + "'"
    )


def folded(name: str) -> str:
    """A name without case, accents and idle separators, in Latin letters if all of its letters look like these.

    Numbers are written in the shortest way: "01" and "1.0" are 1.
    A name of one character keeps its case: "a" and "A" may be two labels.
    """
    name = unicodedata.normalize("NFKC", name).translate(_DASHES)
    if _NUMBER.fullmatch(name):
        return shortest_number(name)
    latin_name = name.translate(_LOOKALIKES)
    if _is_latin(latin_name):
        name = latin_name
        name_without_accents = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    else:
        name_without_accents = name
    key = _IDLE.sub("", name_without_accents).casefold()
    return key if len(key) > 1 else name


def shortest_number(text: str) -> str:
    whole, _, fraction = text.removeprefix("+").partition(".")
    sign, digits, fraction = "-" * whole.startswith("-"), whole.lstrip("-0") or "0", fraction.rstrip("0")
    number = f"{digits}.{fraction}" if fraction else digits
    return number if number == "0" else sign + number


def _is_latin(name: str) -> bool:
    return all(unicodedata.name(c, "").startswith("LATIN") for c in name if c.isalpha())


def near_spellings(keys: Sequence[str], rows: Callable[[str], int]) -> Iterator[tuple[str, str]]:
    """(rarer, more common) pairs of folded names: plurals, and typos of long names.

    `rows` is the number of rows of a name.
    """
    best: dict[str, str] = {}
    for rare, common in sorted(candidates(keys, rows), key=lambda pair: (-rows(pair[1]), pair)):
        are_plurals = is_plural(rare, common) or is_plural(common, rare)
        if are_plurals or (is_typo(rare, common) and rows(rare) <= RARE * rows(common)):
            best.setdefault(rare, common)
    yield from sorted(best.items())


def candidates(keys: Iterable[str], rows: Callable[[str], int]) -> set[tuple[str, str]]:
    """(rarer, more common) pairs of keys that may be one edit or a plural apart.

    Keys that are one edit apart have a variant with one letter less in common (SymSpell, Garbe 2012:
    https://github.com/wolfgarbe/SymSpell), so that not all pairs are compared.
    """
    keys_of: defaultdict[str, list[str]] = defaultdict(list)  # by variant
    for key in keys:
        deletes = (key[:index] + key[index + 1 :] for index in range(len(key) if len(key) >= LONG else 0))
        for variant in {key, *deletes, *plurals(key)}:
            if len(keys_of[variant]) < SERIES:
                keys_of[variant].append(key)
    pairs = set()
    for similar in keys_of.values():
        for pair in combinations(similar, 2):
            rare, common = sorted(pair, key=lambda key: (rows(key), key))
            pairs.add((rare, common))
    return pairs


def plurals(key: str) -> list[str]:
    """Possible English plurals of a word."""
    if len(key) < LONG_PLURAL or not key.isalpha():
        return []
    return [f"{key}s", f"{key}es", *([f"{key[:-1]}ies"] if key.endswith("y") else [])]


def is_plural(one: str, other: str) -> bool:
    """Whether `other` may be the plural of `one`."""
    return other in plurals(one)


def is_typo(one: str, other: str) -> bool:
    """Whether two long names are at most one edit apart.

    An edit inserts, deletes or replaces a letter, or swaps two neighbours (optimal string alignment).
    Edits of the first letter ("typical", "atypical") and of digits ("version1", "version2") make other words.
    """
    if min(len(one), len(other)) < LONG or one[0] != other[0]:
        return False
    start = shared_start(one, other)
    a, b = one[start:], other[start:]
    end = shared_start(a[::-1], b[::-1])
    a, b = a[: len(a) - end], b[: len(b) - end]  # where the names differ
    if any(map(str.isdigit, a + b)):
        return False
    is_swap = len(a) == 2 and a == b[::-1]
    return is_swap or max(len(a), len(b)) <= 1


def shared_start(one: str, other: str) -> int:
    """The number of characters at the start that are equal."""
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def catch_alls(rows_of: Mapping[str, int]) -> list[Suggestion]:
    """Suggests to drop names that people use for rows that fit no class."""
    proposal = "list it there if it is no class but where people put what they could not name"
    known = set(map(folded, CATCH_ALL))
    names = sorted(name for name in rows_of if folded(name) in known)
    return [Suggestion("clean.label.drop", name, rows_of[name], proposal) for name in names]
