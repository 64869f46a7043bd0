"""Samples of text_tags."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.training.recipe import write_recipe
from tests import tiny
from tests.samples.kinds import TaskSamples


def write_tags_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import AutoModel, AutoTokenizer

    from stages.modalities.text.network.tagger import TaggedText

    tiny.write_text_model(folder / "backbone")
    TaggedText(AutoModel.from_pretrained(folder / "backbone"), recipe["layers"], len(recipe["columns"])).save(folder)
    AutoTokenizer.from_pretrained(folder / "backbone").save_pretrained(folder)
    write_recipe(folder, recipe)


def fruit_tags(content: str) -> list[str]:
    """Some words are fruit; a word after one of them belongs to it."""
    tags = ["B-fruit" if word in ("apple", "mango", "яблоко") else "O" for word in content.split(" ")]
    return [
        "I-fruit" if before == "B-fruit" and tag == "O" else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


SAMPLES = TaskSamples(
    augment={"swap": 0.5, "delete": 0.2, "typo": 0.2},
    wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
    write_model=write_tags_model,
    recipe={"columns": ["O", "B-fruit", "I-fruit"], "layers": [1, 2], "max_length": 16},
    label_of=fruit_tags,
)
