"""A bare text backbone with a mean-pooled linear head: the pooling that sentence encoders were trained with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput

from stages import pretrained
from stages.text_encoder import TextEncoder, mean_pool

HEAD = "head.safetensors"


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


def probe_head(model: PooledText, tokenizer: Any, texts: Sequence[str], classes: Sequence[int], max_length: int, batch_size: int, C: float) -> Head:
    """A logistic regression on the backbone's own vectors of the training rows (LP-FT: Kumar et al. 2022)."""
    import numpy as np

    from stages.probe import fit_probe

    vectors = TextEncoder(model.backbone.eval(), tokenizer, max_length).embed(texts, batch_size)
    probe = fit_probe(vectors, np.array(classes, dtype=np.int64), model.head.out_features, C)
    return Head(torch.from_numpy(probe.weights).float(), torch.from_numpy(probe.bias).float())
