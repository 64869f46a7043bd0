"""Labels that are names: spellings that may mean the same class, names that may not be classes, names of few rows."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator

from stages.contracts.label import Suggestion
from stages.core.errors import InputError
from stages.core.params import Strict

# Soft hyphen, zero-width space, word joiner, byte order mark.
# Not U+200C and U+200D: Persian, Indic scripts and emoji need them.
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")


def as_name(text: str) -> str:
    """Trimmed, in Unicode form NFC and without invisible characters: names that look alike are equal."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


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

_SEPARATORS = r"[\s\-_./'’]+"
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
        shown = ", ".join(f"{name!r} ({rows_of[name]})" for name in rare[:10]) + (", ..." if len(rare) > 10 else "")
        raise InputError(
            f"clean.label.min_rows: {len(rare)} labels have fewer than {params.min_rows} rows: {shown}; "
            "set clean.label.on_rare to drop or merge, or merge them with clean.label.aliases"
        )
    if params.on_rare == "drop":
        return params.model_copy(update={"drop": [*params.drop, *rare]})
    aliases = {name: params.merge_into if meant in rare else meant for name, meant in params.aliases.items()}
    return params.model_copy(update={"aliases": aliases | dict.fromkeys(rare, params.merge_into)})


def suggest_names(given: Mapping[str, int], params: NameParams) -> list[Suggestion]:
    """Suggestions for names that params do not rename or drop yet; `given`: the number of rows by raw name."""
    rows_of: defaultdict[str, int] = defaultdict(int)
    for name, n_rows in given.items():
        meant = params.aliases.get(as_name(name), as_name(name))
        if meant and meant not in params.drop:
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
            suggestions.append(alias(name, meant, "the same but for case, spaces or hyphens", rows_of))
    rows_of_key = {key: rows_of[name] for key, name in most_common.items()}
    for rare, common in near_spellings(list(most_common), rows_of_key.__getitem__):
        why = "the same but for a plural or a letter"
        suggestions.append(alias(most_common[rare], most_common[common], why, rows_of))
    return suggestions


def alias(name: str, meant: str, why: str, rows_of: Mapping[str, int]) -> Suggestion:
    proposal = f"`{name}: {meant}`, if they are one ({why}; {meant} has {rows_of[meant]} rows)"
    return Suggestion("clean.label.aliases", name, rows_of[name], proposal)


def folded(name: str) -> str:
    """A name without case, accents and idle separators.

    A name of one character is unchanged: "a" and "A" may be two labels.
    """
    if name.isascii() or _is_latin(name):
        name_without_accents = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    else:
        name_without_accents = name
    key = _IDLE.sub("", name_without_accents).casefold()
    return key if len(key) > 1 else name


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
        deletes = (key[:index] + key[index + 1 :] for index in range(len(key)))
        for variant in {key, *deletes, *plurals(key)}:
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
