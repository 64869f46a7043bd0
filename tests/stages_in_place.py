"""Runs stages of a line in this process, on its data or a copy: as `python -m stages.NAME` or `dvc repro` would."""

import contextlib
import io
import runpy
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

# Imported before any test: DVC writes its log to the stdout of that moment, and that of a test is closed at its end.
from dvc.repo import Repo

from stages.core.inputs import filled
from stages.core.params import read_yaml
from tests import tiny

STAGES = list(read_yaml(tiny.ROOT / "dvc.yaml")["stages"])
VARIANT = {"modality": "text", "target": "category", "dedupe": {"semantic": False}}
STOPPED = 130  # the status after Ctrl-C
COPIED = ("data", "metrics", "models", ".cache", ".dvc/plots", "params.yaml", "dvc.yaml", "dvc.lock")

Place = TypeVar("Place")
Case = TypeVar("Case")


def in_rotation(places: Sequence[Place], cases: Iterable[Case], each: int = 1) -> list[tuple[Place, Case]]:
    """All cases at the first place; at each of the others the next few of them, as its code is mostly the same."""
    cases = list(cases)
    turn = cycle(cases)
    return [
        *((places[0], case) for case in cases),
        *((place, case) for place in places[1:] for case in islice(turn, each)),
    ]


def listed(stage: str, kind: str) -> list[str]:
    """The paths of a stage's `deps`, `outs` or `metrics` in dvc.yaml."""
    entries = read_yaml(tiny.ROOT / "dvc.yaml")["stages"][stage][kind]
    return [filled(path, VARIANT) for entry in entries for path in (entry if isinstance(entry, dict) else [entry])]


def tables_read(stage: str) -> list[str]:
    """The tables among the deps of a stage; finetune waits for data/verdicts/leaks, and does not open it."""
    no_tables = ("data/ledger.csv", "data/embeddings.false", *(["data/verdicts/leaks"] if stage == "finetune" else ()))
    data = [path for path in listed(stage, "deps") if path.startswith("data/")]
    return [path for path in data if "${" not in path and path not in no_tables and stage != "collect"]


def copy_data(line: Path, folder: Path) -> None:
    """What stages read and write, with a link to the code."""
    (folder / "stages").symlink_to(tiny.ROOT / "stages")
    for name in COPIED:
        if (line / name).is_dir():
            shutil.copytree(line / name, folder / name, symlinks=True)
        else:
            shutil.copyfile(line / name, folder / name)


@dataclass(frozen=True)
class Ended:
    status: int
    line: str  # the error, "" if there is none
    printed: str


def run(stage: str) -> Ended:
    """Runs a stage here, as a new process would; an error that is not reported in a line passes."""
    out, errors, status, line = io.StringIO(), io.StringIO(), 0, ""
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # runpy's, about modules that other tests imported
        try:
            runpy.run_module(f"stages.{stage}", run_name="__main__")
        except SystemExit as end:
            if isinstance(end.code, str):
                status, line = 1, end.code
            else:
                status, line = int(end.code or 0), errors.getvalue().strip().rpartition("\n")[2]
        except KeyboardInterrupt:
            status = STOPPED  # in a process, stages/__init__.py prints a line: tests/core/test_run.py
    return Ended(status, line, out.getvalue())


def repro(*targets: str) -> dict[str, str]:
    """The stages that `dvc repro` runs here, with what each prints. They run in this process, which is faster."""
    printed = {}

    def run_command(stage: Any, **_: object) -> None:
        ended = run(stage.name)
        assert not ended.status, ended.line
        printed[stage.name] = ended.printed

    with patch("dvc.stage.run.cmd_run", run_command), Repo() as repo:
        repo.reproduce(targets)
    return printed


def refuses(stage: str) -> str:
    """The one line with which a stage ends, "" for Ctrl-C; files are as they were."""
    before = contents()
    ended = run(stage)
    assert ended.status, f"{stage} succeeds: {ended.printed}"
    if ended.status != STOPPED:
        assert ended.line.startswith(f"{stage}: ")
        assert "\n" not in ended.line
    after = contents()
    assert sorted(after) == sorted(before)
    assert [name for name in before if after[name] != before[name]] == []
    return ended.line


def contents() -> dict[str, bytes]:
    """The files here; the locks of runs and the cache of vectors may change."""
    return {str(path): path.read_bytes() for path in files() if not str(path).startswith(".cache")}


def files() -> Iterator[Path]:
    return (path for path in sorted(Path().rglob("*")) if path.is_file())
