"""A frozen transformer that turns texts into vectors whose bits do not depend on the other rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm
from transformers import AutoModel, AutoTokenizer

from stages import pretrained
from stages.contracts import Vectors
from stages.length_buckets import bucket


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(n, length, dim) -> (n, dim): the mean over real tokens, at length 1 (Reimers & Gurevych 2019)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


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
        return cls(model, pretrained.load(AutoTokenizer, name), max_length)

    def embed(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1."""

        def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
            batch = {name: values.to(self.model.device) for name, values in batch.items()}
            return mean_pool(self.model(**batch).last_hidden_state, batch["attention_mask"])

        return run_fixed(texts, self.tokenizer, self.max_length, batch_size, forward, "embed")
