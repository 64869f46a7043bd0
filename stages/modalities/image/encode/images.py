"""Runs vision models so that the bits of a row's output do not depend on the other rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from transformers import AutoImageProcessor, AutoModel

from stages.core.errors import InputError
from stages.core.tables import Vectors
from stages.modalities.image.content import decode
from stages.models import pretrained
from stages.models.batches import run_by_shape


def pixel_values(processor: Any, images: Sequence[Image.Image]) -> torch.Tensor:
    """The input of a model, (n_rows, channels, height, width), with the channels innermost in memory.

    On a CPU, convolutions read it so in two thirds of the time.
    """
    values: torch.Tensor = processor(list(images), return_tensors="pt")["pixel_values"]
    return values.contiguous(memory_format=torch.channels_last)


def run_fixed(
    contents: Sequence[bytes],
    processor: Any,
    batch_size: int,
    forward: Callable[[torch.Tensor], torch.Tensor],
    title: str,
) -> npt.NDArray[np.float32]:
    """(n_rows, n_outputs): the output of `forward` for each row."""

    def run(images: list[Image.Image], side: int) -> torch.Tensor:
        return forward(pixel_values(processor, images))

    one_shape = [0] * len(contents)  # the processor resizes all images to one size
    return np.stack(run_by_shape(one_shape, batch_size, lambda row: decode(contents[row]), run, title))


def check_reads_images(name: str, model: Any) -> None:
    """
    Raises:
        InputError: the model reads something else.
    """
    if model.main_input_name != "pixel_values":
        raise InputError(f"model {name}: reads {model.main_input_name} and no images; choose a model of images")


@dataclass(frozen=True)
class ImageEncoder:
    """A frozen vision model."""

    model: Any
    processor: Any
    has_pooler: bool = True  # False if the weights of the pooler are random

    @classmethod
    def load(cls, name: str) -> "ImageEncoder":
        loaded = pretrained.load_weights(AutoModel, name)
        model = getattr(loaded.model, "vision_model", loaded.model)  # of CLIP and its kind, which read texts too
        check_reads_images(name, model)
        processor = pretrained.load(AutoImageProcessor, name, backend="pil")
        return cls(model.eval().to(pretrained.device()), processor, loaded.has_pooler)

    def embed(self, contents: Sequence[bytes], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, of length 1: the model's pooled output, or the mean of its last hidden states."""

        def forward(images: torch.Tensor) -> torch.Tensor:
            output = self.model(images.to(self.model.device))
            pooled = getattr(output, "pooler_output", None) if self.has_pooler else None
            vectors = output.last_hidden_state.mean(1) if pooled is None else pooled.flatten(1)
            return F.normalize(vectors)

        return run_fixed(contents, self.processor, batch_size, forward, "embed")


def run_model(model: Any, processor: Any, contents: Sequence[bytes], batch_size: int) -> npt.NDArray[np.float32]:
    """The logits, (n_rows, n_outputs). The bits of a row do not depend on the other rows."""
    model.eval()

    def forward(images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(images.to(model.device)).logits
        return logits

    return run_fixed(contents, processor, batch_size, forward, "predict")
