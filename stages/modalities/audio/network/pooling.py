"""Classifiers of recordings, and means over a recording alone, without the padding after it."""

from typing import Any

import torch
from transformers import AutoModelForAudioClassification, AutoModelForImageClassification, WhisperForAudioClassification
from transformers.models.auto.modeling_auto import MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES


def is_real(hidden: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """(n_rows, n_positions, 1): False for the hidden states of padding. `shares`: the part of each row without it."""
    lengths = (shares.to(hidden.device) * hidden.shape[1]).ceil().unsqueeze(1)
    return (torch.arange(hidden.shape[1], device=hidden.device) < lengths).unsqueeze(2)


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


def classifier(config: Any) -> Any:
    """The auto class that loads a classifier with this config: for audio, or else for images."""
    if config.model_type in MODEL_FOR_AUDIO_CLASSIFICATION_MAPPING_NAMES:
        return AutoModelForAudioClassification
    return AutoModelForImageClassification
