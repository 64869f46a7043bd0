"""Models of whole texts and pairs of texts: the frozen encoder, and the mean-pooled model that is fine-tuned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoModel
from transformers.modeling_outputs import SequenceClassifierOutput

from stages.core.tables import Vectors
from stages.modalities.text.encode.backbone import (
    Headed,
    check_reads_texts,
    load_backbone,
    load_head,
    run_fixed,
)
from stages.modalities.text.encode.tokenizer import check_length, load_tokenizer, try_out
from stages.models import pretrained

PAIR_PARTS = 4  # vectors that `combined` joins


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(n, length, dim) -> (n, dim): the mean over real tokens, at length 1 (Reimers & Gurevych 2019)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return F.normalize((hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9))


def combined(vectors: torch.Tensor, n_sides: int) -> torch.Tensor:
    """(n * n_sides, dim) -> (n, dim) for texts, (n, 4 * dim) for pairs, of length 1.

    The vector of a pair joins both sides, their product and their absolute difference (Reimers & Gurevych 2019).
    """
    if n_sides == 1:
        return vectors
    one, other = vectors[0::2], vectors[1::2]
    # Scaled to about length 1, so that a probe's regularisation affects all four parts alike.
    product = one * other * vectors.shape[1] ** 0.5
    return F.normalize(torch.cat([one, other, product, (one - other).abs()], dim=1))


def encode(tokenizer: Any, contents: Sequence[str], longest: int, together: bool = False) -> list[list[dict[str, Any]]]:
    """The tokenised sides of each content: one for a text, two for a pair.

    With `together` a content has one side: the tokenizer joins the two texts of a pair.
    """
    sides = [content.split("\n") for content in contents]
    if together:
        arguments = [list(texts) for texts in zip(*sides, strict=True)]  # first texts, second texts
        n_encoded = [1] * len(sides)
    else:
        arguments = [[side for row in sides for side in row]]
        n_encoded = [len(row) for row in sides]
    encoding = tokenizer(*arguments, truncation=True, max_length=longest)
    features = iter([dict(zip(encoding, values, strict=True)) for values in zip(*encoding.values(), strict=True)])
    return [list(islice(features, n)) for n in n_encoded]


@dataclass(frozen=True)
class TextEncoder:
    model: Any
    tokenizer: Any
    max_length: int

    @classmethod
    def load(cls, name: str, max_length: int) -> "TextEncoder":
        """
        Raises:
            InputError: the model cannot be loaded, reads no texts or not so long ones.
        """
        key = "embed.text.max_length"
        model = pretrained.load_weights(AutoModel, name, unused=("decoder.",)).model
        check_reads_texts(name, model)
        check_length(name, max_length, key)
        if model.config.is_encoder_decoder:
            model = model.get_encoder()
        tokenizer = load_tokenizer(name)
        encoder = cls(model.eval(), tokenizer, max_length)
        try_out(name, encoder.pool, tokenizer, max_length, key)
        model.to(pretrained.device())
        return encoder

    def pool(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """(n, dim): the vector of each tokenised text."""
        batch = {name: values.to(self.model.device) for name, values in batch.items()}
        return mean_pool(self.model(**batch).last_hidden_state, batch["attention_mask"])

    def embed(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1."""

        rows = encode(self.tokenizer, texts, self.max_length)
        sides = [side for row in rows for side in row]
        vectors = run_fixed(sides, self.tokenizer, self.max_length, batch_size, self.pool, "embed")
        return combined(torch.from_numpy(np.stack(vectors)), len(rows[0])).numpy()


class PooledText(Headed):
    """A linear head on the mean of the last hidden states, at length 1; for pairs on the `combined` means.

    A batch of pairs holds both sides of row 1, then both sides of row 2...
    """

    def __init__(self, backbone: Any, n_outputs: int, n_sides: int = 1) -> None:
        super().__init__(backbone, backbone.config.hidden_size * (1 if n_sides == 1 else PAIR_PARTS), n_outputs)
        self.n_sides = n_sides

    def pool(self, **features: torch.Tensor) -> torch.Tensor:
        """(n, dim): the vector of each side."""
        return mean_pool(self.backbone(**features).last_hidden_state, features["attention_mask"])

    def forward(self, labels: torch.Tensor | None = None, **features: torch.Tensor) -> SequenceClassifierOutput:
        logits = self.head(combined(self.pool(**features), self.n_sides))
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
        batch = tokenizer.pad([side for row in rows for side in row["sides"]], return_tensors="pt")
        return {**batch, "labels": torch.tensor([row["labels"] for row in rows])}

    return collate


def run_model(
    model: Any, tokenizer: Any, contents: Sequence[str], longest: int, batch_size: int, together: bool
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The logits, (n_rows, n_outputs). The bits of a row do not depend on the other rows."""
    device = next(model.parameters()).device
    model.eval()
    rows = encode(tokenizer, contents, longest, together)
    is_pair = len(rows[0]) == 2

    def forward(batch: dict[str, torch.Tensor]) -> torch.Tensor:
        batch = {name: values.to(device) for name, values in batch.items()}
        outputs: torch.Tensor = model.pool(**batch) if is_pair else model(**batch).logits
        return outputs

    sides = [side for row in rows for side in row]
    outputs = np.stack(run_fixed(sides, tokenizer, longest, batch_size, forward, "predict"))
    if not is_pair:
        return outputs
    vectors = combined(torch.from_numpy(outputs), 2).to(device)
    with torch.inference_mode():  # one row at a time, as equal shapes give equal bits
        return np.concatenate([model.head(vectors[row : row + 1]).cpu().numpy() for row in range(len(rows))])
