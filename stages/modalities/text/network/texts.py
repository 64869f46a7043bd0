"""The model of whole texts and pairs of texts that is fine-tuned: a linear head on a mean-pooled transformer."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers.modeling_outputs import SequenceClassifierOutput

from stages.modalities.text.network.backbone import (
    Headed,
    load_backbone,
    load_head,
)

PAIR_PARTS = 4  # vectors that `pooled` joins for a pair


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(n, length, dim) -> (n, dim): the mean over real tokens, at length 1 (Reimers & Gurevych 2019)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


def pooled(backbone: Any, features: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """(n, length) tokens of texts -> (n, dim); (n, 2, length) tokens of pairs -> (n, 4 * dim). Vectors of length 1.

    The vector of a pair joins both sides, their product and their absolute difference (Reimers & Gurevych 2019).
    """
    if features["input_ids"].dim() == 2:
        return mean_pool(backbone(**features).last_hidden_state, features["attention_mask"])
    # The Trainer adds a number to the features, `num_items_in_batch`.
    flat = {name: values.flatten(0, 1) for name, values in features.items() if values.dim() == 3}
    vectors = mean_pool(backbone(**flat).last_hidden_state, flat["attention_mask"])
    one, other = vectors[0::2], vectors[1::2]
    # Scaled to about length 1, so that a probe's regularisation affects all four parts alike.
    product = one * other * one.shape[1] ** 0.5
    return F.normalize(torch.cat([one, other, product, (one - other).abs()], dim=1))


class PooledText(Headed):
    """A linear head on the mean of the last hidden states, at length 1; for pairs on the parts that `pooled` joins."""

    def __init__(self, backbone: Any, n_outputs: int, n_sides: int = 1) -> None:
        super().__init__(backbone, backbone.config.hidden_size * (1 if n_sides == 1 else PAIR_PARTS), n_outputs)

    def pool(self, **features: torch.Tensor) -> torch.Tensor:
        """What the head reads, (n, dim): the vector of each text or pair."""
        return pooled(self.backbone, features)

    def forward(self, labels: torch.Tensor | None = None, **features: torch.Tensor) -> SequenceClassifierOutput:
        logits = self.head(self.pool(**features))
        loss = None if labels is None else F.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    @classmethod
    def load(cls, folder: Path) -> "PooledText":
        state = load_head(folder)
        backbone = load_backbone(str(folder))
        n_sides = 1 if state["weight"].shape[1] == backbone.config.hidden_size else 2
        model = cls(backbone, len(state["bias"]), n_sides)
        model.head.load_state_dict(state)
        return model


def collator(tokenizer: Any) -> Callable[[list[dict[str, Any]]], dict[str, Any]]:
    """A function that makes a batch of rows with `sides` and `labels`, padded to the longest side."""

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        n_sides = len(rows[0]["sides"])
        batch = tokenizer.pad([side for row in rows for side in row["sides"]], return_tensors="pt")
        if n_sides > 1:
            batch = {name: values.unflatten(0, (len(rows), n_sides)) for name, values in batch.items()}
        return {**batch, "labels": torch.tensor([row["labels"] for row in rows])}

    return collate
