"""A record of the params and files that a stage ran with, as one of its outs.

DVC writes to dvc.lock what it finds in params.yaml and in files some time after a stage has ended. If they were edited
in between, dvc.lock is wrong, and `dvc repro` would call an old result up to date. The record shows it.

Of files it has those that dvc.yaml names, such as the ledger, not those in folders.
"""

import json
from collections.abc import Mapping
from itertools import takewhile
from typing import Any

from stages.core import paths
from stages.core.atomic import write_json
from stages.core.errors import InputError
from stages.core.inputs import Inputs, differing, md5_of
from stages.core.params import read_yaml


def write_ran_with(inputs: Inputs) -> None:
    """Writes the params, by dotted key, and the MD5 hashes of files, which dvc.lock has, too."""
    files = {str(path): md5_of(path) for path in inputs.named_files}
    write_json(paths.RAN_WITH / f"{inputs.stage}.json", {"params": inputs.params, "files": files})


def check_ran_with(stage: str) -> None:
    """Checks that dvc.lock has the params and files that the stages before this one ran with.

    Raises:
        InputError: it has others.
    """
    wrong = wrongly_locked()
    for earlier in takewhile(lambda name: name != stage, read_yaml(paths.DVC_YAML)["stages"]):
        if earlier in wrong:
            raise InputError(wrong[earlier])


def wrongly_locked() -> dict[str, str]:
    """For each stage that dvc.lock has wrong params or files of: which, and what to do."""
    stages = read_yaml(paths.DVC_LOCK).get("stages", {}) if paths.DVC_LOCK.exists() else {}
    names = {stage: wrong_names(stage, locked) for stage, locked in stages.items()}
    return {
        stage: f"{paths.DVC_LOCK}: {stage} ran with another {wrong[0]} than is recorded here, which was edited as the "
        f"stage ended; run `dvc repro --force --single-item {stage}`, then `dvc repro`"
        for stage, wrong in names.items()
        if wrong
    }


def wrong_names(stage: str, locked: Mapping[str, Any]) -> list[str]:
    """The params and files that differ between the entry of dvc.lock and the record, if both are of the same run."""
    path = paths.RAN_WITH / f"{stage}.json"
    outs = [(out["path"], out.get("md5")) for out in locked.get("outs", ())]
    if not path.is_file() or (str(path), md5_of(path)) not in outs:
        return []  # of another run, or damaged
    record = json.loads(path.read_bytes())
    deps = {dep["path"]: dep.get("md5") for dep in locked.get("deps", ())}
    files = [name for name, digest in record["files"].items() if deps.get(name, digest) != digest]
    return differing(record["params"], locked["params"][str(paths.PARAMS)]) + files
