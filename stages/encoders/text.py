"""Transformers on texts: the frozen encoder, the mean-pooled head that is fine-tuned on it, and batches that give the same bits whatever rows stand in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer
from transformers.modeling_outputs import SequenceClassifierOutput

from stages import pretrained
from stages.contracts import Vectors
from stages.errors import InputError

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


def bucket(length: int) -> int:
    """The length that a row of `length` tokens is padded to: the next multiple of 8, and of an eighth from 128 on."""
    step = max(8, 2 ** (length.bit_length() - 4))  # few enough lengths to share batches, close enough to waste little
    return int(-(-length // step) * step)


def fixed_batches(lengths: Sequence[int], longest: int, batch_size: int) -> Iterator[tuple[list[int], int]]:
    """Row numbers and the length to pad them to: a row's bucket depends on its own length alone."""
    buckets: dict[int, list[int]] = {}
    for row, length in enumerate(lengths):
        buckets.setdefault(min(bucket(length), longest), []).append(row)
    for padded, rows in sorted(buckets.items()):
        for start in range(0, len(rows), batch_size):
            yield rows[start : start + batch_size], padded


def run_fixed(
    texts: Sequence[str], tokenizer: Any, longest: int, batch_size: int, forward: Callable[[dict[str, torch.Tensor]], torch.Tensor], title: str
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(n_rows, n_outputs): `forward` over batches of one shape a bucket.

    Kernels choose their order of summation by shape, so equal shapes (a short last batch is filled up) give equal bits.
    """
    encoded = tokenizer(list(texts), truncation=True, max_length=longest)
    batches = list(fixed_batches([len(ids) for ids in encoded["input_ids"]], longest, batch_size))
    outputs: dict[int, np.ndarray[Any, np.dtype[np.float32]]] = {}
    with torch.inference_mode(), tqdm(total=len(texts), desc=title, unit=" rows", disable=None) as progress:
        for rows, length in batches:
            filled = rows + rows[:1] * (batch_size - len(rows))
            features = {name: [values[row] for row in filled] for name, values in encoded.items()}
            batch = tokenizer.pad(features, padding="max_length", max_length=length, return_tensors="pt")
            result = forward(dict(batch))[: len(rows)].float().cpu().numpy()
            outputs.update(zip(rows, result, strict=True))
            progress.update(len(rows))
    return np.stack([outputs[row] for row in range(len(texts))])


@dataclass(frozen=True)
class TextEncoder:
    model: Any
    tokenizer: Any
    max_length: int

    @classmethod
    def load(cls, name: str, max_length: int) -> "TextEncoder":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = pretrained.load(AutoModel, name, use_safetensors=True).eval().to(device)
        check_length(model.config, max_length, "embed.text.max_length")
        return cls(model, pretrained.load(AutoTokenizer, name), max_length)

    def embed(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1."""

        def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
            batch = {name: values.to(self.model.device) for name, values in batch.items()}
            return mean_pool(self.model(**batch).last_hidden_state, batch["attention_mask"])

        return run_fixed(texts, self.tokenizer, self.max_length, batch_size, forward, "embed")


@dataclass(frozen=True)
class Head:
    """The first state of a head; `weight` is (n_outputs, dim), `bias` is (n_outputs,)."""

    weight: torch.Tensor
    bias: torch.Tensor


class PooledText(torch.nn.Module):
    """`head(mean of the last hidden states, at length 1)`."""

    def __init__(self, backbone: Any, n_outputs: int) -> None:
        super().__init__()
        self.config = backbone.config  # the Trainer asks for it
        self.backbone = backbone
        self.head = torch.nn.Linear(backbone.config.hidden_size, n_outputs)

    def forward(self, labels: torch.Tensor | None = None, **features: torch.Tensor) -> SequenceClassifierOutput:
        hidden = self.backbone(**features).last_hidden_state
        logits = self.head(mean_pool(hidden, features["attention_mask"]))
        return SequenceClassifierOutput(loss=None if labels is None else F.cross_entropy(logits, labels), logits=logits)

    def start_head(self, head: Head) -> None:
        with torch.no_grad():
            self.head.weight.copy_(head.weight)
            self.head.bias.copy_(head.bias)

    def save(self, folder: Path) -> None:
        self.backbone.save_pretrained(folder)
        save_file({name: values.contiguous() for name, values in self.head.state_dict().items()}, folder / HEAD)

    @classmethod
    def load(cls, folder: Path) -> "PooledText":
        state = load_file(folder / HEAD)
        model = cls(pretrained.load(AutoModel, str(folder), use_safetensors=True), len(state["bias"]))
        model.head.load_state_dict(state)
        return model


def freeze(backbone: Any, n_layers: int) -> None:
    """Keeps the lowest layers as they are; the embeddings, and all else that stands before the first layer, count as one (Lee, Tang & Lin 2019)."""
    layers = max((module for module in backbone.modules() if isinstance(module, torch.nn.ModuleList)), key=len, default=torch.nn.ModuleList())
    if n_layers > 1 + len(layers):
        raise InputError(f"finetune.text.frozen_layers: {n_layers}, but the model has {len(layers)} layers and its embeddings; give at most {1 + len(layers)}")
    if n_layers:
        trained = {id(weights) for layer in layers[n_layers - 1 :] for weights in layer.parameters()}
        for weights in takewhile(lambda weights: id(weights) not in trained, backbone.parameters()):
            weights.requires_grad = False


def probe_head(model: PooledText, tokenizer: Any, rows: Sequence[Mapping[str, Any]], batch_size: int, C: float) -> Head:
    """A logistic regression on the backbone's own vectors of encoded rows and their `labels` (LP-FT: Kumar et al. 2022)."""
    from stages.probe import fit_probe

    device = "cuda" if torch.cuda.is_available() else "cpu"
    backbone = model.backbone.eval().to(device)
    by_length = sorted(range(len(rows)), key=lambda row: len(rows[row]["input_ids"]))
    vectors = np.empty((len(rows), model.head.in_features), dtype=np.float32)
    with torch.inference_mode():
        for start in tqdm(range(0, len(rows), batch_size), desc="probe", unit=" batches", disable=None):
            chosen = by_length[start : start + batch_size]
            batch = tokenizer.pad([rows[row] for row in chosen], return_tensors="pt").to(device)
            features = {name: values for name, values in batch.items() if name != "labels"}
            vectors[chosen] = mean_pool(backbone(**features).last_hidden_state, batch["attention_mask"]).cpu().numpy()
    probe = fit_probe(vectors, np.array([row["labels"] for row in rows], dtype=np.int64), model.head.out_features, C)
    return Head(torch.from_numpy(probe.weights).float(), torch.from_numpy(probe.bias).float())
