"""Fine-tuning on a CPU: this project's recipe beside the one that tutorials print, in samples per CPU second.

Both train the same encoder on the same rows, in a process and a temporary folder each, with the same number of threads.
Counted is from before the model is loaded until training ends: ours pays for its probe, its evaluations and its saving.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import PRESET, ROOT, report
from bench.recipes import Rows, Trained, train_as_tutorials_do, train_ours
from stages.errors import InputError

BAR = 60
ROWS = 1_000
HELD_OUT = 5  # every fifth row


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("finetune")
    group.add_argument("--banking77", type=Path, default=Path("data/external/banking77"), metavar="FOLDER", help="holds train.csv (default: %(default)s)")
    group.add_argument("--epochs", type=int, default=1, help="of both recipes (default: %(default)s)")
    group.add_argument("--samples", type=int, default=64, help="that the tutorials' recipe trains on for its rate (default: %(default)s)")
    group.add_argument(
        "--full", action="store_true", help="train the tutorials' recipe on all rows and epochs, to compare accuracies (20 CPU minutes an epoch)"
    )


def read_rows(folder: Path) -> Rows:
    path = folder / "train.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["text"], row["category"]) for row in islice(csv.DictReader(file), ROWS)]
    except (OSError, KeyError) as error:
        raise InputError(f"{path}: no such file with the columns text and category; name its folder with --banking77") from error
    if len(rows) < ROWS:
        raise InputError(f"{path}: expected at least {ROWS:,} rows, got {len(rows):,}; copy it again")
    return rows


def run(recipe: Callable[[Rows, Rows, Any], Trained], train: Rows, validation: Rows, epochs: int) -> Trained:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run_here, recipe, train, validation, epochs).result()


def run_here(recipe: Callable[[Rows, Rows, Any], Trained], train: Rows, validation: Rows, epochs: int) -> Trained:
    from stages.finetune import Params
    from stages.params import load_params
    from stages.threads import set_threads

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.chdir(ROOT)
    params = load_params(Params, PRESET).model_copy(update={"epochs": epochs})
    set_threads(params.threads)
    # What the Trainer prints would stand between the lines of the table; errors come back to the caller.
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as quiet, redirect_stdout(quiet), redirect_stderr(quiet):
        os.chdir(folder)
        trained = recipe(train, validation, params)
        os.chdir(ROOT)
    return trained


def main(arguments: argparse.Namespace) -> None:
    rows = read_rows(arguments.banking77)
    train, validation = [row for place, row in enumerate(rows) if place % HELD_OUT], rows[::HELD_OUT]
    ours = run(train_ours, train, validation, arguments.epochs)
    task = (train, validation, arguments.epochs) if arguments.full else (train[: arguments.samples], [], 1)
    theirs = run(train_as_tutorials_do, *task)
    results = {"tutorials": theirs, "ours": ours}
    rates = {name: (one.samples / one.cpu_seconds, one.samples / one.loop_cpu_seconds) for name, one in results.items()}
    ratio, loop_ratio = (mine / other for mine, other in zip(rates["ours"], rates["tutorials"], strict=True))
    accuracies = {name: "(--full)" if one.validation_accuracy is None else f"{one.validation_accuracy:.1%}" for name, one in results.items()}
    table = [(name, one.samples, one.cpu_seconds, *rates[name], accuracies[name]) for name, one in results.items()]
    header = ("recipe", "samples", "CPU s", "samples/CPU s", "in the loop alone", "validation accuracy")
    summary = f"{ratio:.1f} times the tutorials' samples per CPU second, {loop_ratio:.1f} times in the training loop alone (bar: {BAR})"
    facts = {"epochs": arguments.epochs, "validation_rows": len(validation), "ratio": ratio, "loop_ratio": loop_ratio, "bar": BAR}
    report("finetune", header, table, summary, {**facts, **{name: asdict(one) for name, one in results.items()}})
