"""The two recipes that bench/finetune.py compares: this project's, and the one that tutorials print."""

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
    loop_cpu_seconds: float  # of the training loop alone, without evaluation
    validation_accuracy: float | None

    @property
    def rate(self) -> float:
        """Samples per CPU second."""
        return self.samples / self.cpu_seconds

    @property
    def loop_rate(self) -> float:
        """Samples per CPU second of the training loop."""
        return self.samples / self.loop_cpu_seconds


def count_trainer() -> Counter[str]:
    """Counts the CPU seconds of `Trainer.train` and `Trainer.evaluate` in this process; `train` includes `evaluate`."""
    from transformers import Trainer

    spent: Counter[str] = Counter()

    def timed(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            started = time.process_time()  # user and system time of all threads
            result = method(*arguments, **options)
            spent[name] += time.process_time() - started  # type: ignore[assignment]
            return result

        return run

    for name in ("train", "evaluate"):
        setattr(Trainer, name, timed(name, getattr(Trainer, name)))
    return spent


def as_table(rows: Rows) -> Any:
    """The rows as data/train has them."""
    import pyarrow as pa

    texts, labels = zip(*rows, strict=True)
    ids = [f"{row:032x}" for row in range(len(rows))]
    return pa.table({"id": ids, "content": texts, "label": labels, "copy": [0] * len(rows)})


def train_ours(train: Rows, validation: Rows, params: Any) -> Trained:
    from stages.tasks.text_category import learn

    spent, started = count_trainer(), time.process_time()
    metrics = learn.finetune(as_table(train), as_table(validation), params, {}, Path("model"))
    seconds = time.process_time() - started
    n_samples, loop_seconds = len(train) * int(metrics["epochs"]), spent["train"] - spent["evaluate"]
    return Trained(n_samples, seconds, loop_seconds, metrics["validation_accuracy"])


def train_as_tutorials_do(train: Rows, validation: Rows, params: Any, padding: str | bool = "max_length") -> Trained:
    """Rows padded to 512 tokens, batches of 8, lr 5e-5, a random head, and otherwise the Trainer's defaults.

    With `padding=False` rows are padded to the longest of their batch.
    """
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

    model = pretrained.load(
        AutoModelForSequenceClassification, params.model, weights=True, use_safetensors=True, num_labels=len(names)
    )
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
