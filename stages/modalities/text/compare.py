"""Texts are the same, but for case and punctuation, or share most of their character n-grams."""

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

SHINGLE = 5  # characters: words are no unit in languages that are written without spaces
PERMUTATIONS = 256
_NOT_WORD = re.compile(r"[\W_]+")


def normalise(text: str) -> str:
    """Case, punctuation and compatibility forms do not tell two texts apart; a text of nothing else stays itself."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _NOT_WORD.sub(" ", folded).strip() or folded


def exact_key(content: str) -> bytes:
    sides = "\n".join(map(normalise, content.split("\n")))
    return blake2b(sides.encode("utf-8", "replace"), digest_size=16).digest()


def fingerprint(content: str) -> frozenset[str]:
    """The character n-grams of the normalised text; those of a second side are marked, as (a, b) is not (b, a)."""
    first, *others = content.split("\n")
    return shingles(first).union(*({f"\n{shingle}" for shingle in shingles(other)} for other in others))


def shingles(text: str) -> frozenset[str]:
    text = normalise(text)
    return frozenset(text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1)))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's coefficient."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def signatures(contents: Sequence[str], threshold: float) -> npt.NDArray[np.uint64]:
    """Banded MinHash (Broder 1997; Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3)."""
    from rensa import RMinHash

    rows = band_rows(threshold)
    matrix = RMinHash.digest_matrix_from_token_sets([fingerprint(content) for content in contents], PERMUTATIONS, 0)
    digests = np.array(matrix.to_rows(), dtype=np.uint64)[:, : PERMUTATIONS // rows * rows]
    bands = digests.reshape(len(contents), -1, rows)
    keys = np.zeros(bands.shape[:2], dtype=np.uint64)
    for column in range(rows):  # one number a band: a polynomial hash modulo 2^64
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + bands[:, :, column]
        keys ^= keys >> np.uint64(29)
    return keys


def size(content: str) -> int:
    """In characters."""
    return len(content)


def band_rows(threshold: float) -> int:
    """The most rows a band with which a pair at the threshold still meets in some band 99 times in 100."""
    recalls = {rows: 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) for rows in range(1, 33)}
    return max((rows for rows, recall in recalls.items() if recall >= 0.99), default=1)
