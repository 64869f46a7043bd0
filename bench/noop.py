"""`dvc repro` with nothing to do: this project beside a repository of the same graph in which every stage is one shell line.

Both have the same stages, artifacts and params. The difference is what the lists of code, the templating and the size of the artifacts cost.
"""

import argparse
import csv
import shutil
import subprocess
import tempfile
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from shlex import quote
from statistics import median
from typing import Any

import yaml

from bench import ROOT, copy_project, report, run_measured, write_text_params
from bench.million import synthetic_rows
from stages.core.params import read_yaml

BAR = 1.5
ROWS = 200
TIMES = 5
REPRO = ("-m", "dvc", "repro")


def make_project(folder: Path) -> None:
    """This project on a few rows, trained for one epoch."""
    copy_project(folder)
    with (folder / "data" / "synthetic.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(chain([("text", "label")], synthetic_rows(ROWS)))
    write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), {"epochs": 1})


def make_plain(folder: Path) -> None:
    """The same stages, artifacts and params, one file of code a stage, one line an artifact."""
    folder.mkdir(parents=True)
    write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), {})
    modality = read_yaml(folder / "params.yaml")["modality"]
    for name in (".dvc/config", ".dvcignore", ".gitignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    stages = {
        name: plain_stage(name, stage, modality) for name, stage in read_yaml(ROOT / "dvc.yaml")["stages"].items()
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False), encoding="utf-8")
    (folder / "code").mkdir()
    for name in stages:
        (folder / "code" / name).write_text(f"{name}\n", encoding="utf-8")


def plain_stage(name: str, stage: dict[str, Any], modality: str) -> dict[str, Any]:
    metrics = [path for entry in stage["metrics"] for path in entry]
    written = [*stage["outs"], *metrics]
    folders = sorted({str(Path(path).parent) for path in written})
    return {
        "cmd": f"mkdir -p {' '.join(map(quote, folders))} && tee {' '.join(map(quote, written))} < code/{name}",
        "deps": [f"code/{name}", *(path for path in stage["deps"] if is_artifact(path))],
        "params": [key.replace("${modality}", modality) for key in stage["params"]],
        "outs": stage["outs"],
        "metrics": [{path: {"cache": False}} for path in metrics],
    }


def is_artifact(path: str) -> bool:
    return path.startswith(("data/", "models/")) and "." not in Path(path).name


def prepare(folder: Path) -> None:
    """Reproduces once, and once more to fill DVC's caches."""
    for arguments in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "-m", "start"],
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    for _ in range(2):
        run_measured(REPRO, folder)


def main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: Path(temporary) / name / "repository" for name in ("plain", "project")}
        for name, make in (("plain", make_plain), ("project", make_project)):
            make(folders[name])
            prepare(folders[name])
        # In turn: what else the machine does then slows both.
        rounds = [{name: run_measured(REPRO, folder) for name, folder in folders.items()} for _ in range(TIMES)]
    used = {name: [one[name] for one in rounds] for name in folders}
    medians = {
        name: (median(one.seconds for one in runs), median(one.cpu_seconds for one in runs))
        for name, runs in used.items()
    }
    ratios = [ours / plain for ours, plain in zip(medians["project"], medians["plain"], strict=True)]
    table = [(name, f"{seconds:.2f}", f"{cpu:.2f}") for name, (seconds, cpu) in medians.items()]
    summary = f"{ratios[1]:.2f} times the CPU of a plain repository with the same graph, {ratios[0]:.2f} times its seconds (bar: {BAR})"
    result = {
        "cpu_ratio": ratios[1],
        "seconds_ratio": ratios[0],
        "bar": BAR,
        "runs": {name: [asdict(one) for one in runs] for name, runs in used.items()},
    }
    report("noop", ("repository", "seconds", "CPU s"), table, f"medians of {TIMES}: {summary}", result)
