"""Fine-tuning on a CPU: this project's recipe beside the one that tutorials print, in samples per CPU second.

Both train the same encoder on the same rows, in a process and a temporary folder each, with the same number of threads.
Counted is from before the model is loaded until training ends: ours pays for its probe, its evaluations and its saving.
"""

import argparse
import csv
import os
import resource
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from bench import PRESET, ROOT
from stages.errors import InputError

Rows = list[tuple[str, str]]  # text and category
BAR = 60
ROWS = 1_000
HELD_OUT = 5  # every fifth row


@dataclass(frozen=True)
class Trained:
    samples: int
    cpu_seconds: float  # from before the model is loaded until training ends
    training_cpu_seconds: float  # of it the training loop, without evaluation
    validation_accuracy: float | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("finetune")
    group.add_argument("--banking77", type=Path, default=Path("data/external/banking77"), metavar="FOLDER", help="holds train.csv (default: %(default)s)")
    group.add_argument("--epochs", type=int, default=1, help="of both recipes (default: %(default)s)")
    group.add_argument("--samples", type=int, default=64, help="that the tutorials' recipe trains on for its rate (default: %(default)s)")
    group.add_argument(
        "--full", action="store_true", help="train the tutorials' recipe on all rows and epochs too, and compare accuracies (half an hour of CPU)"
    )


def read_rows(folder: Path) -> Rows:
    try:
        with (folder / "train.csv").open(encoding="utf-8", newline="") as file:
            rows = [(row["text"], row["category"]) for row in islice(csv.DictReader(file), ROWS)]
    except (OSError, KeyError) as error:
        raise InputError(f"{folder / 'train.csv'}: no such file with the columns text and category; name its folder with --banking77") from error
    if len(rows) < ROWS:
        raise InputError(f"{folder / 'train.csv'}: {len(rows)} rows, {ROWS} are needed")
    return rows


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def count_trainer() -> Counter[str]:
    """The CPU seconds that `Trainer.train` takes from now on, and `Trainer.evaluate` inside it."""
    from transformers import Trainer

    spent: Counter[str] = Counter()

    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            started = cpu_seconds()
            result = method(*arguments, **options)
            spent[name] += cpu_seconds() - started  # type: ignore[assignment]
            return result

        return run

    for name in ("train", "evaluate"):
        setattr(Trainer, name, counted(name, getattr(Trainer, name)))
    return spent


def train_ours(train: Rows, validation: Rows, params: Any) -> Trained:
    import pyarrow as pa

    from stages import training  # noqa: F401  # what it imports is no part of what is counted
    from stages.tasks import text_category

    def table(rows: Rows) -> pa.Table:
        texts, labels = zip(*rows, strict=True)
        return pa.table({"id": [f"{row:032x}" for row in range(len(rows))], "content": texts, "label": labels, "copy": [0] * len(rows)})

    spent, started = count_trainer(), cpu_seconds()
    measured = text_category.finetune(table(train), table(validation), params, {}, Path("model"))
    seconds = cpu_seconds() - started
    return Trained(len(train) * int(measured["epochs"]), seconds, spent["train"] - spent["evaluate"], measured["validation_accuracy"])


def train_as_tutorials_do(train: Rows, validation: Rows, params: Any) -> Trained:
    """Every row padded to 512 tokens, batches of 8, lr 5e-5, a head that starts at random, and else the Trainer's defaults."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

    from stages import pretrained

    names = sorted({label for _, label in train + validation})
    spent, started = count_trainer(), cpu_seconds()
    tokenizer = pretrained.load(AutoTokenizer, params.model)

    def encode(rows: Rows) -> list[dict[str, Any]]:
        return [{**tokenizer(text, padding="max_length", truncation=True, max_length=512), "labels": names.index(label)} for text, label in rows]

    model = pretrained.load(AutoModelForSequenceClassification, params.model, num_labels=len(names))
    arguments = TrainingArguments("model", num_train_epochs=params.epochs, per_device_train_batch_size=8, learning_rate=5e-5, disable_tqdm=True)
    trainer = Trainer(model=model, args=arguments, train_dataset=encode(train))
    trainer.train()
    seconds = cpu_seconds() - started
    predicted = trainer.predict(encode(validation)) if validation else None
    accuracy = None if predicted is None else float((predicted.predictions.argmax(-1) == predicted.label_ids).mean())
    return Trained(len(train) * params.epochs, seconds, spent["train"], accuracy)


def in_own_process(recipe: Callable[[Rows, Rows, Any], Trained], train: Rows, validation: Rows, epochs: int) -> Trained:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(run_recipe, recipe, train, validation, epochs).result()


def run_recipe(recipe: Callable[[Rows, Rows, Any], Trained], train: Rows, validation: Rows, epochs: int) -> Trained:
    from stages.finetune import Params
    from stages.params import load_params
    from stages.threads import set_threads

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    os.chdir(ROOT)
    params = load_params(Params, PRESET).model_copy(update={"epochs": epochs})
    set_threads(params.threads)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        trained = recipe(train, validation, params)
        os.chdir(ROOT)
    return trained


def main(arguments: argparse.Namespace) -> None:
    rows = read_rows(arguments.banking77)
    validation = rows[::HELD_OUT]
    train = [row for place, row in enumerate(rows) if place % HELD_OUT]
    ours = in_own_process(train_ours, train, validation, arguments.epochs)
    if arguments.full:
        tutorial = in_own_process(train_as_tutorials_do, train, validation, arguments.epochs)
    else:
        tutorial = in_own_process(train_as_tutorials_do, train[: arguments.samples], [], 1)
    rates = {name: trained.samples / trained.cpu_seconds for name, trained in (("tutorials", tutorial), ("ours", ours))}
