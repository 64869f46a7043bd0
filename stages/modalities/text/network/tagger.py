"""Models of the words of a text, for tags: their vectors, and the tagger that is fine-tuned."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from transformers.modeling_outputs import TokenClassifierOutput

from stages.modalities.text.network.backbone import Headed, load_backbone, load_head
from stages.modalities.text.network.words import N_SHAPES, WordFrontend, shape_features
from stages.models.batches import run
from stages.models.network import run_with

ROWS = 4_000  # texts whose hidden states are in memory at a time


def token_states(backbone: Any, layers: Sequence[int], features: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n, length, dim): the mean of the given hidden layers, at length 1."""
    states = backbone(**features, output_hidden_states=True).hidden_states
    return F.normalize(torch.stack([states[layer] for layer in layers]).mean(dim=0), dim=-1)


def word_vectors(
    backbone: Any,
    layers: Sequence[int],
    tokenizer: Any,
    contents: Sequence[str],
    longest: int,
    batch_size: int,
    title: str,
) -> Iterator[npt.NDArray[np.float32]]:
    """(n_words, dim + N_SHAPES) per content: the hidden state of each word's first token, and the shape features.

    The state is zero for a word without a token. The bits of a content do not depend on the other contents.
    """

    def states(batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return token_states(backbone, layers, {name: values for name, values in batch.items() if name != "shapes"})

    network, frontend = run_with(backbone, states), WordFrontend(tokenizer, longest)
    for start in range(0, len(contents), ROWS):
        rows = contents[start : start + ROWS]
        for content, vectors in zip(rows, run(network, frontend, rows, batch_size, title), strict=True):
            yield np.hstack([vectors, shape_features(content.split(" "))])


class TaggedText(Headed):
    """A linear head on the mean of hidden layers, at length 1, and on shape features.

    The logits of a word are those of its first token.
    """

    def __init__(self, backbone: Any, layers: Sequence[int], n_outputs: int) -> None:
        super().__init__(backbone, backbone.config.hidden_size + N_SHAPES, n_outputs)
        self.layers = layers

    def forward(
        self, shapes: torch.Tensor, labels: torch.Tensor | None = None, **features: torch.Tensor
    ) -> TokenClassifierOutput:
        logits = self.head(torch.cat([token_states(self.backbone, self.layers, features), shapes], dim=-1))
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1), labels.flatten())
        return TokenClassifierOutput(loss=loss, logits=logits)

    @classmethod
    def load(cls, folder: Path, layers: Sequence[int]) -> "TaggedText":
        state = load_head(folder)
        model = cls(load_backbone(str(folder)), layers, len(state["bias"]))
        model.head.load_state_dict(state)
        return model
