"""Exact duplicates of texts differ in case and punctuation only; near duplicates share most character n-grams.

Signs that mean something are no punctuation: "C++" is not "C#", "-5" not "5", a smiling face not an angry one.
"""

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.modalities.text.content import UNSPACED

SHINGLE = 5  # characters of an n-gram; not words, as some languages have no spaces between them
PERMUTATIONS = 256  # of MinHash
RECALL = 0.99  # share of the pairs at the threshold that must share a value in some column
_NOT_WORD = re.compile(r"[\W_]+")
_GAP = re.compile(rf"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")
# Signs other than letters, digits and spaces; a hyphen only before a number, a # only beside a word.
_SIGN = re.compile(r"(?<![\w-])-(?=[\d.])|(?<=\w)#|#(?=\w)|[^\w\s#-]")
_DECORATION = "|~\u00a6\u00a9\u00ae\u2122"  # lines of tables, and marks of brands
_VARIATION_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def normalise(text: str) -> str:
    """The text without case, punctuation and Unicode compatibility forms; a text of punctuation only keeps it.

    Punctuation becomes a space, except between letters of scripts that are written without spaces.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        return _NOT_WORD.sub(" ", folded).strip() or folded
    words = " ".join(_NOT_WORD.sub(only_marks, folded).split())
    return _GAP.sub("", words) or folded


def only_marks(run: re.Match[str]) -> str:
    """Spaces for a run of characters that are no letters, except its marks: they are the vowels of Hindi and Thai."""
    if run.group().isascii():
        return " "
    signs = _VARIATION_SELECTORS.sub("", run.group())
    return "".join(sign if unicodedata.category(sign) in ("Mn", "Mc") else " " for sign in signs)


def exact_key(content: str) -> bytes:
    sides = "\n".join(f"{normalise(side)}\0{meaningful_signs(side)}" for side in content.split("\n"))
    return blake2b(sides.encode("utf-8", "replace"), digest_size=16).digest()


def meaningful_signs(text: str) -> str:
    """The signs of a text that punctuation leaves out and that change its meaning, in order; of a run of one, one."""
    signs: list[str] = []
    for match in _SIGN.finditer(unicodedata.normalize("NFKC", text)):
        sign = match.group()
        is_symbol = unicodedata.category(sign) in ("Sm", "Sc", "So") and sign not in _DECORATION
        if (is_symbol or sign in "%#-") and sign not in signs[-1:]:
            signs.append(sign)
    return "".join(signs)


def fingerprint(content: str) -> frozenset[str]:
    """The character n-grams of the normalised text; those of a second side are marked, as (a, b) is not (b, a)."""
    first, *others = content.split("\n")
    marked = {f"\n{shingle}" for other in others for shingle in shingles(other)}
    return shingles(first) | marked


def shingles(text: str) -> frozenset[str]:
    text = normalise(text)
    return frozenset(text[start : start + SHINGLE] for start in range(max(1, len(text) - SHINGLE + 1)))


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Jaccard's coefficient."""
    common = len(one & other)
    return common / (len(one) + len(other) - common)


def signatures(contents: Sequence[str], threshold: float) -> npt.NDArray[np.uint64]:
    """(n_rows, n_bands): banded MinHash.

    Sources: Broder 1997; Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, ch. 3.
    """
    from rensa import RMinHash

    height = band_height(threshold)
    n_bands = PERMUTATIONS // height
    matrix = RMinHash.digest_matrix_from_token_sets([fingerprint(content) for content in contents], PERMUTATIONS, 0)
    digests = np.array(matrix.to_rows(), dtype=np.uint64)[:, : n_bands * height]
    bands = digests.reshape(len(contents), n_bands, height)
    keys = np.zeros(bands.shape[:2], dtype=np.uint64)
    for column in range(height):  # a polynomial hash modulo 2^64 makes one number of each band
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + bands[:, :, column]
        keys ^= keys >> np.uint64(29)
    return keys


def size(content: str) -> int:
    """The number of characters."""
    return len(content)


def band_height(threshold: float) -> int:
    """The largest number of digests per band at which a pair at the threshold shares a band with probability RECALL."""
    heights = range(1, 33)
    recalls = {height: 1 - (1 - threshold**height) ** (PERMUTATIONS // height) for height in heights}
    return max((height for height, recall in recalls.items() if recall >= RECALL), default=1)
