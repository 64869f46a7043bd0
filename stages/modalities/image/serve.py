"""Loads a fine-tuned model of images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.modalities.image.network.frontend import ImageFrontend


def load_frontend(folder: Path, recipe: Mapping[str, Any]) -> ImageFrontend:
    """Meets contracts.serve.Server for any objective on whole images."""
    from transformers import AutoImageProcessor

    from stages.models import pretrained

    return ImageFrontend(pretrained.load(AutoImageProcessor, str(folder), backend="pil"))


def load_network(folder: Path, recipe: Mapping[str, Any]) -> Any:
    """Meets contracts.serve.Server for any objective on whole images."""
    from transformers import AutoModelForImageClassification

    from stages.models import pretrained

    return pretrained.load_weights(AutoModelForImageClassification, str(folder)).model
