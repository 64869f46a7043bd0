"""A record of the params that a stage ran with, as one of its outs.

DVC writes the params to dvc.lock that it finds in params.yaml some time after a stage has ended. If they were edited in
between, dvc.lock is wrong, and `dvc repro` would call an old result up to date. The record shows it.
"""

import hashlib
import json
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from stages.core import paths
from stages.core.atomic import write_json
from stages.core.errors import InputError
from stages.core.inputs import differing
from stages.core.params import read_yaml


def write_ran_with(stage: str, params: Mapping[str, Any]) -> None:
    """Writes the params, by dotted key."""
    write_json(paths.RAN_WITH / f"{stage}.json", params)


def check_ran_with(stage: str) -> None:
    """Checks that dvc.lock has the params that the stages before this one ran with.

    Raises:
        InputError: it has others.
    """
    wrong = wrongly_locked()
    for earlier in takewhile(lambda name: name != stage, read_yaml(paths.DVC_YAML)["stages"]):
        if earlier in wrong:
            raise InputError(wrong[earlier])


def wrongly_locked() -> dict[str, str]:
    """For each stage that dvc.lock has wrong params of: which, and what to do."""
    stages = read_yaml(paths.DVC_LOCK).get("stages", {}) if paths.DVC_LOCK.exists() else {}
    keys = {stage: wrong_keys(stage, locked) for stage, locked in stages.items()}
    return {
        stage: f"{paths.DVC_LOCK}: {stage} ran with another {names[0]} than is recorded here, because {paths.PARAMS} "
        f"was edited as it ended; run `dvc repro --force --single-item {stage}`, then `dvc repro`"
        for stage, names in keys.items()
        if names
    }


def wrong_keys(stage: str, locked: Mapping[str, Any]) -> list[str]:
    """The params that differ between the entry of dvc.lock and the record, if both are of the same run."""
    path = paths.RAN_WITH / f"{stage}.json"
    if not path.is_file():
        return []
    record = path.read_bytes()
    digest = hashlib.md5(record, usedforsecurity=False).hexdigest()  # the hash of DVC
    if (str(path), digest) not in ((out["path"], out.get("md5")) for out in locked.get("outs", ())):
        return []  # of another run, or damaged
    return differing(json.loads(record), locked["params"][str(paths.PARAMS)])
