"""Whisper as a classifier that pools the recording alone, without the padding after it."""

from typing import Any

import torch
from transformers import WhisperForAudioClassification

from stages.modalities.audio.encode.sounds import is_real


class PooledSpeech(WhisperForAudioClassification):  # type: ignore[misc]
    """The class of transformers averages over all positions. Where most of them are silence, it hears worse.

    It has the same weights, and its files load as that class too, but say something else there.
    """

    takes_shares = True

    def forward(
        self, input_features: torch.Tensor, shares: torch.Tensor, labels: torch.Tensor | None = None, **options: Any
    ) -> Any:
        """
        Args:
            shares: (n_rows,), the part of each input that is no padding.
        """
        hidden = self.encoder(input_features, **options).last_hidden_state
        real = is_real(hidden, shares)
        mean = (hidden * real).sum(1, keepdim=True) / real.sum(1, keepdim=True)
        return super().forward(encoder_outputs=(mean,), labels=labels)
