"""Loads a fine-tuned model of recordings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.modalities.audio.network.frontend import AudioFrontend


def load_frontend(folder: Path, recipe: Mapping[str, Any]) -> AudioFrontend:
    """Meets contracts.serve.Server for any objective on whole recordings."""
    from transformers import AutoFeatureExtractor

    from stages.models import pretrained

    extractor = pretrained.load(AutoFeatureExtractor, str(folder))
    return AudioFrontend(extractor, recipe["max_seconds"], recipe["input"], recipe["gives_shares"])


def load_network(folder: Path, recipe: Mapping[str, Any]) -> Any:
    """Meets contracts.serve.Server for any objective on whole recordings."""
    from transformers import AutoConfig

    from stages.modalities.audio.network.pooling import PooledSpeech, classifier
    from stages.models import pretrained

    config = pretrained.load(AutoConfig, str(folder))
    factory = PooledSpeech if config.model_type == "whisper" else classifier(config)
    return pretrained.load_weights(factory, str(folder)).model
