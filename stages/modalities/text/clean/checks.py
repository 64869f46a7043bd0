"""What can be measured of a text: its language, and whether it is one at all or a row of signs or of the same over and over."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from itertools import groupby
from operator import eq
from string import punctuation
from typing import Any

import numpy as np

from stages.core.errors import InputError

SURE = 0.95  # the probability from which on a language is believed; below it English was taken for Nigerian Pidgin, and short texts for anything
NO_LANGUAGE = "zxx"  # what ISO 639 calls what is in none: random keys
FEW = 8  # visible characters: "ok", "4/5", "?!" and ":-) :-)" are answers
MANY, MANY_OF = 10, 0.001  # rows, and share of the rows, in which a line is suggested as boilerplate
MOST_LINES = 20

_REPEATED = re.compile(r"(\S{1,4}?)\1{3,}")  # a unit of up to four characters, four times or more
_WITHOUT_SIGNS = str.maketrans("", "", punctuation)


def language(text: str, wanted: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest of 140 languages, as its ISO 639 code, and its probability, which is low where a text says little.

    Raises:
        InputError: one of those that are wanted is none of them.
    """
    check_languages(wanted)
    code, probability = identifier().classify(text)
    return code, float(probability)


@cache
def check_languages(codes: tuple[str, ...]) -> None:
    known = identifier().nb_classes
    if unknown := sorted(set(codes) - set(known)):
        raise InputError(
            f"clean.text.languages: {', '.join(unknown)} cannot be told; there are {', '.join(sorted(known))}"
        )


@cache
def identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def symbol_ratio(text: str) -> float | None:
    """The share of the visible characters that are no letter, digit or emoji; None of a text too short to tell."""
    visible = "".join(text.split())
    if len(visible) < FEW:
        return None
    if visible.isascii():
        return 1 - len(visible.translate(_WITHOUT_SIGNS)) / len(visible)
    return sum(is_sign(character) for character in visible) / len(visible)


def is_sign(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] == "P" or category in ("Sm", "Sc") or character in punctuation


def repetition(text: str) -> float | None:
    """The share of it that says the same over and over, in characters ("aaaaaa", "hahahaha") or in words ("blah blah blah blah")."""
    words = text.casefold().split()
    visible = sum(map(len, words))
    if visible < FEW:
        return None
    in_characters = sum(match.end() - match.start() for match in _REPEATED.finditer(text)) / visible
    if len(set(words)) == len(words):
        return in_characters
    return max(in_characters, *(words_in_runs(words, period) / len(words) for period in (1, 2, 3)))


def words_in_runs(words: list[str], period: int) -> int:
    """How many of the words are of a phrase of `period` words that stands four times or more in a row."""
    total = 0
    for same, run in groupby(map(eq, words[period:], words)):
        length = sum(1 for _ in run)
        total += length + period if same and length >= 3 * period else 0
    return total


def recurring_lines(rows: Iterable[set[str]]) -> list[tuple[str, int]]:
    """The lines that stand in many rows, and in how many, the commonest first.

    What is kept of a line that has not been seen often is a counter of its hash: two lines that share one may be counted a few rows too many.
    """
    seen = np.zeros(2**22, dtype=np.uint32)
    often: Counter[str] = Counter()
    n_rows = 0
    for lines in rows:
        n_rows += 1
        for line in lines:
            place = int.from_bytes(blake2b(line.encode("utf-8", "replace"), digest_size=8).digest(), "big") % len(seen)
            if line in often or seen[place] >= MANY - 1:
                often[line] += 1 if line in often else MANY
            else:
                seen[place] += 1
    found = [(line, count) for line, count in often.items() if count >= MANY_OF * n_rows]
    return sorted(found, key=lambda item: (-item[1], item[0]))[:MOST_LINES]
