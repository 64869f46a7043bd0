"""The recipe that is saved beside the weights, models/finetuned/whetstone.json.

It has the task, its outputs, and how content is prepared.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from stages.core.atomic import write_json
from stages.core.errors import InputError

RECIPE = "whetstone.json"


def write_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    write_json(folder / RECIPE, recipe)


def read_recipe(folder: Path) -> dict[str, Any]:
    """The recipe of a saved model.

    Raises:
        InputError: the folder has no readable recipe.
    """
    path = folder / RECIPE
    try:
        return cast(dict[str, Any], json.loads(path.read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run `dvc repro finetune`") from error
