"""Cue words: the word nearest to a number says whether it is a phone number, a card, an id number or an order."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

REACH = 40  # characters before a number in which a cue word is looked for
REACH_AFTER = 16  # characters after a number, for "(mobile)" and the like
CLOSE = 1  # words, except fillers such as "number", that may stand between "order" and its number

_WORD = re.compile(r"[^\W\d_]+")
_WORD_BEFORE = re.compile(r"[^\W\d_]+|§")


@dataclass(frozen=True)
class Vocabulary:
    """The words of privacy_words.toml, of all languages together.

    A cue is `phone`, `card`, `ip`, `other` or the name of an id number, which is that of its module in python-stdnum.
    """

    cues: Mapping[str, frozenset[str]]  # by a word, or by two words with a space between them
    substrings: Mapping[str, frozenset[str]]  # by cue: strings of scripts without spaces between words
    fillers: frozenset[str]
    number_endings: tuple[str, ...]
    id_numbers: frozenset[str]  # those that python-stdnum can check
    names_of: Mapping[str, frozenset[str]]  # id numbers by a spelling that needs no cue; 9 is a digit, A a letter
    phone_countries: tuple[str, ...]


@cache
def vocabulary() -> Vocabulary:
    tables = tomllib.loads(Path(__file__).with_name("privacy_words.toml").read_text(encoding="utf-8"))
    id_numbers = tables["id_numbers"]
    return Vocabulary(
        cues=_cues(tables),
        substrings={cue: frozenset(strings) for cue, strings in tables["substrings"].items()},
        fillers=frozenset(_all_languages(tables["fillers"])),
        number_endings=tuple(_all_languages(tables["number_endings"])),
        id_numbers=frozenset(id_numbers) - {"gb.nino"},
        names_of=_names_of(id_numbers),
        phone_countries=tuple(tables["countries"]["phone"]),
    )


def _cues(tables: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    cues: dict[str, set[str]] = {}
    for cue in ("phone", "card", "ip", "other"):
        for word in _all_languages(tables[cue]):
            cues.setdefault(word, set()).add(cue)
    for name, entry in tables["id_numbers"].items():
        for word in entry.get("words", ()):
            cues.setdefault(word, set()).add(name)
    for phrase in _all_languages(tables["any_id"]):
        cues[phrase] = set(tables["id_numbers"])
    return {word: frozenset(names) for word, names in cues.items()}


def _names_of(id_numbers: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = {}
    for name, entry in id_numbers.items():
        for spelling in entry.get("spellings", ()):
            names.setdefault(spelling, set()).add(name)
    return {spelling: frozenset(of_spelling) for spelling, of_spelling in names.items()}


def _all_languages(table: Mapping[str, list[str]]) -> list[str]:
    return [word for words in table.values() for word in words]


def cues_before(text: str, position: int) -> frozenset[str]:
    """The cues of the nearest cue word before `position`; a word for `other` counts only close to the number."""
    before = text[max(0, position - REACH) : position].casefold()
    words = _WORD_BEFORE.findall(before)
    n_between = 0
    for index in range(len(words) - 1, -1, -1):
        cues = _cues_of(words[index], words[index - 1] if index else "")
        if cues and not ("other" in cues and n_between > CLOSE):
            return cues
        n_between += words[index] not in vocabulary().fillers
    return frozenset() if before.isascii() else _cues_in(before)


def _cues_of(word: str, previous: str) -> frozenset[str] | None:
    cues = vocabulary().cues.get(f"{previous} {word}") or vocabulary().cues.get(word)
    endings = vocabulary().number_endings
    if not cues and word.endswith(endings) and word not in endings:
        return frozenset({"other"})
    return cues


def _cues_in(text: str) -> frozenset[str]:
    """The cue of the last string in the text that is one, for scripts without spaces between words."""
    last = {cue: max(text.rfind(string) for string in strings) for cue, strings in vocabulary().substrings.items()}
    nearest = max(last.values())
    return frozenset(cue for cue, position in last.items() if position == nearest >= 0)


def cues_after(text: str, position: int) -> frozenset[str]:
    """The cues of the first word for `phone` after `position`; no other word counts there."""
    after = text[position : position + REACH_AFTER].casefold()
    for word in _WORD.findall(after):
        cues = vocabulary().cues.get(word, frozenset())
        if "phone" in cues:
            return cues
    return frozenset() if after.isascii() else _cues_in(after) & {"phone"}
