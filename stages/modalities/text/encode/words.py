"""Models of single words, for tags. A token of the label is called a word here, as the model's tokens are others."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers.modeling_outputs import TokenClassifierOutput

from stages.core.errors import InputError
from stages.modalities.text.encode.backbone import Headed, load_backbone, load_head, run_fixed
from stages.modalities.text.encode.tokenizer import load_tokenizer

CHUNK = 4_000  # texts whose hidden states are in memory at a time
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


def shape_features(words: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
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
    places: np.ndarray[Any, np.dtype[np.int64]]
    shapes: np.ndarray[Any, np.dtype[np.float32]]  # (n_words, N_SHAPES)


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


def word_places(windows: Sequence[Sequence[int | None]], n_words: int) -> np.ndarray[Any, np.dtype[np.int64]]:
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


def token_states(backbone: Any, layers: Sequence[int], features: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n, length, dim): the mean of the given hidden layers, at length 1."""
    states = backbone(**features, output_hidden_states=True).hidden_states
    return F.normalize(torch.stack([states[layer] for layer in layers]).mean(dim=0), dim=-1)


def word_vectors(
    backbone: Any,
    layers: Sequence[int],
    tokenizer: Any,
    contents: Sequence[str],
    longest: int,
    batch_size: int,
    title: str,
) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
    """(n_words, dim + N_SHAPES) per content: the hidden state of each word's first token, and the shape features.

    The state is zero for a word without a token. The bits of a content do not depend on the other contents.
    """
    device = next(backbone.parameters()).device
    backbone.eval()

    def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return token_states(backbone, layers, {name: values.to(device) for name, values in batch.items()})

    for start in range(0, len(contents), CHUNK):
        rows = encode_words(tokenizer, contents[start : start + CHUNK], longest)
        windows = [window for row in rows for window in row.windows]
        states = iter(run_fixed(windows, tokenizer, longest, batch_size, forward, title))
        for row in rows:
            row_states = list(islice(states, len(row.windows)))
            vectors = np.stack([row_states[window][position] * (window >= 0) for window, position in row.places])
            yield np.hstack([vectors, row.shapes])


class TaggedText(Headed):
    """A linear head on the mean of hidden layers, at length 1, and on shape features.

    The logits of a word are those of its first token.
    """

    def __init__(self, backbone: Any, layers: Sequence[int], n_outputs: int) -> None:
        super().__init__(backbone, backbone.config.hidden_size + N_SHAPES, n_outputs)
        self.layers = layers

    def forward(
        self, shapes: torch.Tensor, labels: torch.Tensor | None = None, **features: torch.Tensor
    ) -> TokenClassifierOutput:
        logits = self.head(torch.cat([token_states(self.backbone, self.layers, features), shapes], dim=-1))
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(loss=loss, logits=logits)

    @classmethod
    def load(cls, folder: Path, layers: Sequence[int]) -> "TaggedText":
        state = load_head(folder)
        model = cls(load_backbone(str(folder)), layers, len(state["bias"]))
        model.head.load_state_dict(state)
        return model
