"""Transformers on texts: the frozen encoder, the mean-pooled head that is fine-tuned on it, and batches that give the same bits whatever rows stand in them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput, TokenClassifierOutput

from stages import pretrained
from stages.contracts import Learnable, Vectors
from stages.errors import InputError
from stages.fixed_shapes import run_by_shape

HEAD = "head.safetensors"


def check_length(config: Any, max_length: int, key: str) -> None:
    """
    Raises:
        InputError: the model has no positions for so many tokens.
    """
    longest = getattr(config, "max_position_embeddings", max_length)
    if max_length > longest:
        raise InputError(f"{key}: {max_length}, but the model takes {longest} tokens at most; give {longest} or less")


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(n, length, dim) -> (n, dim): the mean over real tokens, at length 1 (Reimers & Gurevych 2019)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


PAIR_PARTS = 4


def combined(vectors: torch.Tensor, n_sides: int) -> torch.Tensor:
    """(n * n_sides, dim) -> (n, dim), or of pairs (n, 4 * dim): both sides, what they share and where they differ, at length 1 (Reimers & Gurevych 2019)."""
    if n_sides == 1:
        return vectors
    one, other = vectors[0::2], vectors[1::2]
    shared = one * other * vectors.shape[1] ** 0.5  # as long as the others: a probe's regularisation weighs all four alike
    return F.normalize(torch.cat([one, other, shared, (one - other).abs()], dim=1))


def bucket(length: int) -> int:
    """The length that a row of `length` tokens is padded to: the next multiple of 8, and of an eighth from 128 on."""
    step = max(8, 2 ** (length.bit_length() - 4))  # few enough lengths to share batches, close enough to waste little
    return int(-(-length // step) * step)


def encode(tokenizer: Any, contents: Sequence[str], longest: int, together: bool = False) -> list[list[dict[str, Any]]]:
    """What the model takes of each content: of a text one side, of a pair two, which are its lines, or with `together` one that holds both."""
    sides = [content.split("\n") for content in contents]
    texts = list(zip(*sides, strict=True)) if together else [[side for row in sides for side in row]]
    found = tokenizer(*map(list, texts), truncation=True, max_length=longest)
    features = iter([dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)])
    return [[next(features) for _ in (row[:1] if together else row)] for row in sides]


def run_fixed(
    rows: Sequence[dict[str, Any]], tokenizer: Any, longest: int, batch_size: int, forward: Callable[[dict[str, torch.Tensor]], torch.Tensor], title: str
) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """What `forward` gives for each encoded row; a row's bucket depends on its own length alone."""

    def run(batch: list[dict[str, Any]], length: int) -> torch.Tensor:
        return forward(dict(tokenizer.pad(batch, padding="max_length", max_length=length, return_tensors="pt")))

    return run_by_shape([min(bucket(len(row["input_ids"])), longest) for row in rows], batch_size, rows.__getitem__, run, title)


