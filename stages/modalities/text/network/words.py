"""Single words as the inputs of a network, for tags.

A token of the label is called a word here, as the model's tokens are others.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from stages.contracts._network import Encoded, Inputs
from stages.core.errors import InputError
from stages.modalities.text.network.frontend import CHUNK, bucket, padded
from stages.modalities.text.network.tokenizer import load_tokenizer

# fmt: off
SHAPES = (
    "lower", "title", "upper", "letter", "mixed", "digits", "letters and digits", "sign", "user", "hashtag", "link",
    "other", "outside",
)
# fmt: on
N_SHAPES = 3 * len(SHAPES) + 3  # features of `shape_features`
SHAPE_WEIGHT = 0.3  # of these features, next to a vector of length 1
_LINK = re.compile(r"https?:|www\.", re.IGNORECASE)


@lru_cache(maxsize=100_000)
def shape(word: str) -> str:
    """How a word is written, one of SHAPES: case and digits, which an uncased model does not see."""
    if len(word) > 1 and word[0] in "@#":
        return "user" if word[0] == "@" else "hashtag"
    if _LINK.match(word):
        return "link"
    letters = [character for character in word if character.isalpha()]
    if any(map(str.isdigit, word)):
        return "letters and digits" if letters else "digits"
    if not letters:
        return "sign"
    return case_of(letters)


def case_of(letters: Sequence[str]) -> str:
    is_capital = [letter.isupper() for letter in letters]
    is_small = [letter.islower() for letter in letters]
    if not any(is_capital):
        return "lower" if any(is_small) else "other"
    if len(letters) == 1:
        return "letter"
    if not any(is_small):
        return "upper"
    return "title" if is_capital[0] and not any(is_capital[1:]) else "mixed"


def shape_features(words: Sequence[str]) -> npt.NDArray[np.float32]:
    """(n_words, N_SHAPES): the shapes of each word and its two neighbours, and the word's length.

    The share of capitalised words in the text is a feature too: it tells what a capital means there.
    """
    shapes = ["outside", *map(shape, words), "outside"]
    numbers = np.array([SHAPES.index(name) for name in shapes])
    is_capitalised = np.array([name in ("title", "upper") for name in shapes[1:-1]])
    share = np.mean([name in ("title", "upper", "letter") for name in shapes[1:-1]])
    neighbours = np.stack([numbers[:-2], numbers[1:-1], numbers[2:]], axis=1)
    one_hot = np.eye(len(SHAPES))[neighbours].reshape(len(words), -1)
    lengths = np.array([min(len(word), 12) / 12 for word in words])
    features = np.column_stack([one_hot, np.full(len(words), share), is_capitalised * share, lengths])
    return np.asarray(SHAPE_WEIGHT * features, dtype=np.float32)


@dataclass(frozen=True)
class Words:
    """A tokenised text as the input of a model: overlapping windows, so that a long text is not truncated."""

    windows: Sequence[dict[str, Any]]
    # (n_words, 2): the window and position of each word's first token; -1 if the word has no token.
    places: npt.NDArray[np.int64]
    shapes: npt.NDArray[np.float32]  # (n_words, N_SHAPES)


def encode_words(tokenizer: Any, contents: Sequence[str], longest: int) -> list[Words]:
    """Encodes contents that have one space between words; windows overlap by a quarter."""
    texts = [content.split(" ") for content in contents]
    encoding = tokenizer(
        texts,
        is_split_into_words=True,
        truncation=True,
        max_length=longest,
        stride=longest // 4,
        return_overflowing_tokens=True,
    )
    windows_of: list[list[int]] = [[] for _ in texts]
    for window, row in enumerate(encoding.pop("overflow_to_sample_mapping")):
        windows_of[row].append(window)

    def features(window: int) -> dict[str, Any]:
        return {name: values[window] for name, values in encoding.items()}

    return [
        Words(
            [features(window) for window in windows],
            word_places([encoding.word_ids(window) for window in windows], len(words)),
            shape_features(words),
        )
        for words, windows in zip(texts, windows_of, strict=True)
    ]


def word_places(windows: Sequence[Sequence[int | None]], n_words: int) -> npt.NDArray[np.int64]:
    """(n_words, 2): the window and position of each word's first token; -1 if it has none.

    `windows` has the word of each token, None for special tokens. If several windows have a first token, the one where
    it is farthest from the ends is taken. A window may begin inside a word; but its first token is nearest to an end,
    so an earlier window, which has the beginning of the word, is taken.
    """
    places = np.full((n_words, 2), -1)
    distances = np.full(n_words, -1)  # of the chosen token from the nearer end of its window
    for window, words in enumerate(windows):
        for position, (previous, word) in enumerate(zip([None, *words], words, strict=False)):
            distance = min(position, len(words) - 1 - position)
            is_first_token = word is not None and word != previous
            if is_first_token and distance > distances[word]:
                places[word] = (window, position)
                distances[word] = distance
    return places


def load_word_tokenizer(name: str) -> Any:
    """A tokenizer that maps its tokens to words.

    Raises:
        InputError: the model has no fast tokenizer.
    """
    # Byte-level tokenizers recognise a word by the space before it.
    tokenizer = load_tokenizer(name, add_prefix_space=True)
    if not tokenizer.is_fast:
        raise InputError(
            f"model {name}: its tokenizer cannot map tokens to words; choose a model with a fast tokenizer"
        )
    tokenizer.padding_side = "right"  # positions in a window are counted from its first token
    return tokenizer


def at_words(places: npt.NDArray[np.int64], outputs: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """(n_words, n): the output at each word's place, of windows with (length, n) outputs; 0 if it has none."""
    return np.stack([outputs[window][position] * (window >= 0) for window, position in places])


@dataclass(frozen=True)
class WordFrontend:
    """Reads a text as windows of (1, length) tokens, with the shape of each word at its first token."""

    tokenizer: Any
    max_length: int  # tokens of a window

    def encode(self, contents: Sequence[str]) -> Iterator[Encoded]:
        for start in range(0, len(contents), CHUNK):
            for words in encode_words(self.tokenizer, contents[start : start + CHUNK], self.max_length):
                windows = [self.inputs(words, number) for number in range(len(words.windows))]
                yield Encoded(windows, partial(at_words, words.places))

    def inputs(self, words: Words, number: int) -> Inputs:
        """The inputs of one window, padded to a length that depends on the window alone."""
        features = words.windows[number]
        length = min(bucket(len(features["input_ids"])), self.max_length)
        windows, positions = words.places.T
        shapes = np.zeros((length, N_SHAPES), dtype=np.float32)
        shapes[positions[windows == number]] = words.shapes[windows == number]
        row: dict[str, npt.NDArray[Any]] = {**padded(self.tokenizer, features, length), "shapes": shapes}
        return {name: values[np.newaxis] for name, values in row.items()}
