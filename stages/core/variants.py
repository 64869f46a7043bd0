"""Finds the modules of a modality, a target or a task by their file names: nothing is registered."""

import importlib
from pathlib import Path
from typing import Any

from stages.core.errors import InputError

STAGES = Path(__file__).parents[1]
KEYS = {
    "modalities": "modality",
    "targets": "target",
    "tasks": "modality and target",
}  # axis: the key in params.yaml that chooses


def names(axis: str) -> list[str]:
    """The variants of an axis: the folders in stages/<axis>. A name that begins with an underscore is shared code and no variant."""
    return sorted(path.name for path in (STAGES / axis).glob("[!_.]*") if path.is_dir())


def load(axis: str, name: str, part: str) -> Any:
    """The module stages/<axis>/<name>/<part>.

    Raises:
        InputError: the axis has no such variant.
    """
    if name not in names(axis):
        raise InputError(
            f"params.yaml: {KEYS[axis]}: {name!r} is none of stages/{axis}; there are {', '.join(names(axis))}"
        )
    return importlib.import_module(f"stages.{axis}.{name}.{part}")


def check(modality: Any, target: Any) -> None:
    """Checks that both exist, and a task that combines them; values that are no strings are left to the models of params.

    Raises:
        InputError: one of them does not exist.
    """
    if isinstance(modality, str) and isinstance(target, str):
        load("modalities", modality, "content")
        load("targets", target, "label")
        load("tasks", f"{modality}_{target}", "learn")
