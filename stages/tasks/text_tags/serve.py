"""Loads a fine-tuned tagger of texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.modalities.text.network.words import WordFrontend, load_word_tokenizer
from stages.targets.tags.objective import Objective

__all__ = ["Objective", "load_frontend", "load_network"]


def load_frontend(folder: Path, recipe: Mapping[str, Any]) -> WordFrontend:
    return WordFrontend(load_word_tokenizer(str(folder)), recipe["max_length"])


def load_network(folder: Path, recipe: Mapping[str, Any]) -> Any:
    from stages.modalities.text.network.tagger import TaggedText

    return TaggedText.load(folder, recipe["layers"])