@dataclass(frozen=True)
class TextEncoder:
    model: Any
    tokenizer: Any
    max_length: int

    @classmethod
    def load(cls, name: str, max_length: int) -> "TextEncoder":
        model = pretrained.load(AutoModel, name, use_safetensors=True).eval().to(pretrained.device())
        check_length(model.config, max_length, "embed.text.max_length")
        return cls(model, pretrained.load(AutoTokenizer, name), max_length)

    def embed(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1."""

        def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
            batch = {name: values.to(self.model.device) for name, values in batch.items()}
            return mean_pool(self.model(**batch).last_hidden_state, batch["attention_mask"])

        rows = encode(self.tokenizer, texts, self.max_length)
        vectors = run_fixed([side for row in rows for side in row], self.tokenizer, self.max_length, batch_size, forward, "embed")
        return combined(torch.from_numpy(np.stack(vectors)), len(rows[0])).numpy()


@dataclass(frozen=True)
class Head:
    """The first state of a head; `weight` is (n_outputs, dim), `bias` is (n_outputs,)."""

    weight: torch.Tensor
    bias: torch.Tensor

    @classmethod
    def of(cls, weights: np.ndarray[Any, np.dtype[np.float64]], bias: np.ndarray[Any, np.dtype[np.float64]]) -> "Head":
        return cls(torch.from_numpy(weights).float(), torch.from_numpy(bias).float())


class Headed(torch.nn.Module):
    """A backbone with a linear head, saved beside it."""

    def __init__(self, backbone: Any, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.config = backbone.config  # the Trainer asks for it
        self.backbone = backbone
        self.head = torch.nn.Linear(n_inputs, n_outputs)

    def start_head(self, head: Head) -> None:
        with torch.no_grad():
            self.head.weight.copy_(head.weight)
            self.head.bias.copy_(head.bias)

    def save(self, folder: Path) -> None:
        self.backbone.save_pretrained(folder)
        save_file({name: values.contiguous() for name, values in self.head.state_dict().items()}, folder / HEAD)


class PooledText(Headed):
    """`head(mean of the last hidden states, at length 1)`; of a pair, `head(combined means)`, the sides of row 1, then those of row 2..."""

    def __init__(self, backbone: Any, n_outputs: int, n_sides: int = 1) -> None:
        super().__init__(backbone, backbone.config.hidden_size * (1 if n_sides == 1 else PAIR_PARTS), n_outputs)
        self.n_sides = n_sides

    def pool(self, **features: torch.Tensor) -> torch.Tensor:
        """(n, dim): the vector of each side."""
        return mean_pool(self.backbone(**features).last_hidden_state, features["attention_mask"])

    def forward(self, labels: torch.Tensor | None = None, **features: torch.Tensor) -> SequenceClassifierOutput:
        logits = self.head(combined(self.pool(**features), self.n_sides))
        return SequenceClassifierOutput(loss=None if labels is None else F.cross_entropy(logits, labels), logits=logits)

    @classmethod
    def load(cls, folder: Path) -> "PooledText":
        state = load_file(folder / HEAD)
        backbone = pretrained.load(AutoModel, str(folder), use_safetensors=True)
        model = cls(backbone, len(state["bias"]), 1 if state["weight"].shape[1] == backbone.config.hidden_size else 2)
        model.head.load_state_dict(state)
        return model


def freeze(backbone: Any, n_layers: int) -> None:
    """Keeps the lowest layers as they are; the embeddings, and all else that stands before the first layer, count as one (Lee, Tang & Lin 2019)."""
    layers = layers_of(backbone)
    if n_layers > 1 + len(layers):
        raise InputError(f"finetune.text.frozen_layers: {n_layers}, but the model has {len(layers)} layers and its embeddings; give at most {1 + len(layers)}")
    if n_layers:
        trained = {id(weights) for layer in layers[n_layers - 1 :] for weights in layer.parameters()}
        for weights in takewhile(lambda weights: id(weights) not in trained, backbone.parameters()):
            weights.requires_grad = False


def layers_of(backbone: Any) -> torch.nn.ModuleList:
    return max((module for module in backbone.modules() if isinstance(module, torch.nn.ModuleList)), key=len, default=torch.nn.ModuleList())


def collator(tokenizer: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """Makes a batch of `sides` and `labels`, padded to its longest side."""

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        batch = tokenizer.pad([side for row in rows for side in row["sides"]], return_tensors="pt")
        return {**batch, "labels": torch.tensor([row["labels"] for row in rows])}

    return collate


def run_model(model: Any, tokenizer: Any, contents: Sequence[str], longest: int, batch_size: int, together: bool) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(n_rows, n_outputs): the logits; a row's bits do not depend on the other rows."""
    device = next(model.parameters()).device
    model.eval()
    rows = encode(tokenizer, contents, longest, together)
    pairs = len(rows[0]) == 2

    def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        batch = {name: values.to(device) for name, values in batch.items()}
        outputs: torch.Tensor = model.pool(**batch) if pairs else model(**batch).logits
        return outputs

    found = np.stack(run_fixed([side for row in rows for side in row], tokenizer, longest, batch_size, forward, "predict"))
    if not pairs:
        return found
    vectors = combined(torch.from_numpy(found), 2).to(device)
    with torch.inference_mode():  # one row at a time: equal shapes give equal bits
        return np.concatenate([model.head(vectors[row : row + 1]).cpu().numpy() for row in range(len(rows))])


def probe_head(model: PooledText, tokenizer: Any, rows: Sequence[Mapping[str, Any]], batch_size: int, objective: Learnable, C: float) -> Head:
    """A linear model of the backbone's own vectors of encoded rows (`sides`, `labels`), where the head starts (LP-FT: Kumar et al. 2022)."""
    model.eval().to(pretrained.device())
    sides = [side for row in rows for side in row["sides"]]
    by_length = sorted(range(len(sides)), key=lambda side: len(sides[side]["input_ids"]))
    vectors = np.empty((len(sides), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for start in tqdm(range(0, len(sides), batch_size), desc="probe", unit=" batches", disable=None):
            chosen = by_length[start : start + batch_size]
            batch = tokenizer.pad([sides[side] for side in chosen], return_tensors="pt").to(model.head.weight.device)
            vectors[chosen] = model.pool(**batch).cpu().numpy()
    whole = combined(torch.from_numpy(vectors), model.n_sides).numpy()
    return Head.of(*objective.first_head(whole, [row["labels"] for row in rows], C))


# --- texts by token: what a person calls a token is a word here, as the model has tokens of its own ---

CHUNK = 4_000  # texts whose hidden states are held at a time
SHAPES = ("lower", "title", "upper", "letter", "mixed", "digits", "letters and digits", "sign", "user", "hashtag", "link", "other", "outside")
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
    places: np.ndarray[Any, np.dtype[np.int64]]  # (n_words, 2): the window and position of each word's first token; -1 where it has none
    shapes: np.ndarray[Any, np.dtype[np.float32]]  # (n_words, N_SHAPES)


def encode_words(tokenizer: Any, contents: Sequence[str], longest: int) -> list[Words]:
    """Contents with a space between words; windows overlap by a quarter."""
    texts = [content.split(" ") for content in contents]
    found = tokenizer(texts, is_split_into_words=True, truncation=True, max_length=longest, stride=longest // 4, return_overflowing_tokens=True)
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


def load_layers(name: str, n_layers: int, key: str, **config: Any) -> Any:
    """The pretrained model without the layers above the lowest `n_layers`.

    Raises:
        InputError: it has fewer.
    """
    backbone = pretrained.load(AutoModel, name, use_safetensors=True, **config)
    layers = layers_of(backbone)
    if n_layers > len(layers):
        raise InputError(f"{key}: {n_layers}, but the model has {len(layers)} layers; give at most {len(layers)}")
    del layers[n_layers:]
    backbone.config.num_hidden_layers = n_layers
    return backbone


def load_word_tokenizer(name: str) -> Any:
    """A tokenizer that says of each token which word it belongs to."""
    tokenizer = pretrained.load(AutoTokenizer, name, add_prefix_space=True)  # byte-level ones know a word by the space before it
    if not tokenizer.is_fast:
        raise InputError(f"model {name}: its tokenizer cannot tell which word a token belongs to; choose a model with a fast tokenizer")
    tokenizer.padding_side = "right"
    return tokenizer


def token_states(backbone: Any, layers: Sequence[int], features: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n, length, dim): the mean of these hidden layers, at length 1."""
    states = backbone(**features, output_hidden_states=True).hidden_states
    return F.normalize(torch.stack([states[layer] for layer in layers]).mean(dim=0), dim=-1)


def word_vectors(
    backbone: Any, layers: Sequence[int], tokenizer: Any, contents: Sequence[str], longest: int, batch_size: int, title: str
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
        states = iter(run_fixed([window for row in rows for window in row.windows], tokenizer, longest, batch_size, forward, title))
        for row in rows:
            own = [next(states) for _ in row.windows]
            vectors = np.stack([own[window][position] * (window >= 0) for window, position in row.places])
            yield np.hstack([vectors, row.shapes])


class TaggedText(Headed):
    """`head(mean of hidden layers, at length 1; shape)` of every token; that of a word's first one counts."""

    def __init__(self, backbone: Any, layers: Sequence[int], n_outputs: int) -> None:
        super().__init__(backbone, backbone.config.hidden_size + N_SHAPES, n_outputs)
        self.layers = layers

    def forward(self, shapes: torch.Tensor, labels: torch.Tensor | None = None, **features: torch.Tensor) -> TokenClassifierOutput:
        logits = self.head(torch.cat([token_states(self.backbone, self.layers, features), shapes], dim=-1))
        return TokenClassifierOutput(loss=None if labels is None else F.cross_entropy(logits.flatten(0, 1), labels.flatten()), logits=logits)

    @classmethod
    def load(cls, folder: Path, layers: Sequence[int]) -> "TaggedText":
        state = load_file(folder / HEAD)
        model = cls(pretrained.load(AutoModel, str(folder), use_safetensors=True), layers, len(state["bias"]))
        model.head.load_state_dict(state)
        return model
