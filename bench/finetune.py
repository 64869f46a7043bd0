"""Fine-tuning on a CPU: samples per CPU second of this project's recipe and of the one that tutorials print.

Both train the same encoder on the same rows with the same number of threads, each in a process and a temporary folder
of its own. The CPU seconds run from before the model is loaded until training ends, so ours include its probe, its
evaluations and its saving. The tutorials' recipe is timed on a few rows as it is printed. For its accuracy it is
trained on all rows without the padding to 512 tokens, which attention masks: padded, it would take an hour, and differ
only in the random numbers of dropout.
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

TARGET_RATIO = 60
N_ROWS = 1_000
HELD_OUT = 5  # every fifth row is held out
Recipe = Callable[[Rows, Rows, Any], Trained]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("finetune")
    group.add_argument(
        "--banking77",
        type=Path,
        default=Path("data/external/banking77"),
        metavar="FOLDER",
        help="the folder with train.csv (default: %(default)s)",
    )
    group.add_argument("--epochs", type=int, help="epochs of both recipes (default: those of the preset)")
    group.add_argument(
        "--samples", type=int, default=64, help="rows for the timing of the tutorials' recipe (default: %(default)s)"
    )


def read_rows(folder: Path) -> Rows:
    path = folder / "train.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(row["text"], row["category"]) for row in islice(csv.DictReader(file), N_ROWS)]
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path}: no such file with the columns text and category; set its folder with --banking77"
        ) from error
    if len(rows) < N_ROWS:
        raise InputError(f"{path}: expected at least {N_ROWS:,} rows, got {len(rows):,}; download the file again")
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
    if epochs is not None:
        params = params.model_copy(update={"epochs": epochs})
    set_threads(params.threads)
    # The Trainer's output would appear between the lines of the table; exceptions still reach the caller.
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
    train, validation = [row for index, row in enumerate(rows) if index % HELD_OUT], rows[::HELD_OUT]
    ours = run(train_ours, train, validation, arguments.epochs)
    timed = run(train_as_tutorials_do, train[: arguments.samples], [], 1)
    unpadded = run(partial(train_as_tutorials_do, padding=False), train, validation, arguments.epochs)
    tutorials = replace(timed, validation_accuracy=unpadded.validation_accuracy)
    ratio = ours.rate / tutorials.rate
    loop_ratio = ours.loop_rate / tutorials.loop_rate
    recipes = {"tutorials": tutorials, "ours": ours}
    table = []
    for name, trained in recipes.items():
        accuracy = f"{trained.validation_accuracy:.1%}"
        table.append((name, trained.samples, trained.cpu_seconds, trained.rate, trained.loop_rate, accuracy))
    header = ("recipe", "samples", "CPU s", "samples/CPU s", "in the loop alone", "validation accuracy")
    summary = (
        f"{ratio:.1f} times the tutorials' samples per CPU second (target: {TARGET_RATIO}), "
        f"{loop_ratio:.1f} times in the training loop alone"
    )
    result = {"validation_rows": len(validation), "ratio": ratio, "loop_ratio": loop_ratio, "target": TARGET_RATIO}
    report("finetune", header, table, summary, result | {name: asdict(one) for name, one in recipes.items()})
