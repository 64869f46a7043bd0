"""Loads a fine-tuned model of texts or pairs of texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.modalities.text.network.frontend import TextFrontend


def load_frontend(folder: Path, recipe: Mapping[str, Any]) -> TextFrontend:
    """Meets contracts.serve.Server for any objective on whole texts."""
    from stages.modalities.text.network.tokenizer import load_tokenizer

    return TextFrontend(load_tokenizer(str(folder)), recipe["max_length"], together=recipe["pooling"] == "model")


def load_network(folder: Path, recipe: Mapping[str, Any]) -> Any:
    """Meets contracts.serve.Server for any objective on whole texts."""
    from transformers import AutoModelForSequenceClassification

    from stages.modalities.text.network.texts import PooledText
    from stages.models import pretrained

    if recipe["pooling"] == "mean":
        return PooledText.load(folder)
    return pretrained.load_weights(AutoModelForSequenceClassification, str(folder)).model
