"""Fine-tuning, the part that no task is different in: transformers' Trainer, its schedule, its checkpoints and its curves."""

import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from dvclive import Live
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.integrations import DVCLiveCallback

from stages.contracts.objective import Learnable
from stages.core import paths
from stages.models.pretrained import hide_bars

CHECKPOINTS = paths.MODEL.with_name(".checkpoints")  # outside DVC's outs, gone when training ends


class Curves(Live):  # type: ignore[misc]
    """DVCLive, for the curves alone: run times and host names differ on every run and must not stand in an artifact."""

    def __init__(self, metric: str) -> None:
        super().__init__(dir=str(paths.LEARNING_CURVES), dvcyaml=False, save_dvc_exp=False, report=None)
        self._names = {
            "loss": "train/loss",
            "learning_rate": "learning_rate",
            "eval/loss": "eval/loss",
            f"eval/{metric}": f"eval/{metric}",
        }

    def log_metric(self, name: str, *arguments: Any, **options: Any) -> None:
        if name in self._names:
            super().log_metric(self._names[name], *arguments, **options)

    def log_params(self, params: Any) -> None:
        """params.yaml and dvc.lock are the record."""


class CurvesCallback(DVCLiveCallback):  # type: ignore[misc]
    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        self.live.step = state.global_step  # by itself it would count the calls
        super().on_log(args, state, control, **more)


class Examples(torch.utils.data.Dataset[dict[str, Any]]):
    """Rows as the Trainer wants them; `encode` runs when a row is asked for. `lengths`, in tokens, are empty where all rows are of one size."""

    def __init__(
        self, rows: Sequence[Any], encode: Callable[[Any], dict[str, Any]], lengths: Sequence[int] = ()
    ) -> None:
        self._rows = rows
        self._encode = encode
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, place: int) -> dict[str, Any]:
        return self._encode(self._rows[place])


class SimilarLengths(torch.utils.data.Sampler[int]):
    """An order of rows in which every batch holds rows of about one length, and the batches come in random order.

    The Trainer's own `group_by_length` sorts small sets in pieces of a few batches, which pads them to twice the work.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._random = random.Random(seed)

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rows = self._random.sample(range(len(self)), len(self))
        rows.sort(key=self._lengths.__getitem__)  # rows of one length stay in random order
        # A sampler knows rows, not batches: the one short batch, of any length, must come last.
        starts = range(0, len(rows) - len(rows) % self._batch_size, self._batch_size)
        short = self._random.choice([*starts, len(starts) * self._batch_size])
        rest = rows[short : short + len(rows) % self._batch_size]
        del rows[short : short + len(rest)]
        for start in self._random.sample(starts, len(starts)):
            yield from rows[start : start + self._batch_size]
        yield from rest


class BucketTrainer(Trainer):  # type: ignore[misc]
    """The Trainer, with `SimilarLengths` for rows that know their length."""

    def _sampler(self, rows: Examples) -> SimilarLengths:
        return SimilarLengths(rows.lengths, self.args.per_device_train_batch_size, self.args.seed)

    def _get_train_sampler(self, train_dataset: Examples | None = None) -> Any:
        rows = train_dataset or self.train_dataset
        return self._sampler(rows) if rows.lengths else super()._get_train_sampler(rows)

    def _get_eval_sampler(self, eval_dataset: Examples) -> Any:
        return self._sampler(eval_dataset) if eval_dataset.lengths else super()._get_eval_sampler(eval_dataset)


def arguments(params: Any, label_smoothing: float, n_rows: int) -> TrainingArguments:
    steps = -(-n_rows // params.batch_size) * params.epochs
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(CHECKPOINTS),
        num_train_epochs=params.epochs,
        per_device_train_batch_size=params.batch_size,
        per_device_eval_batch_size=params.batch_size,
        learning_rate=params.lr,
        lr_scheduler_type="linear",
        warmup_steps=round(steps * params.finetune.warmup),
        weight_decay=params.finetune.weight_decay,
        label_smoothing_factor=label_smoothing,
        optim="adamw_torch_fused",  # on CPU the default optimiser's step costs as much as a small batch
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        logging_steps=max(1, steps // 40),
        seed=params.seed,
        use_cpu=not gpu,
        bf16=gpu and torch.cuda.is_bf16_supported(),
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=not sys.stderr.isatty(),
    )


def fine_tune(
    model: torch.nn.Module,
    train: Examples,
    validation: Examples,
    collate: Callable[[list[dict[str, Any]]], dict[str, Any]],
    objective: Learnable,
    params: Any,
) -> dict[str, float | int]:
    """Trains `model` in place and leaves it at its best epoch (by validation loss); gives what was measured."""

    def measure(predictions: EvalPrediction) -> dict[str, float]:
        return {objective.metric: objective.measure(predictions.predictions, predictions.label_ids)}

    shutil.rmtree(CHECKPOINTS, ignore_errors=True)
    hide_bars()
    trainer = BucketTrainer(
        model=model,
        args=arguments(params, objective.label_smoothing, len(train)),
        train_dataset=train,
        eval_dataset=validation,
        data_collator=collate,
        compute_metrics=measure,
        compute_loss_func=objective.loss,
        callbacks=[EarlyStoppingCallback(params.finetune.patience), CurvesCallback(live=Curves(objective.metric))],
    )
    trainer.remove_callback(
        PrinterCallback
    )  # where there is no terminal for a progress bar, the stage's last line is enough
    trainer.train()
    shutil.rmtree(CHECKPOINTS, ignore_errors=True)
    return summary(trainer.state.log_history, objective.metric)


def summary(history: Sequence[dict[str, Any]], metric: str) -> dict[str, float | int]:
    evaluations = [entry for entry in history if "eval_loss" in entry]
    best = min(evaluations, key=lambda entry: entry["eval_loss"])
    return {
        "steps": int(history[-1]["step"]),
        "epochs": round(evaluations[-1]["epoch"]),
        "best_epoch": round(best["epoch"]),
        "train_loss": float(history[-1]["train_loss"]),
        "validation_loss": float(best["eval_loss"]),
        f"validation_{metric}": float(best[f"eval_{metric}"]),
    }
