"""Shared by models of whole texts and of words: the pretrained backbone, batches of fixed shapes, and a linear head."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoModel

from stages.core.errors import InputError
from stages.models import pretrained
from stages.models.batches import run_by_shape

HEAD = "head.safetensors"


def check_length(config: Any, max_length: int, key: str) -> None:
    """Checks that the model has positions for `max_length` tokens.

    Raises:
        InputError: it has fewer.
    """
    longest = getattr(config, "max_position_embeddings", max_length)
    if max_length > longest:
        raise InputError(f"{key}: {max_length}, but the model takes {longest} tokens at most; give {longest} or less")


def bucket(length: int) -> int:
    """The padded length of `length` tokens: the next multiple of 8, of 16 from 128 tokens on, of 32 from 256 on..."""
    step = max(8, 2 ** (length.bit_length() - 4))  # few lengths, so that rows share batches, but little padding
    return int(-(-length // step) * step)


def run_fixed(
    rows: Sequence[dict[str, Any]],
    tokenizer: Any,
    longest: int,
    batch_size: int,
    forward: Callable[[dict[str, torch.Tensor]], torch.Tensor],
    title: str,
) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """The output of `forward` for each tokenised row. The padded length of a row depends on that row alone."""

    def run(batch: list[dict[str, Any]], length: int) -> torch.Tensor:
        return forward(dict(tokenizer.pad(batch, padding="max_length", max_length=length, return_tensors="pt")))

    lengths = [min(bucket(len(row["input_ids"])), longest) for row in rows]
    return run_by_shape(lengths, batch_size, rows.__getitem__, run, title)


@dataclass(frozen=True)
class Head:
    """The initial weights of a head."""

    weight: torch.Tensor  # (n_outputs, dim)
    bias: torch.Tensor  # (n_outputs,)

    @classmethod
    def of(cls, weights: np.ndarray[Any, np.dtype[np.float64]], bias: np.ndarray[Any, np.dtype[np.float64]]) -> "Head":
        return cls(torch.from_numpy(weights).float(), torch.from_numpy(bias).float())


class Headed(torch.nn.Module):
    """A backbone with a linear head, which is saved to a file of its own."""

    def __init__(self, backbone: Any, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.config = backbone.config  # the Trainer reads it
        self.backbone = backbone
        self.head = torch.nn.Linear(n_inputs, n_outputs)

    def start_head(self, head: Head) -> None:
        with torch.no_grad():
            self.head.weight.copy_(head.weight)
            self.head.bias.copy_(head.bias)

    def save(self, folder: Path) -> None:
        self.backbone.save_pretrained(folder)
        save_file({name: values.contiguous() for name, values in self.head.state_dict().items()}, folder / HEAD)


def freeze(backbone: Any, n_layers: int) -> None:
    """Freezes the lowest layers (Lee, Tang & Lin 2019).

    The embeddings, with all other weights before the first layer, count as one layer.

    Raises:
        InputError: the model has fewer layers.
    """
    layers = layers_of(backbone)
    if n_layers > 1 + len(layers):
        raise InputError(
            f"finetune.text.frozen_layers: {n_layers}, but the model has {len(layers)} layers and its embeddings; "
            f"give at most {1 + len(layers)}"
        )
    if n_layers:
        trained = {id(weights) for layer in layers[n_layers - 1 :] for weights in layer.parameters()}
        for weights in takewhile(lambda weights: id(weights) not in trained, backbone.parameters()):
            weights.requires_grad = False


def layers_of(backbone: Any) -> torch.nn.ModuleList:
    """The transformer's layers: its longest ModuleList; empty if it has none."""
    lists = (module for module in backbone.modules() if isinstance(module, torch.nn.ModuleList))
    return max(lists, key=len, default=torch.nn.ModuleList())


def load_layers(name: str, n_layers: int, key: str, **config: Any) -> Any:
    """The pretrained model with its lowest `n_layers` layers only; `key` of params.yaml gave that number.

    Raises:
        InputError: the model has fewer layers.
    """
    backbone = pretrained.load(AutoModel, name, use_safetensors=True, **config)
    layers = layers_of(backbone)
    if n_layers > len(layers):
        raise InputError(f"{key}: {n_layers}, but the model has {len(layers)} layers; give at most {len(layers)}")
    del layers[n_layers:]
    backbone.config.num_hidden_layers = n_layers
    return backbone
