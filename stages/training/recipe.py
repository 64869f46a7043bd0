"""What stands beside the weights in models/finetuned: whetstone.json, the task, its columns and how content is prepared."""

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
    """
    Raises:
        InputError: the folder holds no model of ours.
    """
    try:
        return cast(dict[str, Any], json.loads((folder / RECIPE).read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError) as error:
        raise InputError(f"{folder / RECIPE}: cannot be read ({error}); run `dvc repro finetune`") from error
