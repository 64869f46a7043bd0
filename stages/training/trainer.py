"""The part of fine-tuning that all tasks share: the Trainer of transformers, its arguments and the learning curves."""

import math
import random
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_pt_utils import LabelSmoother

from stages.contracts.objective import Learnable, RowWeights
from stages.core import paths
from stages.core.errors import InputError
from stages.core.inert import write_csv
from stages.models.pretrained import hide_bars

CHECKPOINTS = paths.MODEL.with_name(".checkpoints")  # not one of DVC's outs; removed when training ends


class FiniteLoss(TrainerCallback):  # type: ignore[misc]
    """Stops a training that diverged: its model is of no use."""

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **more: Any) -> None:
        """Is called with the losses of training and of validation; those of validation come after each epoch."""
        for key, rows in (("loss", "training"), ("eval_loss", "validation")):
            loss = more["logs"].get(key, 0.0)
            if not math.isfinite(loss):
                raise InputError(
                    f"lr: the loss of {rows} is {loss} after step {state.global_step}, so the model is of no use; "
                    f"give a lower lr (it is {args.learning_rate:g}), or look for extreme labels"
                )


def row_weights(rows: pa.Table) -> RowWeights:
    """The column `weight`, which only training rows have."""
    if "weight" not in rows.column_names:
        return None
    weights = rows["weight"].to_numpy()
    return weights if (weights != 1).any() else None


class Examples(torch.utils.data.Dataset[dict[str, Any]]):
    """A dataset that encodes a row when it is accessed.

    Args:
        lengths: in tokens; empty if all rows have the same size.
        weights: how much each row counts in the loss. They are scaled to a mean of 1 over all rows, not over a batch:
            what a row counts does not depend on the rows beside it.
    """

    def __init__(
        self,
        rows: Sequence[Any],
        encode: Callable[[Any], dict[str, Any]],
        lengths: Sequence[int] = (),
        weights: RowWeights = None,
    ) -> None:
        self._rows = rows
        self._encode = encode
        self._weights = None if weights is None else (weights / weights.mean()).astype(np.float32)
        self.lengths = lengths

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        encoded = self._encode(self._rows[index])
        return encoded if self._weights is None else {**encoded, "weight": self._weights[index]}


