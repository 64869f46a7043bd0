"""Fine-tunes a vision model on images, pretrained or from a config."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts.objective import Conclusion, Learnable
from stages.core.params import Strict
from stages.training.recipe import read_recipe, write_recipe


class FinetuneParams(Strict):
    size: int = Field(ge=8, description="side of the model's input, in pixels")
    config: dict[str, Any] | None = Field(
        description="with a config, `model` names an architecture that starts from random weights; null: pretrained"
    )


def finetune(
    towards: type[Learnable],
    train: pa.Table,
    validation: pa.Table,
    params: Any,
    recipe: Mapping[str, Any],
    folder: Path,
) -> dict[str, float | int]:
    """Meets contracts.learn.Task for any objective on whole images."""
    import torch
    from transformers import set_seed

    from stages.modalities.image.content import decode
    from stages.modalities.image.encode.images import run_model
    from stages.training.trainer import Examples, fine_tune

    set_seed(params.seed)
    own = params.finetune.of("image")
    objective = towards.of(train["label"].to_pylist(), own)
    model, processor = first_model(params.model, own, objective)

    def examples(rows: pa.Table) -> Examples:
        targets = objective.targets(rows["label"].to_pylist())
        return Examples(
            list(zip(rows["content"].to_pylist(), targets, strict=True)),
            lambda row: {"content": row[0], "labels": row[1]},
        )

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        images = processor([decode(row["content"]) for row in batch], return_tensors="pt")["pixel_values"]
        return {"pixel_values": images, "labels": torch.tensor([row["labels"] for row in batch])}

    measured = fine_tune(model, examples(train), examples(validation), collate, objective, params)
    if objective.tunable:
        logits = run_model(model, processor, validation["content"].to_pylist(), params.batch_size)
        objective = objective.tuned(validation["label"].to_pylist(), objective.outputs(logits))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    write_recipe(folder, {**recipe, **objective.recipe()})
    return measured


def first_model(name: str, own: FinetuneParams, objective: Learnable) -> tuple[Any, Any]:
    """The model and its processor: pretrained; or, with a config, of that architecture with random weights."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification, ViTImageProcessorPil

    from stages.models import pretrained

    size = {"height": own.size, "width": own.size}
    if own.config is None:
        labels = {**objective.config(), "ignore_mismatched_sizes": True}
        model = pretrained.load(AutoModelForImageClassification, name, use_safetensors=True, **labels)
        return model, pretrained.load(AutoImageProcessor, name, backend="pil", size=size)
    with pretrained.building(name, "finetune.image.config"):
        model = AutoModelForImageClassification.from_config(
            pretrained.new_config(name, own.config, **objective.config())
        )
        with torch.inference_mode():  # layers that do not fit together show when they run
            model.eval()(torch.zeros(1, 3, own.size, own.size))
    return model, ViTImageProcessorPil(size=size)


def predict(towards: type[Learnable], folder: Path, contents: Sequence[bytes], batch_size: int) -> Conclusion:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    from stages.modalities.image.encode.images import run_model
    from stages.models import pretrained

    processor = pretrained.load(AutoImageProcessor, str(folder), backend="pil")
    model = pretrained.load(AutoModelForImageClassification, str(folder), use_safetensors=True)
    model.to(pretrained.device())
    objective = towards.from_recipe(read_recipe(folder))
    return objective.conclude(objective.outputs(run_model(model, processor, contents, batch_size)))
