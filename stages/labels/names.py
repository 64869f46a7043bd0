"""Labels that are names: spellings that may be of one class, names that may be of none, and names of too few rows."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator

from stages.contracts.label import Suggestion
from stages.core.errors import InputError
from stages.core.params import Strict

# Soft hyphen, zero-width space, word joiner, byte order mark. Not U+200C and U+200D: Persian, Indic scripts and emoji need them.
INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")


def as_name(text: str) -> str:
    """Trimmed, in one form of Unicode and without what cannot be seen: names that look alike are equal."""
    return " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", text)).split())


CATCH_ALL = {
    *(
        "other",
        "others",
        "misc",
        "miscellaneous",
        "various",
        "none of the above",
        "unknown",
        "unclear",
        "unsure",
        "not sure",
        "not clear",
        "don't know",
    ),
    *(
        "can't say",
        "cannot say",
        "ambiguous",
        "undecided",
        "undefined",
        "unspecified",
        "unlabeled",
        "unlabelled",
        "unclassified",
        "uncategorized",
    ),
    *("uncategorised", "skip", "skipped", "ignore", "invalid", "junk", "todo", "tbd", "idk"),
    *(
        "andere",
        "sonstige",
        "sonstiges",
        "unbekannt",
        "autre",
        "autres",
        "inconnu",
        "otro",
        "otros",
        "desconocido",
        "altro",
        "altri",
        "sconosciuto",
    ),
    *("outro", "outros", "другое", "неизвестно", "其他", "その他"),
}
LONG = 7  # characters from which on one edit is more likely a typo than another word
RARE = 0.1  # a typo has at most this share of the rows of the name that was meant: "complement" and "compliment" are both common
LONG_PLURAL = 4  # characters of the singular: "new" and "news" are two words

_SEPARATORS = r"[\s\-_./'’]+"
# Between letters or at the ends a separator says nothing; "1-2" and "12", "-1" and "1", "A-" and "A" are different labels.
_IDLE = re.compile(
    rf"(?<=[^\W\d_]){_SEPARATORS}(?=[^\W_])|(?<=\d){_SEPARATORS}(?=[^\W\d_])|^[\s_.]+(?=[^\W\d_])|(?<=\w)[\s_.]+$"
)


class NameParams(Strict):
    """What `clean.label` has for every target whose labels are made of names."""

    aliases: dict[str, str]
    drop: list[str]
    min_rows: int = Field(ge=1, description="labels of fewer rows, once all else is cleaned, are rare; 1: none is")
    on_rare: Literal["error", "drop", "merge"] = Field(
        description="rare labels stop the run, are treated like those in `drop`, or become `merge_into`"
    )
    merge_into: str = Field(min_length=1, description="what rare labels become with `on_rare: merge`")

    @field_validator("aliases", "drop", "merge_into")
    @classmethod
    def as_labels_are(cls, given: Any) -> Any:
        """Names as they stand in cleaned labels."""
        if isinstance(given, dict):
            return {as_name(name): as_name(meant) for name, meant in given.items()}
        if isinstance(given, list):
            return list(map(as_name, given))
        if not as_name(given):
            raise ValueError("this is a blank name")
        return as_name(given)


P = TypeVar("P", bound=NameParams)


def without_rare(rows_of: Mapping[str, int], params: P) -> P | None:
    """The params under which no name is rare, None where none is.

    Raises:
        InputError: some are, and it is not said what to do.
    """
    rare = sorted(
        name
        for name, rows in rows_of.items()
        if rows < params.min_rows and (name != params.merge_into or params.on_rare != "merge")
    )
    if not rare:
        return None
    if params.on_rare == "error":
        said = ", ".join(f"{name!r} ({rows_of[name]})" for name in rare[:10]) + (", ..." if len(rare) > 10 else "")
        raise InputError(
            f"clean.label.min_rows: {len(rare)} labels have fewer than {params.min_rows} rows: {said}; set clean.label.on_rare, or merge them"
        )
    if params.on_rare == "drop":
        return params.model_copy(update={"drop": [*params.drop, *rare]})
    renamed = {name: params.merge_into if meant in rare else meant for name, meant in params.aliases.items()}
    return params.model_copy(update={"aliases": {**renamed, **dict.fromkeys(rare, params.merge_into)}})


def suggest_names(given: Mapping[str, int], params: NameParams) -> list[Suggestion]:
    """`given`: the source's own names, each with its rows; what params settle already is not suggested again."""
    rows_of: defaultdict[str, int] = defaultdict(int)
    for name, rows in given.items():
        meant = params.aliases.get(as_name(name), as_name(name))
        if meant and meant not in params.drop:
            rows_of[meant] += rows
    return [*spellings(rows_of), *catch_alls(rows_of)]


