"""Finds the stages whose results are older than their data, params or code, as `dvc status` does."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import read_yaml


def outdated() -> dict[str, str]:
    """For each stage that `dvc repro` would run again: what has changed since its results were written.

    Raises:
        InputError: DVC is running, or cannot read the project.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            causes = {name: cause(name, changes) for name, changes in repo.status().items()}
            reasons: dict[str, str] = {}
            for name in read_yaml(paths.DVC_YAML)["stages"]:
                needed = {stage.addressing for stage in repo.stage.collect(name, with_deps=True)}
                changed = [stage for stage in (*reasons, name) if stage in needed and causes.get(stage)]
                if changed:
                    reasons[name] = causes[changed[0]]
            return reasons
    except LockError as error:
        raise InputError("a run is going on; its results are shown when it has ended") from error
    except DvcException as error:
        raise InputError(f"DVC cannot read this project ({str(error).splitlines()[0]})") from error


def remark() -> str:
    """One line about results that are out of date; empty if there are none."""
    try:
        stages = outdated()
    except InputError as error:
        return f"maybe out of date: {error}"
    if not stages:
        return ""
    first = next(iter(stages.values()))
    return f"out of date: {first}, so what {', '.join(stages)} wrote is of an earlier run; run `dvc repro`"


def cause(stage: str, changes: list[Any]) -> str:
    """What has changed, with the stage that it concerns; empty if its results are there and follow from its inputs."""
    words = list(change_words(changes))
    if not words:
        return ""
    more = f" and {len(words) - 1} more" if len(words) > 1 else ""
    return f"{words[0]}{more} ({stage})"


def change_words(changes: list[Any]) -> Iterator[str]:
    """Such as "lr modified" and "data/test deleted"."""
    for change in changes:
        if not isinstance(change, Mapping):
            yield str(change)  # such as "changed command"
            continue
        for path, state in [pair for states in change.values() for pair in states.items()]:
            if isinstance(state, Mapping):  # params of a file
                yield from (f"{key} {verb}" for key, verb in state.items())
            elif state != "not in cache":
                yield f"{path} {state}"
            elif not Path(path).exists():
                yield f"{path} is missing"
