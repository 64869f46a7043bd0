"""The layers of a transformer."""

from itertools import takewhile
from typing import Any

import torch

from stages.core.errors import InputError


def freeze(backbone: Any, n_layers: int, key: str) -> None:
    """Freezes the lowest layers (Lee, Tang & Lin 2019).

    The embeddings, with all other weights before the first layer, count as one layer.

    Args:
        key: of params.yaml, for messages.

    Raises:
        InputError: the model has fewer layers.
    """
    layers = layers_of(backbone)
    if n_layers > 1 + len(layers):
        raise InputError(
            f"{key}: {n_layers}, but the model has {len(layers)} layers and its embeddings; "
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
