"""`dvc repro split` after 1% of rows were added, beside the cold run: known vectors come from the cache, the rest is cheap enough to do again."""

import argparse
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench import Usage, copy_project, report, run_measured, write_text_params
from bench.million import SHORT, write_csv

LENGTHS = {"like reviews or news": (15, 45), "short": SHORT}  # words; 56 and 19 tokens a text
ROWS = 20_000
ADDED = 200
WARM = f"{ADDED} rows more"
BAR = 0.10
REPRO = ("-m", "dvc", "repro", "split")


def run_length(length: tuple[int, int]) -> dict[str, Usage]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "repository"
        copy_project(folder)
        write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), {})
        write_csv(folder / "data/synthetic.csv", ROWS, length)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        cold = run_measured(REPRO, folder)
        write_csv(folder / "data/synthetic.csv", ROWS + ADDED, length)
        return {"cold": cold, WARM: run_measured(REPRO, folder)}


def main(arguments: argparse.Namespace) -> None:
    used = {name: run_length(length) for name, length in LENGTHS.items()}
    ratios = {name: runs[WARM].cpu_seconds / runs["cold"].cpu_seconds for name, runs in used.items()}
    table = [(name, run, one.seconds, one.cpu_seconds) for name, runs in used.items() for run, one in runs.items()]
    summary = f"of the CPU of a cold run of {ROWS:,} rows: {', '.join(f'{ratio:.1%} of texts {name}' for name, ratio in ratios.items())} (bar: {BAR:.0%})"
    result = {
        "cpu_ratios": ratios,
        "bar": BAR,
        "runs": {name: {run: asdict(one) for run, one in runs.items()} for name, runs in used.items()},
    }
    report("incremental", ("texts", "run", "seconds", "CPU s"), table, summary, result)