def spellings(rows_of: Mapping[str, int]) -> list[Suggestion]:
    """Each rarer spelling beside the commonest name that it may stand for."""
    ranked = sorted(rows_of, key=lambda name: (-rows_of[name], name))
    leader: dict[str, str] = {}  # folded name -> the commonest of its spellings
    found = []
    for name in ranked:
        first = leader.setdefault(folded(name), name)
        if first != name:
            found.append(proposed(name, first, "the same but for case, spaces or hyphens", rows_of))
    for name, meant in near_spellings(list(leader), lambda key: rows_of[leader[key]]):
        found.append(proposed(leader[name], leader[meant], "the same but for a plural or a letter", rows_of))
    return found


def proposed(name: str, meant: str, why: str, rows_of: Mapping[str, int]) -> Suggestion:
    return Suggestion(
        "clean.label.aliases",
        name,
        rows_of[name],
        f"`{name}: {meant}`, if they are one ({why}; {meant} has {rows_of[meant]} rows)",
    )


def folded(name: str) -> str:
    """Without case, accents and idle separators; a name of one character is as it is, for "a" and "A" may be two."""
    bare = (
        "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
        if name.isascii() or _is_latin(name)
        else name
    )
    key = _IDLE.sub("", bare).casefold()
    return key if len(key) > 1 else name


def _is_latin(name: str) -> bool:
    return all(unicodedata.name(c, "").startswith("LATIN") for c in name if c.isalpha())


def near_spellings(keys: Sequence[str], rows: Callable[[str], int]) -> Iterator[tuple[str, str]]:
    """Plurals, and typos of long names: (the rarer, the commoner). Keys that are one edit apart share a key with one letter less (Garbe's SymSpell)."""
    shared: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        for variant in {key, *(key[:place] + key[place + 1 :] for place in range(len(key))), *plurals(key)}:
            shared[variant].append(key)
    pairs = {
        tuple(sorted(pair, key=lambda key: (rows(key), key)))
        for some in shared.values()
        for pair in combinations(some, 2)
    }
    best: dict[str, str] = {}
    for rare, common in sorted(pairs, key=lambda pair: (-rows(pair[1]), pair)):
        if (
            is_plural(rare, common)
            or is_plural(common, rare)
            or (is_typo(rare, common) and rows(rare) <= RARE * rows(common))
        ):
            best.setdefault(rare, common)
    yield from sorted(best.items())


def plurals(key: str) -> list[str]:
    """English ones."""
    if len(key) < LONG_PLURAL or not key.isalpha():
        return []
    return [f"{key}s", f"{key}es", *([f"{key[:-1]}ies"] if key.endswith("y") else [])]


def is_plural(one: str, other: str) -> bool:
    return other in plurals(one)


def is_typo(one: str, other: str) -> bool:
    """One letter too many, too few, another, or two exchanged; not the first letter ("typical", "atypical"), and no digit ("version1", "version2")."""
    if min(len(one), len(other)) < LONG or one[0] != other[0]:
        return False
    start = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    a, b = one[start:], other[start:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    exchanged = len(a) == 2 and a == b[::-1]
    return (exchanged or max(len(a), len(b)) <= 1) and not any(map(str.isdigit, a + b))


def catch_alls(rows_of: Mapping[str, int]) -> list[Suggestion]:
    proposal = "list it there if it is no class but where people put what they could not name"
    known = set(map(folded, CATCH_ALL))
    names = sorted(name for name in rows_of if folded(name) in known)
    return [Suggestion("clean.label.drop", name, rows_of[name], proposal) for name in names]
