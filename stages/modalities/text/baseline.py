"""TF-IDF of words and characters: what can be learned from the spelling of a text, in any language.

Characters also serve languages without spaces between words.
"""

from collections.abc import Sequence
from typing import Any

from stages.contracts.baseline import Features

MAX_CHARS = 2_000  # of a text: later ones cost time, and seldom change the class
WORDS = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"\w+|[^\w\s]"}
CHARACTERS = {"analyzer": "char_wb", "ngram_range": (1, 4)}


def features(train: Sequence[str], others: Sequence[str], size: int) -> tuple[Features, Features]:
    """Of a pair: the features of both sides, those that they share, and how similar the sides are."""
    from scipy.sparse import hstack

    train_sides, other_sides = sides(train), sides(others, like=train)
    words, other_words = tfidf(train_sides, other_sides, WORDS, size)
    characters, other_characters = tfidf(train_sides, other_sides, CHARACTERS, size)
    return hstack([words, characters], format="csr"), hstack([other_words, other_characters], format="csr")


def sides(texts: Sequence[str], like: Sequence[str] = ()) -> list[list[str]]:
    """The first texts of all rows; of pairs also the second ones.

    Args:
        like: texts that decide whether these are pairs; by default themselves.
    """
    is_pair = any("\n" in text for text in like or texts)
    firsts, seconds = [], []
    for text in texts:
        first, _, second = text.partition("\n")
        firsts.append(first[:MAX_CHARS])
        seconds.append(second[:MAX_CHARS])
    return [firsts, seconds] if is_pair else [firsts]


def tfidf(
    train: Sequence[Sequence[str]], others: Sequence[Sequence[str]], options: Any, size: int
) -> tuple[Features, Features]:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(sublinear_tf=True, max_features=size, dtype=np.float64, **options)
    vectorizer.fit([text for side in train for text in side])
    return joined([vectorizer.transform(side) for side in train]), joined(
        [vectorizer.transform(side) for side in others]
    )


def joined(vectors: Sequence[Features]) -> Features:
    """The vectors of a text; of a pair both, their product, and their cosine, which is the sum of the product."""
    from scipy.sparse import csr_array, hstack

    if len(vectors) == 1:
        return vectors[0]
    first, second = vectors
    product = first.multiply(second)
    cosine = csr_array(product.sum(axis=1).reshape(-1, 1))
    return hstack([first, second, product, cosine], format="csr")