def with_weights(collate: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Adds `weights` to a batch, if its rows have one."""

    def collate_with_weights(rows: list[dict[str, Any]]) -> dict[str, Any]:
        batch = collate(rows)
        if "weight" in rows[0]:
            batch["weights"] = torch.tensor([row["weight"] for row in rows])
        return batch

    return collate_with_weights


class SimilarLengths(torch.utils.data.Sampler[int]):
    """Batches of rows with similar lengths, in random order.

    `group_by_length` of the Trainer sorts small datasets in chunks of a few batches, whose padding doubles the work.
    """

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._batch_size = batch_size
        self._random = random.Random(seed)

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rows = self._random.sample(range(len(self)), len(self))
        rows.sort(key=self._lengths.__getitem__)  # rows with equal lengths stay in random order
        # A sampler yields rows, not batches: the one incomplete batch must come last. Its rows are taken from
        # a random position, and so of any length.
        n_left_over = len(rows) % self._batch_size
        starts = range(0, len(rows) - n_left_over, self._batch_size)
        cut = self._random.choice([*starts, len(starts) * self._batch_size])
        left_over = rows[cut : cut + n_left_over]
        del rows[cut : cut + n_left_over]
        for start in self._random.sample(starts, len(starts)):
            yield from rows[start : start + self._batch_size]
        yield from left_over


def drops_last(model: torch.nn.Module, n_rows: int, batch_size: int) -> bool:
    """Whether the last batch of an epoch is left out: it has one row, and batch normalisation needs two.

    Raises:
        InputError: all batches have one row.
    """
    model.train()  # batch normalisation with frozen statistics does not follow
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    if not any(norm.training for norm in norms):
        return False
    if batch_size == 1:
        raise InputError("batch_size: 1, but the model normalises over the rows of a batch; give 2 or more")
    if n_rows == 1:
        raise InputError(
            f"{paths.TRAIN}: 1 row, but the model normalises over the rows of a batch; give more training rows"
        )
    return n_rows % batch_size == 1


class BucketTrainer(Trainer):  # type: ignore[misc]
    """The Trainer, with `SimilarLengths` as sampler if the examples have lengths.

    The loss is weighted if the examples have weights.
    """

    def compute_loss(
        self, model: torch.nn.Module, inputs: dict[str, torch.Tensor], *given: Any, **more: Any
    ) -> torch.Tensor | tuple[torch.Tensor, Any]:
        """The mean of the weighted losses that batches of one row would have; without weights, the Trainer's own."""
        if "weights" not in inputs:  # as in validation
            own: torch.Tensor | tuple[torch.Tensor, Any] = super().compute_loss(model, inputs, *given, **more)
            return own
        weights, labels = inputs.pop("weights"), inputs.pop("labels")
        logits = model(**inputs)["logits"]
        loss = self.compute_loss_func or LabelSmoother(self.args.label_smoothing_factor)  # 0 is plain cross-entropy
        losses = [loss({"logits": logits[[row]]}, labels[[row]]) for row in range(len(labels))]
        mean: torch.Tensor = (weights * torch.stack(losses)).mean()
        return mean

    def get_train_dataloader(self) -> Any:
        """The batches of an epoch; a last batch that is too small is left out. That of validation never is."""
        n_rows, batch_size = len(self.train_dataset), self.args.per_device_train_batch_size
        self.args.dataloader_drop_last = drops_last(self.model, n_rows, batch_size)
        batches = super().get_train_dataloader()
        self.args.dataloader_drop_last = False
        return batches

    def _sampler(self, rows: Examples) -> SimilarLengths:
        return SimilarLengths(rows.lengths, self.args.per_device_train_batch_size, self.args.seed)

    def _get_train_sampler(self, train_dataset: Examples | None = None) -> Any:
        rows = train_dataset or self.train_dataset
        return self._sampler(rows) if rows.lengths else super()._get_train_sampler(rows)

    def _get_eval_sampler(self, eval_dataset: Examples) -> Any:
        return self._sampler(eval_dataset) if eval_dataset.lengths else super()._get_eval_sampler(eval_dataset)


def arguments(params: Any, label_smoothing: float, n_rows: int) -> TrainingArguments:
    """The arguments of the Trainer for `n_rows` training rows."""
    n_steps = math.ceil(n_rows / params.batch_size) * params.epochs
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(CHECKPOINTS),
        num_train_epochs=params.epochs,
        per_device_train_batch_size=params.batch_size,
        per_device_eval_batch_size=params.batch_size,
        learning_rate=params.lr,
        lr_scheduler_type="linear",
        warmup_steps=round(n_steps * params.finetune.warmup),
        weight_decay=params.finetune.weight_decay,
        label_smoothing_factor=label_smoothing,
        optim="adamw_torch_fused",  # on CPU, a step of the default optimiser takes as long as a small batch
        eval_strategy="epoch",
        save_strategy="epoch",
        save_total_limit=1,
        save_only_model=True,
        load_best_model_at_end=True,
        metric_for_best_model="loss",
        logging_steps=max(1, n_steps // 40),
        logging_nan_inf_filter=False,  # it would log a loss without the steps where it is NaN
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
    """Trains `model` in place and restores the epoch with the lowest validation loss; returns metrics."""

    def measure(predictions: EvalPrediction) -> dict[str, float]:
        return {objective.metric: objective.measure(predictions.predictions, predictions.label_ids)}

    shutil.rmtree(CHECKPOINTS, ignore_errors=True)
    hide_bars()
    trainer = BucketTrainer(
        model=model,
        args=arguments(params, objective.label_smoothing, len(train)),
        train_dataset=train,
        eval_dataset=validation,
        data_collator=with_weights(collate),
        compute_metrics=measure,
        compute_loss_func=objective.loss,
        callbacks=[FiniteLoss(), EarlyStoppingCallback(params.finetune.patience)],
    )
    trainer.remove_callback(PrinterCallback)  # it prints if there is no terminal; the stage's last line is enough
    try:
        trainer.train()
    finally:
        shutil.rmtree(CHECKPOINTS, ignore_errors=True)
    curves = learning_curves(trainer.state.log_history, objective.metric)
    write_csv(paths.LEARNING_CURVES, curves)
    return summary(trainer.state.log_history, objective.metric)


def learning_curves(history: Sequence[dict[str, Any]], metric: str) -> pd.DataFrame:
    """`curve`, `step`, `value` from the log history of the Trainer; without times, which differ in every run."""
    names = {
        "loss": "training loss",
        "eval_loss": "validation loss",
        f"eval_{metric}": f"validation {metric}",
        "learning_rate": "learning rate",
    }
    points = []
    for key, curve in names.items():
        points += [(curve, entry["step"], entry[key]) for entry in history if key in entry]
    return pd.DataFrame(points, columns=["curve", "step", "value"])


def summary(history: Sequence[dict[str, Any]], metric: str) -> dict[str, float | int]:
    """The metrics of the training from the log history of the Trainer; those of validation are from the best epoch."""
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
