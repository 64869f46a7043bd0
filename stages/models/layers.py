"""The layers of a pretrained model, and those that are not trained."""

from itertools import takewhile
from typing import Any

import torch

from stages.core.errors import InputError


def layers_of(backbone: Any) -> torch.nn.ModuleList:
    """The model's layers: its longest ModuleList that is in no other one; empty if it has none.

    In a hierarchical vision model, the list of its stages holds lists of layers, and a stage counts as one layer.
    """
    lists = [module for module in backbone.modules() if isinstance(module, torch.nn.ModuleList)]
    inner = {id(part) for one in lists for part in one.modules() if part is not one}
    return max((one for one in lists if id(one) not in inner), key=len, default=torch.nn.ModuleList())


def freeze(backbone: Any, n_layers: int, key: str) -> None:
    """Freezes the lowest layers (Lee, Tang & Lin 2019); `key` of params.yaml gave their number.

    The embeddings, with all other weights before the first layer, count as one layer.

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


def freeze_statistics(model: torch.nn.Module) -> None:
    """Batch normalisation goes on with the means and variances of pretraining: those of a small batch are noise."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
            # The Trainer calls `train` of the model, and so of every module, before each step.
            module.train = lambda mode=True, module=module: module  # type: ignore[method-assign, misc]
