"""Reads the warnings of the stages before the report."""

import json
from dataclasses import dataclass

from stages.core import paths
from stages.core.errors import InputError

STAGES = ("collect", "clean", "embed", "dedupe", "outliers", "split", "label_audit")


@dataclass(frozen=True)
class StageWarning:
    stage: str
    message: str
    see: str  # the key of params.yaml to look at


def read_warnings() -> list[StageWarning]:
    """All warnings, in the order of the stages.

    Raises:
        InputError: the file of a stage cannot be read.
    """
    warnings = []
    for stage in STAGES:
        path = paths.WARNINGS / f"{stage}.json"
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(f"{path}: cannot be read ({error}); run `dvc repro {stage}`") from error
        if not isinstance(entries, list) or not all(map(is_warning, entries)):
            raise InputError(f"{path}: not a list of warnings; run `dvc repro {stage}`")
        warnings += [StageWarning(stage, entry["message"], entry["see"]) for entry in entries]
    return warnings


def is_warning(entry: object) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(key), str) for key in ("message", "see"))
