"""Writes a model of texts as finetune would, without training."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.training.recipe import write_recipe
from tests import tiny


def write_text_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import AutoModel, AutoTokenizer

    from stages.modalities.text.network.texts import PooledText

    tiny.write_text_model(folder / "backbone")
    PooledText(AutoModel.from_pretrained(folder / "backbone"), len(recipe["columns"])).save(folder)
    AutoTokenizer.from_pretrained(folder / "backbone").save_pretrained(folder)
    write_recipe(folder, {**recipe, "pooling": "mean", "max_length": 16})
