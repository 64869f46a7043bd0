"""Augmented copies of texts: noise on words."""

from collections.abc import Callable, Iterable

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.core.tables import Content, Label

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="probability that a word is swapped with the next")
    delete: float = Field(ge=0, le=1, description="probability that a word is deleted")
    typo: float = Field(ge=0, le=1, description="probability that a word is mistyped")


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]
) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Swaps, deletes and mistypes words; in both texts of a pair."""

    def augment(content: str, label: Label, seed: int) -> tuple[str, Label]:
        rng = np.random.default_rng(seed)
        sides = [noisy(side, params, rng) for side in content.split("\n")]
        return "\n".join(sides), label

    return augment


def noisy(text: str, params: AugmentParams, rng: np.random.Generator) -> str:
    """Each word is mistyped, deleted or swapped with the next, with the probabilities in `params` (Wei & Zou 2019)."""
    words = [mistype(word, rng) if rng.random() < params.typo else word for word in text.split(" ")]
    kept = [word for word in words if rng.random() >= params.delete] or words
    for position in range(len(kept) - 1):
        if rng.random() < params.swap:
            kept[position], kept[position + 1] = kept[position + 1], kept[position]
    return " ".join(kept)


def mistype(word: str, rng: np.random.Generator) -> str:
    """The word with one typing error: a neighbouring key, a missing or doubled letter, or two swapped letters."""
    position = int(rng.integers(max(1, len(word))))
    before, letter, after = word[:position], word[position : position + 1], word[position + 1 :]
    mistyped = (
        before + key_beside(letter, rng) + after,
        before + after or word,
        before + letter * 2 + after,
        before + after[:1] + letter + after[1:],
    )
    return mistyped[int(rng.integers(len(mistyped)))]


def key_beside(letter: str, rng: np.random.Generator) -> str:
    """A key beside the letter, in the same case; the letter itself if it has no neighbour on KEYBOARD."""
    row = next((row for row in KEYBOARD if letter and letter.lower() in row), letter)
    position = row.find(letter.lower())
    neighbours = row[max(0, position - 1) : position] + row[position + 1 : position + 2] or letter
    key = neighbours[int(rng.integers(max(1, len(neighbours))))] if neighbours else ""
    return key.upper() if letter.isupper() else key
