"""Fine-tunes the model on data/train, watched on data/validation; writes models/finetuned, metrics/training.json and the learning curves."""

from pathlib import Path

import pyarrow as pa
from pydantic import ConfigDict, Field

from stages.contracts.learn import load_task
from stages.core import paths
from stages.core.atomic import new_folder
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, run_stage
from stages.core.tables import read_table
from stages.models.threads import set_threads


class Section(VariantSection):
    variant = ("tasks", "learn", "FinetuneParams")
    weight_decay: float = Field(ge=0, description="AdamW's weight decay")
    warmup: float = Field(
        ge=0, lt=1, description="share of the steps in which the learning rate rises; then it falls to 0"
    )
    patience: int = Field(ge=1, description="epochs without a better validation loss after which training stops")


class Recipe(VariantSection):
    """How content was cleaned, to be saved with the model: what it is served must be cleaned alike."""

    model_config = ConfigDict(extra="ignore")
    variant = ("modalities", "clean", "CleanParams")


class Params(Strict):
    modality: str
    target: str
    model: str = Field(
        min_length=1,
        description="the model to fine-tune: a hub id or a local folder; an architecture where `finetune.image.config` is given",
    )
    lr: float = Field(gt=0, le=1, description="the largest learning rate")
    epochs: int = Field(ge=1, description="passes over the training rows")
    batch_size: int = Field(ge=1, description="rows a step")
    seed: int = Field(ge=0, lt=2**32)
    threads: int = Field(ge=1)
    clean: Recipe
    finetune: Section


def read_rows(folder: Path) -> pa.Table:
    """In the order of ids: another order of the source is no other training."""
    table = read_table(folder, ["id", "content", "label", *(["copy"] if folder == paths.TRAIN else [])])
    return table.sort_by([(name, "ascending") for name in ("id", "copy") if name in table.column_names])


def main(params: Params) -> Counts:
    set_threads(params.threads)
    recipe = {
        "modality": params.modality,
        "target": params.target,
        "clean": params.clean.of(params.modality).model_dump(),
    }
    train, validation = read_rows(paths.TRAIN), read_rows(paths.VALIDATION)
    with new_folder(paths.MODEL) as folder:
        measured = load_task(params.modality, params.target).finetune(train, validation, params, recipe, folder)
    return Counts(train.num_rows, more=measured)


if __name__ == "__main__":
    run_stage("finetune", Params, main, metrics="training")
