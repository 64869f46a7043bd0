"""`dvc repro split` after 1% of rows were added, beside the cold run: known vectors come from the cache, the rest is cheap enough to do again."""

import argparse
import csv
import subprocess
import tempfile
from dataclasses import asdict
from itertools import chain, islice
from pathlib import Path

from bench import copy_project, report, run_measured, write_text_params
from bench.million import synthetic_rows

ROWS = 20_000
ADDED = 200
BAR = 0.10
REPRO = ("-m", "dvc", "repro", "split")


def write_rows(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(chain([("text", "label")], islice(synthetic_rows(ROWS + ADDED), count)))


def main(arguments: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "repository"
        copy_project(folder)
        write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), {})
        write_rows(folder / "data/synthetic.csv", ROWS)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        cold = run_measured(REPRO, folder)
        write_rows(folder / "data/synthetic.csv", ROWS + ADDED)
        warm = run_measured(REPRO, folder)
    ratios = warm.seconds / cold.seconds, warm.cpu_seconds / cold.cpu_seconds
    table = [(name, f"{used.seconds:.1f}", f"{used.cpu_seconds:.1f}") for name, used in (("cold", cold), (f"{ADDED} rows more", warm))]
    summary = f"{ratios[0]:.1%} of the seconds of a cold run of {ROWS:,} rows, {ratios[1]:.1%} of its CPU (bar: {BAR:.0%})"
    result = {"seconds_ratio": ratios[0], "cpu_ratio": ratios[1], "bar": BAR, "runs": {"cold": asdict(cold), "warm": asdict(warm)}}
    report("incremental", ("run", "seconds", "CPU s"), table, summary, result)
