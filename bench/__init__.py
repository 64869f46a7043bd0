"""Benchmarks of speed and memory, each compared with a target: `python -m bench`. This file has what they share."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from stages.core.params import read_yaml

ROOT = Path(__file__).resolve().parent.parent
PRESET = ROOT / "presets" / "banking77.yaml"
RESULTS = ROOT / "build" / "bench"
BYTES_PER_RSS_UNIT = 1 if sys.platform == "darwin" else 2**10  # getrusage(2): Linux counts in KiB


@dataclass(frozen=True)
class Usage:
    """The resources of one process and its children."""

    seconds: float
    cpu_seconds: float
    peak_mb: float  # of the largest single process


# A small process between: the peak of a process begins with the memory of the one that starts it.
LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen([sys.executable, *sys.argv[2:]])
_, status, usage = os.wait4(process.pid, 0)
values = [os.waitstatus_to_exitcode(status), time.perf_counter() - started, usage.ru_utime + usage.ru_stime]
with open(sys.argv[1], "w") as file:
    json.dump([*values, usage.ru_maxrss], file)
"""


def run_measured(arguments: Sequence[str], folder: Path) -> Usage:
    """Runs `python ARGUMENTS` in `folder`, with this Python first on the path.

    Raises:
        RuntimeError: the process failed; the message has the end of its output.
    """
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        # By default DVC leaves a folder in /var/tmp for every repository that it has seen.
        "DVC_SITE_CACHE_DIR": str(folder.parent / "dvc"),
    }
    with tempfile.TemporaryFile("w+") as output, tempfile.NamedTemporaryFile("r") as usage:
        command = [sys.executable, "-c", LAUNCHER, usage.name, *arguments]
        subprocess.run(command, cwd=folder, env=environment, stdout=output, stderr=output, check=True)
        status, seconds, cpu_seconds, peak = json.load(usage)
        if status:
            output.seek(0)
            end = output.read()[-2000:]
            raise RuntimeError(f"`python {' '.join(arguments)}` ended with status {status}:\n{end}")
    return Usage(seconds, cpu_seconds, peak * BYTES_PER_RSS_UNIT / 2**20)


def copy_project(folder: Path) -> None:
    """Copies the working tree: the files that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard", "--", ":!build"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():  # git also lists files that were deleted and not yet staged
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def write_text_params(path: Path, source: str, columns: tuple[str, str], changes: Mapping[str, Any]) -> None:
    """Writes the params of banking77 for the file `source` and its columns of content and label.

    `changes` are merged into sections, and replace other values.
    """
    params = read_yaml(PRESET)
    content, label = columns
    names = params["collect"]["columns"] | {"content": content, "label": label, "group": None, "time": None}
    params["collect"].update(source=source, table=None, splits=None, columns=names)
    for key, value in changes.items():
        params[key] = {**params[key], **value} if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(params, sort_keys=False, allow_unicode=True), encoding="utf-8")


def report(
    name: str, header: Sequence[str], rows: Sequence[Sequence[object]], summary: str, result: Mapping[str, Any]
) -> None:
    """Prints a table and a summary line, and writes build/bench/<name>.json."""
    lines = [list(header), *(list(map(as_cell, row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        aligned = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        print("  ".join([first.ljust(widths[0]), *aligned]))
    print(f"{name}: {summary}\n", flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def as_cell(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, float) else str(value)
