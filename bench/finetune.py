"""Fine-tuning on a CPU: this project's recipe beside the one that tutorials print, in samples per CPU second.

Both train the same encoder on the same rows, in a process and a temporary folder each, with the same number of threads.
Counted is from before the model is loaded until training ends: ours pays for its probe, its evaluations and its saving.
The tutorials' recipe is timed on a few rows as it is printed, and trained for its accuracy on all of them without the padding to 512,
which attention does not see: it would take an hour, and change nothing but the draws of dropout.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import PRESET, ROOT, report
from bench.recipes import Rows, Trained, train_as_tutorials_do, train_ours
from stages.core.errors import InputError

BAR = 60
ROWS = 1_000
HELD_OUT = 5  # every fifth row
Recipe = Callable[[Rows, Rows, Any], Trained]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("finetune")
    group.add_argument(
        "--banking77",
        type=Path,
        default=Path("data/external/banking77"),
        metavar="FOLDER",
        help="holds train.csv (default: %(default)s)",
    )
    group.add_argument("--epochs", type=int, help="of both recipes (default: the preset's)")
    group.add_argument(
        "--samples", type=int, default=64, help="that the tutorials' recipe is timed on (default: %(default)s)"
    )


def read_rows(folder: Path) -> Rows:
    path = folder / "train.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["text"], row["category"]) for row in islice(csv.DictReader(file), ROWS)]
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path}: no such file with the columns text and category; name its folder with --banking77"
        ) from error
    if len(rows) < ROWS:
        raise InputError(f"{path}: expected at least {ROWS:,} rows, got {len(rows):,}; copy it again")
    return rows


def run(recipe: Recipe, train: Rows, validation: Rows, epochs: int | None) -> Trained:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run_here, recipe, train, validation, epochs).result()


def run_here(recipe: Recipe, train: Rows, validation: Rows, epochs: int | None) -> Trained:
    from stages.core.params import load_params
    from stages.finetune import Params
    from stages.models.threads import set_threads

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.chdir(ROOT)
    params = load_params(Params, PRESET)
    params = params.model_copy(update={"epochs": epochs or params.epochs})
    set_threads(params.threads)
    # What the Trainer prints would stand between the lines of the table; errors come back to the caller.
    with (
        tempfile.TemporaryDirectory() as folder,
        Path(os.devnull).open("w") as quiet,
        redirect_stdout(quiet),
        redirect_stderr(quiet),
    ):
        os.chdir(folder)
        trained = recipe(train, validation, params)
        os.chdir(ROOT)
    return trained


def main(arguments: argparse.Namespace) -> None:
    rows = read_rows(arguments.banking77)
    train, validation = [row for place, row in enumerate(rows) if place % HELD_OUT], rows[::HELD_OUT]
    ours = run(train_ours, train, validation, arguments.epochs)
    timed = run(train_as_tutorials_do, train[: arguments.samples], [], 1)
    unpadded = run(partial(train_as_tutorials_do, padding=False), train, validation, arguments.epochs)
    results = {"tutorials": replace(timed, validation_accuracy=unpadded.validation_accuracy), "ours": ours}
    rates = {name: (one.samples / one.cpu_seconds, one.samples / one.loop_cpu_seconds) for name, one in results.items()}
    ratio, loop_ratio = (mine / other for mine, other in zip(rates["ours"], rates["tutorials"], strict=True))
    table = [
        (name, one.samples, one.cpu_seconds, *rates[name], f"{one.validation_accuracy:.1%}")
        for name, one in results.items()
    ]
    header = ("recipe", "samples", "CPU s", "samples/CPU s", "in the loop alone", "validation accuracy")
    summary = f"{ratio:.1f} times the tutorials' samples per CPU second, {loop_ratio:.1f} times in the training loop alone (bar: {BAR})"
    facts = {"validation_rows": len(validation), "ratio": ratio, "loop_ratio": loop_ratio, "bar": BAR}
    report("finetune", header, table, summary, {**facts, **{name: asdict(one) for name, one in results.items()}})
