"""EfficientNet-Lite0 (Tan & Le 2019, without squeeze-and-excitation) as a model of transformers.

Its package has the weights of the original, trained on ImageNet, under the names of another library.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core.atomic import write_json

if TYPE_CHECKING:
    import torch

# Names in the package -> names in transformers, without those of the blocks.
OUTSIDE = {"_conv_stem": "embeddings.convolution", "_bn0": "embeddings.batchnorm"} | {
    "_conv_head": "encoder.top_conv",
    "_bn1": "encoder.top_bn",
}
IN_BLOCK = {
    "_expand_conv": "expansion.expand_conv",
    "_bn0": "expansion.expand_bn",
    "_depthwise_conv": "depthwise_conv.depthwise_conv",
    "_bn1": "depthwise_conv.depthwise_norm",
    "_project_conv": "projection.project_conv",
    "_bn2": "projection.project_bn",
}
CONFIG = {
    "width_coefficient": 1.0,
    "depth_coefficient": 1.0,
    "hidden_dim": 1280,
    "hidden_act": "relu6",
    "image_size": 224,
    "dropout_rate": 0.0,  # fine-tuning was measured without; transformers would drop single values, not whole blocks
    "drop_connect_rate": 0.0,
    "num_labels": 1000,
}
PROCESSOR = {
    "image_processor_type": "EfficientNetImageProcessor",
    "size": {"height": 224, "width": 224},
    "resample": 3,  # bicubic
    "do_center_crop": False,
    "image_mean": [127 / 255] * 3,
    "image_std": [128 / 255] * 3,
    "include_top": False,
}
OPEN = 30.0  # in single precision, the sigmoid of it is 1


def convert(weights: Path, folder: Path) -> None:
    """Writes config.json, model.safetensors and preprocessor_config.json, always the same bytes."""
    import torch
    from safetensors.torch import save_file
    from transformers import EfficientNetConfig, EfficientNetForImageClassification

    config = EfficientNetConfig(**CONFIG, architectures=["EfficientNetForImageClassification"])
    with torch.device("meta"):  # only the shapes are needed
        needed = EfficientNetForImageClassification(config).state_dict()
    state = renamed(torch.load(weights, map_location="cpu", weights_only=True))
    tensors = {name: state[name] if name in state else of_open_gate(name, values) for name, values in needed.items()}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    config.save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", PROCESSOR)


def renamed(state: Mapping[str, Any]) -> dict[str, Any]:
    """The weights under their names in transformers."""
    names = {}
    for name in state:
        layer, _, kind = name.rpartition(".")
        if in_block := re.fullmatch(r"_blocks\.(\d+)\.(\w+)", layer):
            names[name] = f"efficientnet.encoder.blocks.{in_block[1]}.{IN_BLOCK[in_block[2]]}.{kind}"
        else:
            names[name] = f"classifier.{kind}" if layer == "_fc" else f"efficientnet.{OUTSIDE[layer]}.{kind}"
    return {names[name]: values.contiguous() for name, values in state.items()}


def of_open_gate(name: str, like: "torch.Tensor") -> "torch.Tensor":
    """A weight of squeeze-and-excitation, which EfficientNet has and its Lite variant has not: it scales by 1.

    Raises:
        KeyError: the weight belongs to something else.
    """
    import torch

    if ".squeeze_excite." not in name:
        raise KeyError(name)
    return torch.full(like.shape, OPEN if name.endswith("expand.bias") else 0.0)
