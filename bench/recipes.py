"""The two recipes that bench/finetune.py compares: ours, and the one that tutorials print."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Rows = list[tuple[str, str]]  # text and category


@dataclass(frozen=True)
class Trained:
    samples: int
    cpu_seconds: float  # from before the model is loaded until training ends
    loop_cpu_seconds: float  # of it the training loop, without evaluation
    validation_accuracy: float | None


def count_trainer() -> Counter[str]:
    """The CPU seconds that `Trainer.train` and `Trainer.evaluate` take in this process from now on; the first include the second."""
    from transformers import Trainer

    spent: Counter[str] = Counter()

    def counted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            started = time.process_time()  # user and system time of all threads
            result = method(*arguments, **options)
            spent[name] += time.process_time() - started  # type: ignore[assignment]
            return result

        return run

    for name in ("train", "evaluate"):
        setattr(Trainer, name, counted(name, getattr(Trainer, name)))
    return spent


def train_ours(train: Rows, validation: Rows, params: Any) -> Trained:
    import pyarrow as pa

    from stages.tasks.text_category import learn as text_category_learn

    def table(rows: Rows) -> pa.Table:
        texts, labels = zip(*rows, strict=True)
        return pa.table(
            {
                "id": [f"{row:032x}" for row in range(len(rows))],
                "content": texts,
                "label": labels,
                "copy": [0] * len(rows),
            }
        )

    spent, started = count_trainer(), time.process_time()
    measured = text_category_learn.finetune(table(train), table(validation), params, {}, Path("model"))
    seconds = time.process_time() - started
    return Trained(
        len(train) * int(measured["epochs"]),
        seconds,
        spent["train"] - spent["evaluate"],
        measured["validation_accuracy"],
    )


def train_as_tutorials_do(train: Rows, validation: Rows, params: Any, padding: str | bool = "max_length") -> Trained:
    """Rows padded to 512 tokens (`padding=False`: to the longest of their batch), batches of 8, lr 5e-5, a random head, and else the Trainer's defaults."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from stages.models import pretrained

    names = sorted({label for _, label in train + validation})
    spent, started = count_trainer(), time.process_time()
    tokenizer = pretrained.load(AutoTokenizer, params.model)

    def encode(rows: Rows) -> list[dict[str, Any]]:
        return [
            {**tokenizer(text, padding=padding, truncation=True, max_length=512), "labels": names.index(label)}
            for text, label in rows
        ]

    model = pretrained.load(AutoModelForSequenceClassification, params.model, num_labels=len(names))
    arguments = TrainingArguments(
        "model", num_train_epochs=params.epochs, per_device_train_batch_size=8, learning_rate=5e-5, disable_tqdm=True
    )
    trainer = Trainer(
        model=model, args=arguments, train_dataset=encode(train), data_collator=DataCollatorWithPadding(tokenizer)
    )
    trainer.train()
    seconds = time.process_time() - started
    predicted = trainer.predict(encode(validation)) if validation else None
    accuracy = None if predicted is None else float((predicted.predictions.argmax(-1) == predicted.label_ids).mean())
    return Trained(len(train) * params.epochs, seconds, spent["train"], accuracy)
