"""`dvc repro split` after 1% more rows, beside a cold run: known vectors come from the cache, the rest runs again."""

import argparse
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench import Usage, copy_project, report, run_measured, write_text_params
from bench.million import SHORT, write_csv

LENGTHS = {"like reviews or news": (15, 45), "short": SHORT}  # words; on average 56 and 19 tokens
N_ROWS = 20_000
N_ADDED = 200
WARM = f"{N_ADDED} rows more"
TARGET = 0.10  # of the CPU of a cold run
REPRO = ("-m", "dvc", "repro", "split")


def run_length(length: tuple[int, int]) -> dict[str, Usage]:
    """A cold run, and one with more rows, on texts of this length."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "repository"
        source = folder / "data/synthetic.csv"
        copy_project(folder)
        write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), {})
        write_csv(source, N_ROWS, length)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        cold = run_measured(REPRO, folder)
        write_csv(source, N_ROWS + N_ADDED, length)
        return {"cold": cold, WARM: run_measured(REPRO, folder)}


def main(arguments: argparse.Namespace) -> None:
    usages = {texts: run_length(length) for texts, length in LENGTHS.items()}
    ratios = {texts: runs[WARM].cpu_seconds / runs["cold"].cpu_seconds for texts, runs in usages.items()}
    table = []
    for texts, runs in usages.items():
        table += [(texts, run, usage.seconds, usage.cpu_seconds) for run, usage in runs.items()]
    shares = ", ".join(f"{ratio:.1%} of texts {texts}" for texts, ratio in ratios.items())
    summary = f"of the CPU of a cold run of {N_ROWS:,} rows: {shares} (target: {TARGET:.0%})"
    result = {"cpu_ratios": ratios, "target": TARGET, "runs": {texts: as_dicts(runs) for texts, runs in usages.items()}}
    report("incremental", ("texts", "run", "seconds", "CPU s"), table, summary, result)


def as_dicts(runs: dict[str, Usage]) -> dict[str, dict[str, float]]:
    return {run: asdict(usage) for run, usage in runs.items()}
