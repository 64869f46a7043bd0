"""Finds the modules of a modality, a target or a task by their file names: nothing is registered."""

import importlib
from pathlib import Path
from typing import Any

from stages.core.errors import InputError

STAGES = Path(__file__).parents[1]
# By axis: the key in params.yaml that chooses the variant.
KEYS = {"modalities": "modality", "targets": "target", "tasks": "modality and target"}


def names(axis: str) -> list[str]:
    """The variants of an axis: the folders in stages/<axis>. A name that starts with an underscore is shared code."""
    return sorted(path.name for path in (STAGES / axis).glob("[!_.]*") if path.is_dir())


def load(axis: str, name: str, part: str) -> Any:
    """The module stages/<axis>/<name>/<part>.

    Raises:
        InputError: the axis has no such variant.
    """
    known = names(axis)
    if name not in known:
        raise InputError(f"params.yaml: {KEYS[axis]}: {name!r} is not in stages/{axis}; use one of {', '.join(known)}")
    return importlib.import_module(f"stages.{axis}.{name}.{part}")


def check(modality: Any, target: Any) -> None:
    """Checks that the modality, the target and their task exist.

    Values that are not strings are left to the params models.

    Raises:
        InputError: one of them does not exist.
    """
    if isinstance(modality, str) and isinstance(target, str):
        load("modalities", modality, "content")
        load("targets", target, "label")
        load("tasks", f"{modality}_{target}", "learn")
