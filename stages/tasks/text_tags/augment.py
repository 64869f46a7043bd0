"""Augmented copies of tagged texts: other entities of the same types, and noise on the tokens between them."""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.modalities.text.augment import mistype

Mention = tuple[str, ...]  # the tokens of an entity


class AugmentParams(Strict):
    swap: float = Field(ge=0, le=1, description="probability that an entity is replaced by another one of its type")
    delete: float = Field(ge=0, le=1, description="probability that a token outside of entities is deleted")
    typo: float = Field(ge=0, le=1, description="probability that a token outside of entities is mistyped")


@dataclass(frozen=True)
class Span:
    """Successive tokens: an entity, or tokens between entities."""

    tokens: Sequence[str]
    type: str  # the entity type; empty between entities


class Mentions:
    """The different entities of one type. They are drawn by hash: one more entity changes few draws."""

    def __init__(self, of_type: Iterable[Mention]) -> None:
        by_hash = {mention_hash(mention): mention for mention in of_type}
        self._hashes = sorted(by_hash)
        self._mentions = [by_hash[key] for key in self._hashes]

    def draw(self, rng: np.random.Generator) -> Mention:
        drawn = bisect(self._hashes, int(rng.integers(2**32)))
        return self._mentions[drawn % len(self._mentions)]


def mention_hash(mention: Mention) -> int:
    """32 bits."""
    return int.from_bytes(blake2b("\n".join(mention).encode(), digest_size=4).digest())


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[str, Sequence[str]]]]
) -> Callable[[str, Sequence[str], int], tuple[str, Sequence[str]]]:
    """Replaces entities by others of their type (Dai & Adel 2020), and deletes or mistypes the tokens between them."""

    @cache
    def mentions_of_types() -> Mapping[str, Mentions]:
        return mentions(train())

    def augment(content: str, tags: Sequence[str], seed: int) -> tuple[str, Sequence[str]]:
        rng = np.random.default_rng(seed)
        new_tokens: list[str] = []
        new_tags: list[str] = []
        for span in spans(content.split(" "), tags):
            if span.type:
                swap = rng.random() < params.swap
                mention = mentions_of_types()[span.type].draw(rng) if swap else span.tokens
                new_tokens += mention
                new_tags += [f"B-{span.type}", *[f"I-{span.type}"] * (len(mention) - 1)]
            else:
                noisy = with_noise(span.tokens, params, rng)
                new_tokens += noisy
                new_tags += ["O"] * len(noisy)
        return (" ".join(new_tokens), new_tags) if new_tokens else (content, tags)

    return augment


def with_noise(tokens: Sequence[str], params: AugmentParams, rng: np.random.Generator) -> list[str]:
    """The tokens that are not deleted, some of them mistyped."""
    noisy = []
    for token in tokens:
        if rng.random() >= params.delete:
            noisy.append(mistype(token, rng) if rng.random() < params.typo else token)
    return noisy


def spans(tokens: Sequence[str], tags: Sequence[str]) -> Iterator[Span]:
    """The entities and the spans between them, in order."""
    start = 0
    for end in range(1, len(tags) + 1):
        continues = end < len(tags) and (tags[end].startswith("I-") or tags[end] == tags[start] == "O")
        if not continues:
            yield Span(tokens[start:end], tags[start][2:])
            start = end


def mentions(rows: Iterable[tuple[str, Sequence[str]]]) -> Mapping[str, Mentions]:
    """The entities of these rows, by type."""
    by_type: dict[str, set[Mention]] = {}
    for content, tags in rows:
        for span in spans(content.split(" "), tags):
            if span.type:
                by_type.setdefault(span.type, set()).add(tuple(span.tokens))
    return {kind: Mentions(of_type) for kind, of_type in by_type.items()}
