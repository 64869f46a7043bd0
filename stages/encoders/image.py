"""A frozen vision model that turns images into vectors whose bits do not depend on the other rows."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image
from tqdm import tqdm
from transformers import AutoImageProcessor, AutoModel

from stages import pretrained
from stages.contracts import Vectors


def decode(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def run_fixed(
    contents: Sequence[bytes], processor: Any, batch_size: int, forward: Callable[[torch.Tensor], torch.Tensor], title: str
) -> npt.NDArray[np.float32]:
    """(n_rows, n_outputs): `forward` over batches of one shape; a short last batch is filled up, as equal shapes give equal bits."""
    outputs = []
    with torch.inference_mode(), tqdm(total=len(contents), desc=title, unit=" rows", disable=None) as progress:
        for start in range(0, len(contents), batch_size):
            images = [decode(content) for content in contents[start : start + batch_size]]
            filled = images + images[:1] * (batch_size - len(images))
            outputs.append(forward(processor(filled, return_tensors="pt")["pixel_values"])[: len(images)].float().cpu().numpy())
            progress.update(len(images))
    return np.concatenate(outputs)


@dataclass(frozen=True)
class ImageEncoder:
    model: Any
    processor: Any

    @classmethod
    def load(cls, name: str) -> "ImageEncoder":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = pretrained.load(AutoModel, name, use_safetensors=True).eval().to(device)
        return cls(model, pretrained.load(AutoImageProcessor, name, backend="pil"))

    def embed(self, contents: Sequence[bytes], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1: the model's pooled output, or the mean of its last hidden states."""

        def forward(images: torch.Tensor) -> torch.Tensor:
            output = self.model(images.to(self.model.device))
            pooled = getattr(output, "pooler_output", None)
            vectors = output.last_hidden_state.mean(1) if pooled is None else pooled.flatten(1)
            return F.normalize(vectors)

        return run_fixed(contents, self.processor, batch_size, forward, "embed")


def run_model(model: Any, processor: Any, contents: Sequence[bytes], batch_size: int) -> npt.NDArray[np.float32]:
    """(n_rows, n_outputs): the logits; a row's bits do not depend on the other rows."""
    model.eval()

    def forward(images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(images.to(model.device)).logits
        return logits

    return run_fixed(contents, processor, batch_size, forward, "predict")
