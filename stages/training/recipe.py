"""The recipe that is saved beside the weights, models/finetuned/whetstone.json.

It has the task, its outputs, and how content is prepared.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.core.atomic import write_json
from stages.core.errors import InputError

RECIPE = "whetstone.json"


def write_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    write_json(folder / RECIPE, recipe)


class Recipe(dict[str, Any]):
    """A saved recipe; to ask for a key that it lacks is an InputError."""

    def __init__(self, path: Path, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._path = path

    def __missing__(self, key: str) -> None:
        raise InputError(f"{self._path}: lacks {key}; name a folder that finetune wrote, or run `dvc repro finetune`")


def read_recipe(folder: Path) -> Recipe:
    """The recipe of a saved model.

    Raises:
        InputError: the folder has no readable recipe.
    """
    path = folder / RECIPE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run `dvc repro finetune`") from error
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected keys with values, got {type(values).__name__}; run `dvc repro finetune`")
    return Recipe(path, values)
