"""The frozen encoder that embeds texts and pairs of texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import AutoModel

from stages.core.tables import Vectors
from stages.modalities.text.network.backbone import check_reads_texts
from stages.modalities.text.network.frontend import TextFrontend
from stages.modalities.text.network.texts import pooled
from stages.modalities.text.network.tokenizer import check_length, load_tokenizer, try_out
from stages.models import pretrained
from stages.models.batches import run
from stages.models.network import run_with


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

    def pool(self, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """(n, dim): the vector of each text or pair."""
        return pooled(self.model, batch)

    def embed(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n_rows, dim), float32, each of length 1."""
        frontend = TextFrontend(self.tokenizer, self.max_length)
        return np.stack(run(run_with(self.model, self.pool), frontend, texts, batch_size, "embed"))
