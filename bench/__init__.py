"""Speed and memory, beside the bars that the project sets itself: `python -m bench`. This file holds what the benchmarks share."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.core.params import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PRESET = ROOT / "presets" / "banking77.yaml"
RESULTS = ROOT / "build" / "bench"


@dataclass(frozen=True)
class Usage:
    """What one process took, its own children included."""

    seconds: float
    cpu_seconds: float
    peak_mb: float  # of the largest single process


def run_measured(arguments: Sequence[str], folder: Path) -> Usage:
    """Runs `python ARGUMENTS` in `folder`, with this Python first on the path.

    Raises:
        RuntimeError: it failed; with the end of what it printed.
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "DVC_SITE_CACHE_DIR": str(
            folder.parent / "dvc"
        ),  # else DVC leaves a folder in /var/tmp for every repository it has seen
    }
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], cwd=folder, env=environment, stdout=output, stderr=output
        )
        _, status, used = os.wait4(
            process.pid, 0
        )  # unlike RUSAGE_CHILDREN, which holds the peak of all children so far
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(
                f"`python {' '.join(arguments)}` ended with status {process.returncode}:\n{output.read()[-2000:]}"
            )
    return Usage(
        seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    )


def copy_project(folder: Path) -> None:
    """What git has or would add, as it stands in the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard", "--", ":!build"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # not when it was removed and git has not been told
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def write_text_params(path: Path, source: str, columns: tuple[str, str], changes: Mapping[str, Any]) -> None:
    """The preset for banking77, reading the file `source` with its columns of content and label; `changes` go into sections or replace values."""
    params = read_yaml(PRESET)
    named = params["collect"]["columns"] | {"content": columns[0], "label": columns[1], "group": None, "time": None}
    params["collect"].update(source=source, table=None, splits=None, columns=named)
    for key, value in changes.items():
        params[key] = {**params[key], **value} if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")


def report(
    name: str, header: Sequence[str], rows: Sequence[Sequence[object]], summary: str, result: Mapping[str, Any]
) -> None:
    """Prints a table and a line, and writes build/bench/<name>.json."""
    cells = [
        list(header),
        *([f"{cell:,.1f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print(
            "  ".join(
                cell.rjust(width) if place else cell.ljust(width)
                for place, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
        )
    print(f"{name}: {summary}\n", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
