"""Shared by models of whole texts and of words: the pretrained backbone and a linear head."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from stages.core.errors import InputError
from stages.models import pretrained
from stages.models.layers import layers_of

HEAD = "head.safetensors"


class Headed(torch.nn.Module):
    """A backbone with a linear head, which is saved to a file of its own."""

    def __init__(self, backbone: Any, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.config = backbone.config  # the Trainer reads it
        self.backbone = backbone
        self.head = torch.nn.Linear(n_inputs, n_outputs)

    def start_head(self, weights: npt.NDArray[np.float64], bias: npt.NDArray[np.float64]) -> None:
        """
        Args:
            weights: (n_outputs, n_inputs)
            bias: (n_outputs,)
        """
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weights))
            self.head.bias.copy_(torch.from_numpy(bias))

    def save(self, folder: Path) -> None:
        self.backbone.save_pretrained(folder)
        save_file({name: values.contiguous() for name, values in self.head.state_dict().items()}, folder / HEAD)


def load_head(folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a saved head.

    Raises:
        InputError: its file is missing or damaged.
    """
    try:
        weights: dict[str, torch.Tensor] = load_file(folder / HEAD)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder / HEAD}: cannot be read ({error}); run `dvc repro finetune`") from error
    return weights


def load_backbone(name: str, **config: Any) -> Any:
    """The pretrained model of texts.

    Raises:
        InputError: it cannot be loaded, reads no texts, or is an encoder-decoder.
    """
    backbone = pretrained.load_weights(AutoModel, name, **config).model
    check_reads_texts(name, backbone)
    if backbone.config.is_encoder_decoder:
        raise InputError(
            f"model {name}: an encoder-decoder ({backbone.config.model_type}), whose hidden states are not those of "
            "the text; choose an encoder, such as a BERT, or a decoder, such as a GPT"
        )
    return backbone


def check_reads_texts(name: str, model: Any) -> None:
    """
    Raises:
        InputError: the model reads something else.
    """
    if model.main_input_name != "input_ids":
        raise InputError(f"model {name}: reads {model.main_input_name} and no texts; choose a model of texts")


def load_layers(name: str, n_layers: int, key: str, **config: Any) -> Any:
    """The pretrained model with its lowest `n_layers` layers only; `key` of params.yaml gave that number.

    Raises:
        InputError: the model has fewer layers.
    """
    backbone = load_backbone(name, **config)
    layers = layers_of(backbone)
    if n_layers > len(layers):
        raise InputError(f"{key}: {n_layers}, but the model has {len(layers)} layers; give at most {len(layers)}")
    del layers[n_layers:]
    backbone.config.num_hidden_layers = n_layers
    if kinds := getattr(backbone.config, "layer_types", None):  # the kind of attention of each layer
        backbone.config.layer_types = kinds[:n_layers]
    return backbone
