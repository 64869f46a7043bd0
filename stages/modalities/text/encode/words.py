"""Texts word by word, for tags. What a person calls a token is a word here: the model has tokens of its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer
from transformers.modeling_outputs import TokenClassifierOutput

from stages.core.errors import InputError
from stages.modalities.text.encode.backbone import HEAD, Headed, run_fixed
from stages.models import pretrained

CHUNK = 4_000  # texts whose hidden states are held at a time
SHAPES = (
    "lower",
    "title",
    "upper",
    "letter",
    "mixed",
    "digits",
    "letters and digits",
    "sign",
    "user",
    "hashtag",
    "link",
    "other",
    "outside",
)
N_SHAPES = 3 * len(SHAPES) + 3
SHAPE_WEIGHT = 0.3  # beside a vector of length 1
_LINK = re.compile(r"https?:|www\.", re.IGNORECASE)


@lru_cache(maxsize=100_000)
def shape(word: str) -> str:
    """How a word is written, which an uncased model does not see."""
    letters = [sign for sign in word if sign.isalpha()]
    capitals = [sign.isupper() for sign in letters]
    small = [sign.islower() for sign in letters]
    marked = {"@": "user", "#": "hashtag"}.get(word[0]) if len(word) > 1 else None
    if marked or _LINK.match(word):
        return marked or "link"
    if any(sign.isdigit() for sign in word):
        return "letters and digits" if letters else "digits"
    if not any(capitals):
        return "lower" if any(small) else "other" if letters else "sign"
    if len(letters) == 1:
        return "letter"
    if not any(small):
        return "upper"
    return "title" if capitals[0] and not any(capitals[1:]) else "mixed"


def shape_features(words: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(n_words, N_SHAPES): how each word and those beside it are written, how many words of the text are capitalised, and the word's length."""
    shapes = ["outside", *map(shape, words), "outside"]
    numbers = np.array([SHAPES.index(name) for name in shapes])
    capitalised = np.array([name in ("title", "upper") for name in shapes[1:-1]])
    share = np.mean([name in ("title", "upper", "letter") for name in shapes[1:-1]])
    beside = np.eye(len(SHAPES))[np.stack([numbers[:-2], numbers[1:-1], numbers[2:]], axis=1)].reshape(len(words), -1)
    lengths = np.array([min(len(word), 12) / 12 for word in words])
    features = np.column_stack([beside, np.full(len(words), share), capitalised * share, lengths])
    return np.asarray(SHAPE_WEIGHT * features, dtype=np.float32)


@dataclass(frozen=True)
class Words:
    """A text of words as a model takes it: in windows that overlap, so that a long text is not cut off."""

    windows: Sequence[dict[str, Any]]
    places: np.ndarray[
        Any, np.dtype[np.int64]
    ]  # (n_words, 2): the window and position of each word's first token; -1 where it has none
    shapes: np.ndarray[Any, np.dtype[np.float32]]  # (n_words, N_SHAPES)


def encode_words(tokenizer: Any, contents: Sequence[str], longest: int) -> list[Words]:
    """Contents with a space between words; windows overlap by a quarter."""
    texts = [content.split(" ") for content in contents]
    found = tokenizer(
        texts,
        is_split_into_words=True,
        truncation=True,
        max_length=longest,
        stride=longest // 4,
        return_overflowing_tokens=True,
    )
    windows: list[list[int]] = [[] for _ in texts]
    for window, row in enumerate(found.pop("overflow_to_sample_mapping")):
        windows[row].append(window)
    return [
        Words(
            [{name: values[window] for name, values in found.items()} for window in inside],
            word_places([found.word_ids(window) for window in inside], len(words)),
            shape_features(words),
        )
        for words, inside in zip(texts, windows, strict=True)
    ]


def word_places(windows: Sequence[Sequence[int | None]], n_words: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(n_words, 2): where each word's first token stands, in the window where it is farthest from the ends; `windows` has the word of every token.

    A window may begin inside a word; but there it is as near to an end as can be, and an earlier window has the word's beginning.
    """
    places = np.full((n_words, 2), -1)
    room = np.full(n_words, -1)
    for window, words in enumerate(windows):
        for position, (before, word) in enumerate(zip([None, *words], words, strict=False)):
            inside = min(position, len(words) - 1 - position)
            if word is not None and word != before and inside > room[word]:
                places[word], room[word] = (window, position), inside
    return places


def load_word_tokenizer(name: str) -> Any:
    """A tokenizer that says of each token which word it belongs to."""
    tokenizer = pretrained.load(
        AutoTokenizer, name, add_prefix_space=True
    )  # byte-level ones know a word by the space before it
    if not tokenizer.is_fast:
        raise InputError(
            f"model {name}: its tokenizer cannot tell which word a token belongs to; choose a model with a fast tokenizer"
        )
    tokenizer.padding_side = "right"
    return tokenizer


def token_states(backbone: Any, layers: Sequence[int], features: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n, length, dim): the mean of these hidden layers, at length 1."""
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
    """(n_words, dim + N_SHAPES) of each content: the hidden state of a word's first token, zeros where it has none, and the word's shape.

    Its bits do not depend on the other contents.
    """
    device = next(backbone.parameters()).device
    backbone.eval()

    def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        return token_states(backbone, layers, {name: values.to(device) for name, values in batch.items()})

    for start in range(0, len(contents), CHUNK):
        rows = encode_words(tokenizer, contents[start : start + CHUNK], longest)
        states = iter(
            run_fixed(
                [window for row in rows for window in row.windows], tokenizer, longest, batch_size, forward, title
            )
        )
        for row in rows:
            own = [next(states) for _ in row.windows]
            vectors = np.stack([own[window][position] * (window >= 0) for window, position in row.places])
            yield np.hstack([vectors, row.shapes])


class TaggedText(Headed):
    """`head(mean of hidden layers, at length 1; shape)` of every token; that of a word's first one counts."""

    def __init__(self, backbone: Any, layers: Sequence[int], n_outputs: int) -> None:
        super().__init__(backbone, backbone.config.hidden_size + N_SHAPES, n_outputs)
        self.layers = layers

    def forward(
        self, shapes: torch.Tensor, labels: torch.Tensor | None = None, **features: torch.Tensor
    ) -> TokenClassifierOutput:
        logits = self.head(torch.cat([token_states(self.backbone, self.layers, features), shapes], dim=-1))
        return TokenClassifierOutput(
            loss=None if labels is None else F.cross_entropy(logits.flatten(0, 1), labels.flatten()), logits=logits
        )

    @classmethod
    def load(cls, folder: Path, layers: Sequence[int]) -> "TaggedText":
        state = load_file(folder / HEAD)
        model = cls(pretrained.load(AutoModel, str(folder), use_safetensors=True), layers, len(state["bias"]))
        model.head.load_state_dict(state)
        return model
