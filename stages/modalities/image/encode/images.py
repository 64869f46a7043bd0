"""The frozen vision model that embeds images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoImageProcessor, AutoModel

from stages.core.errors import InputError
from stages.core.tables import Vectors
from stages.modalities.image.network.frontend import ImageFrontend
from stages.models import pretrained
from stages.models.batches import run
from stages.models.network import run_with


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

        def forward(batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
            output = self.model(**batch)
            pooled = getattr(output, "pooler_output", None) if self.has_pooler else None
            vectors = output.last_hidden_state.mean(1) if pooled is None else pooled.flatten(1)
            return F.normalize(vectors)

        frontend = ImageFrontend(self.processor)
        return np.stack(run(run_with(self.model, forward), frontend, contents, batch_size, "embed"))
