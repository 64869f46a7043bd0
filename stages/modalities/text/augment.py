"""Augmented copies of texts: noise on words."""

from collections.abc import Callable, Iterable

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.core.tables import Content, Label

KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="chance that a word changes places with the next")
    delete: float = Field(ge=0, le=1, description="chance that a word is left out")
    typo: float = Field(ge=0, le=1, description="chance that a word is mistyped")


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]
) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Copies with noise on words; of a pair, on both sides."""

    def augment(content: str, label: Label, seed: int) -> tuple[str, Label]:
        rng = np.random.default_rng(seed)
        return "\n".join(noisy(side, params, rng) for side in content.split("\n")), label

    return augment


def noisy(text: str, params: AugmentParams, rng: np.random.Generator) -> str:
    """Each word is mistyped, deleted or swapped with the next, with the given chances (Wei & Zou 2019)."""
    words = [mistype(word, rng) if rng.random() < params.typo else word for word in text.split(" ")]
    kept = [word for word in words if rng.random() >= params.delete] or words
    for place in range(len(kept) - 1):
        if rng.random() < params.swap:
            kept[place], kept[place + 1] = kept[place + 1], kept[place]
    return " ".join(kept)


def mistype(word: str, rng: np.random.Generator) -> str:
    """One slip of a finger: the key beside, a letter left out, a letter doubled, or two in the wrong order."""
    place = int(rng.integers(max(1, len(word))))
    before, letter, after = word[:place], word[place : place + 1], word[place + 1 :]
    slips = (
        before + key_beside(letter, rng) + after,
        before + after or word,
        before + letter * 2 + after,
        before + after[:1] + letter + after[1:],
    )
    return slips[int(rng.integers(len(slips)))]


def key_beside(letter: str, rng: np.random.Generator) -> str:
    row = next((row for row in KEYBOARD if letter and letter.lower() in row), letter)
    place = row.find(letter.lower())
    beside = row[max(0, place - 1) : place] + row[place + 1 : place + 2] or letter
    hit = beside[int(rng.integers(max(1, len(beside))))] if beside else ""
    return hit.upper() if letter.isupper() else hit
