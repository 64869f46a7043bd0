"""Measures of a text: its language, its share of signs, its share of repetition; and lines that many texts share."""

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

# Probability from which a language is believed.
# Below it, English was taken for Nigerian Pidgin, and short texts for anything.
SURE = 0.95
NO_LANGUAGE = "zxx"  # the ISO 639 code for "no linguistic content": random keys
FEW = 8  # visible characters; shorter texts are not measured: "ok", "4/5", "?!" and ":-) :-)" are answers
MANY, MANY_OF = 10, 0.001  # rows, and share of the rows, from which a line is suggested as boilerplate
MOST_LINES = 20  # suggestions

_REPEATED = re.compile(r"(\S{1,4}?)\1{3,}")  # one to four characters, four times or more in a row
_WITHOUT_SIGNS = str.maketrans("", "", punctuation)


def language(text: str, wanted: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest of 140 languages, as its ISO 639 code, and its probability, which is low for short texts.

    Raises:
        InputError: a wanted language is not among them.
    """
    check_languages(wanted)
    code, probability = identifier().classify(text)
    return code, float(probability)


@cache
def check_languages(codes: tuple[str, ...]) -> None:
    known = sorted(set(identifier().nb_classes))
    if unknown := sorted(set(codes) - set(known)):
        nearest = sorted({name for code in unknown for name in known if name[0] == code[0]})
        raise InputError(
            f"clean.text.languages: {', '.join(unknown)} cannot be identified; the ISO 639 codes that can, "
            f"with the same first letter: {', '.join(nearest)}"
        )


@cache
def identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def symbol_ratio(text: str) -> float | None:
    """The share of visible characters that are no letter, digit or emoji; None if the text is too short."""
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
    """The share of the text that repeats characters ("aaaaaa", "hahahaha") or words ("blah blah blah blah").

    None if the text is too short.
    """
    words = text.casefold().split()
    n_visible = sum(map(len, words))
    if n_visible < FEW:
        return None
    in_characters = sum(match.end() - match.start() for match in _REPEATED.finditer(text)) / n_visible
    if len(set(words)) == len(words):
        return in_characters
    return max(in_characters, *(repeated_words(words, period) / len(words) for period in (1, 2, 3)))


def repeated_words(words: list[str], period: int) -> int:
    """The number of words in phrases of `period` words that occur four times or more in a row."""
    n_words = 0
    for is_same, run in groupby(map(eq, words[period:], words)):
        length = sum(1 for _ in run)
        if is_same and length >= 3 * period:
            n_words += length + period
    return n_words


def recurring_lines(rows: Iterable[set[str]]) -> list[tuple[str, int]]:
    """Lines that occur in many rows, with their numbers of rows, the most frequent first.

    Memory is bounded: a rare line is only a counter at its hash, so two lines with one hash may count too many rows.
    """
    counters = np.zeros(2**22, dtype=np.uint32)
    frequent: Counter[str] = Counter()
    n_rows = 0
    for lines in rows:
        n_rows += 1
        for line in lines:
            index = hash_of(line) % len(counters)
            if line in frequent:
                frequent[line] += 1
            elif counters[index] >= MANY - 1:
                frequent[line] = MANY
            else:
                counters[index] += 1
    lines_with_counts = [(line, count) for line, count in frequent.items() if count >= MANY_OF * n_rows]
    return sorted(lines_with_counts, key=lambda item: (-item[1], item[0]))[:MOST_LINES]


def hash_of(line: str) -> int:
    return int.from_bytes(blake2b(line.encode("utf-8", "replace"), digest_size=8).digest(), "big")
