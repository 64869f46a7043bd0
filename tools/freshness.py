"""Finds the stages whose results are out of date.

It finds what `dvc status` finds, and results of params that were edited before DVC recorded them.
"""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.core import paths
from stages.core.errors import InputError, shown
from stages.core.params import read_yaml
from stages.core.ran_with import wrongly_locked


def outdated(ignored: Collection[str] = ()) -> dict[str, str]:
    """For each stage whose results are not those of its inputs: what has changed since they were written, what to do.

    Args:
        ignored: files whose changes do not count.

    Raises:
        InputError: DVC is running, or cannot read the project or a file that a stage reads.
    """
    from dvc.exceptions import DvcException
    from dvc.lock import LockError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            check_files(repo)
            causes = {name: cause(name, changes, ignored) for name, changes in repo.status().items()}
            causes = {name: f"{words}; run `dvc repro`" for name, words in causes.items() if words} | wrongly_locked()
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
    except OSError as error:
        raise InputError(f"DVC cannot read {error.filename or 'this project'} ({error.strerror or error})") from error
    except UnicodeEncodeError as error:
        name = shown(error.object.rpartition("/")[2])
        raise InputError(f"DVC cannot write down the name of the file {name}, which is not UTF-8: rename it") from error


def check_files(repo: Any) -> None:
    """Looks at the files that DVC is about to hash: a link to nothing would stop it, and a named pipe for ever.

    Raises:
        InputError: a stage reads such a file, or a folder that has one.
    """
    inputs = {dep.fs_path: None for dep in repo.index.deps}
    bad = [path for name in inputs for path in files_of(name, repo) if is_bad(path)]
    if bad:
        what = "is neither a file nor a folder" if bad[0].exists() else "is a link to nothing"
        advice = "remove it" if len(bad) == 1 else f"remove it, and {len(bad) - 1:,} more such as {relative(bad[1])}"
        raise InputError(f"{relative(bad[0])} {what}: {advice}")


def files_of(name: str, repo: Any) -> Iterator[Path]:
    """The file itself, or the files of the folder that .dvcignore does not exclude."""
    yield Path(name)
    for folder, _, names in repo.dvcignore.walk(repo.fs, name):
        yield from (Path(folder, name) for name in names)


def is_bad(path: Path) -> bool:
    """Whether DVC could not read it; it may be absent."""
    return (path.exists() or path.is_symlink()) and not (path.is_file() or path.is_dir())


def relative(path: Path) -> str:
    return os.path.relpath(path)


def remark() -> str:
    """One line about results that are out of date; empty if there are none."""
    try:
        stages = outdated()
    except InputError as error:
        return f"maybe out of date: {error}"
    if not stages:
        return ""
    first = next(iter(stages.values()))
    return f"what {', '.join(stages)} wrote is out of date: {first}"


def cause(stage: str, changes: list[Any], ignored: Collection[str] = ()) -> str:
    """What has changed, with the stage that it concerns; empty if its results are there and follow from its inputs."""
    words = list(change_words(changes, ignored))
    if not words:
        return ""
    more = f" and {len(words) - 1} more" if len(words) > 1 else ""
    return f"{words[0]}{more} ({stage})"


def change_words(changes: list[Any], ignored: Collection[str]) -> Iterator[str]:
    """Such as "lr modified" and "data/test deleted"."""
    for change in changes:
        if not isinstance(change, Mapping):
            yield str(change)  # such as "changed command"
            continue
        for path, state in [pair for states in change.values() for pair in states.items()]:
            if path in ignored:
                continue
            if isinstance(state, Mapping):  # params of a file
                yield from (f"{key} {verb}" for key, verb in state.items())
            elif state != "not in cache":
                yield f"{path} {state}"
            elif not Path(path).exists():
                yield f"{path} is missing"
