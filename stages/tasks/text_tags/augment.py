"""Augmented copies of tagged texts: entities are replaced by others of their type, and there is noise on the tokens between them."""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.modalities.text.augment import mistype

Mention = tuple[str, ...]  # the tokens of an entity


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="chance that an entity gives way to another of its type")
    delete: float = Field(ge=0, le=1, description="chance that a token outside of entities is left out")
    typo: float = Field(ge=0, le=1, description="chance that a token outside of entities is mistyped")


class Mentions:
    """The different entities of a type. Each is drawn by its own hash: with another one more, few draws come out otherwise."""

    def __init__(self, of_type: Iterable[Mention]) -> None:
        by_hash = {
            int.from_bytes(blake2b("\n".join(mention).encode(), digest_size=4).digest()): mention for mention in of_type
        }
        self._hashes = sorted(by_hash)
        self._mentions = [by_hash[key] for key in self._hashes]

    def draw(self, rng: np.random.Generator) -> Mention:
        return self._mentions[bisect(self._hashes, int(rng.integers(2**32))) % len(self._mentions)]


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[str, Sequence[str]]]]
) -> Callable[[str, Sequence[str], int], tuple[str, Sequence[str]]]:
    """Copies in which entities give way to others of their type (Dai & Adel 2020), and with noise on the tokens between them."""

    @cache
    def known() -> Mapping[str, Mentions]:
        return mentions(train())

    def augment(content: str, tags: Sequence[str], seed: int) -> tuple[str, Sequence[str]]:
        rng = np.random.default_rng(seed)
        changed: list[tuple[str, str]] = []
        for tokens, kind in stretches(content.split(" "), tags):
            if not kind:
                changed += [
                    (mistype(token, rng) if rng.random() < params.typo else token, "O")
                    for token in tokens
                    if rng.random() >= params.delete
                ]
            else:
                mention = known()[kind].draw(rng) if rng.random() < params.swap else tokens
                changed += zip(mention, [f"B-{kind}", *[f"I-{kind}"] * (len(mention) - 1)], strict=True)
        if not changed:
            return content, tags
        return " ".join(token for token, _ in changed), [tag for _, tag in changed]

    return augment


def stretches(tokens: Sequence[str], tags: Sequence[str]) -> Iterator[tuple[Sequence[str], str]]:
    """The entities and what stands between them, in turn, each with its type; that of what is none is empty."""
    start = 0
    for end in range(1, len(tags) + 1):
        if end == len(tags) or not (tags[end].startswith("I-") or tags[end] == tags[start] == "O"):
            yield tokens[start:end], tags[start][2:]
            start = end


def mentions(rows: Iterable[tuple[str, Sequence[str]]]) -> Mapping[str, Mentions]:
    """What is called an entity in these rows, by type."""
    found: dict[str, set[Mention]] = {}
    for content, tags in rows:
        for tokens, kind in stretches(content.split(" "), tags):
            if kind:
                found.setdefault(kind, set()).add(tuple(tokens))
    return {kind: Mentions(of_type) for kind, of_type in found.items()}
