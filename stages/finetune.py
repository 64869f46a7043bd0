"""Fine-tunes the model on data/train, with early stopping by the loss on data/validation.

Writes models/finetuned, metrics/training.json and the learning curves.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow as pa
from pydantic import ConfigDict, Field

from stages.contracts.learn import load_task
from stages.core import paths
from stages.core.atomic import new_folder
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, run_stage
from stages.core.tables import read_table
from stages.core.words import counted
from stages.models.threads import set_threads


class Section(VariantSection):
    variant = ("tasks", "learn", "FinetuneParams")
    weight_decay: float = Field(ge=0, description="AdamW's weight decay")
    warmup: float = Field(
        ge=0,
        lt=1,
        description="share of the steps in which the learning rate rises linearly; after them it falls linearly to 0",
    )
    patience: int = Field(ge=1, description="epochs without a lower validation loss after which training stops")


class Recipe(VariantSection):
    """How content was cleaned. This is saved with the model, as served content must be cleaned in the same way."""

    model_config = ConfigDict(extra="ignore")
    variant = ("modalities", "clean", "CleanParams")


class Params(Strict):
    modality: str
    target: str
    model: str = Field(
        min_length=1,
        description="the model to fine-tune: one that is installed as a package (see docs/data.md), a local folder, "
        "or `owner/name@commit` on the hub; "
        "an architecture of transformers if `finetune.image.config` or `finetune.audio.config` is set",
    )
    lr: float = Field(gt=0, le=1, description="the highest learning rate, at the end of the warmup")
    epochs: int = Field(ge=1, description="passes over the training rows")
    batch_size: int = Field(ge=1, description="training rows per step")
    seed: int = Field(ge=0, lt=2**32)
    threads: int = Field(ge=1)
    clean: Recipe
    finetune: Section


def read_rows(folder: Path) -> pa.Table:
    """The rows in the order of ids and copies, so that the training does not depend on the order of the source."""
    keys, more = (["id", "copy"], ["weight"]) if folder == paths.TRAIN else (["id"], [])
    table = read_table(folder, [*keys, "content", "label", *more])
    return table.sort_by([(key, "ascending") for key in keys])


def sentences(metrics: Mapping[str, float], n_rows: int) -> Iterator[str]:
    epochs, steps = counted(int(metrics["epochs"]), "epoch"), counted(int(metrics["steps"]), "step")
    yield f"trained on {counted(n_rows, 'row')} for {epochs} ({steps}), with a mean loss of {metrics['train_loss']:.3f}"
    scores = [
        f"{name.removeprefix('validation_')} {value:.3f}"
        for name, value in metrics.items()
        if name.startswith("validation_")
    ]
    yield f"kept epoch {metrics['best_epoch']:.0f}, which has the lowest loss on validation: {', '.join(scores)}"


def main(params: Params) -> Counts:
    set_threads(params.threads)
    recipe = {
        "modality": params.modality,
        "target": params.target,
        "clean": params.clean.of(params.modality).model_dump(),
    }
    task = load_task(params.modality, params.target)
    train, validation = read_rows(paths.TRAIN), read_rows(paths.VALIDATION)
    with new_folder(paths.MODEL) as folder:
        metrics = task.finetune(train, validation, params, recipe, folder)
    coverage = task.measure(train["content"].to_pylist(), params)
    found = [*sentences(metrics, train.num_rows), *coverage.found(train.num_rows)]
    return Counts(train.num_rows, more={**metrics, **coverage.metrics}, warnings=coverage.warnings, found=found)


if __name__ == "__main__":
    run_stage("finetune", Params, main, metrics="training")
