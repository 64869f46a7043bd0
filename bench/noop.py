"""`dvc repro` with nothing to do: this project beside a repository of the same graph with one shell line per stage.

Both have the same stages, artifacts and params. The difference is the cost of the code deps, of the templating and of
the size of the artifacts.
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

TARGET = 1.5  # times the CPU of the plain repository
N_ROWS = 200
N_RUNS = 5
REPRO = ("-m", "dvc", "repro")


def make_project(folder: Path) -> None:
    """This project on a few rows, trained for one epoch."""
    copy_project(folder)
    with (folder / "data" / "synthetic.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(chain([("text", "label")], synthetic_rows(N_ROWS)))
    write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), {"epochs": 1})


def make_plain(folder: Path) -> None:
    """The same stages, artifacts and params, with one file of code per stage and one line per artifact."""
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
    outputs = [*stage["outs"], *metrics]
    folders = sorted({str(Path(path).parent) for path in outputs})
    return {
        "cmd": f"mkdir -p {' '.join(map(quote, folders))} && tee {' '.join(map(quote, outputs))} < code/{name}",
        "deps": [f"code/{name}", *filter(is_artifact, stage["deps"])],
        "params": [key.replace("${modality}", modality) for key in stage["params"]],
        "outs": stage["outs"],
        "metrics": [{path: {"cache": False}} for path in metrics],
    }


def is_artifact(path: str) -> bool:
    return path.startswith(("data/", "models/")) and "." not in Path(path).name


def prepare(folder: Path) -> None:
    """Commits and reproduces, then reproduces once more to fill DVC's caches."""
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for arguments in (["init", "--quiet"], ["add", "--all"], [*identity, "commit", "--quiet", "-m", "start"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    for _ in range(2):
        run_measured(REPRO, folder)


def main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: Path(temporary) / name / "repository" for name in ("plain", "project")}
        for name, make in (("plain", make_plain), ("project", make_project)):
            make(folders[name])
            prepare(folders[name])
        # Alternating, so that other load on the machine slows both.
        rounds = [{name: run_measured(REPRO, folder) for name, folder in folders.items()} for _ in range(N_RUNS)]
    usages = {name: [usage_of[name] for usage_of in rounds] for name in folders}
    seconds = {name: median(usage.seconds for usage in runs) for name, runs in usages.items()}
    cpu_seconds = {name: median(usage.cpu_seconds for usage in runs) for name, runs in usages.items()}
    seconds_ratio = seconds["project"] / seconds["plain"]
    cpu_ratio = cpu_seconds["project"] / cpu_seconds["plain"]
    table = [(name, f"{seconds[name]:.2f}", f"{cpu_seconds[name]:.2f}") for name in folders]
    summary = (
        f"medians of {N_RUNS}: {cpu_ratio:.2f} times the CPU of a plain repository with the same graph, "
        f"{seconds_ratio:.2f} times its seconds (target: {TARGET})"
    )
    result = {"cpu_ratio": cpu_ratio, "seconds_ratio": seconds_ratio, "target": TARGET}
    runs = {name: list(map(asdict, runs)) for name, runs in usages.items()}
    report("noop", ("repository", "seconds", "CPU s"), table, summary, {**result, "runs": runs})
