"""Fine-tunes an image model: a pretrained one, or an architecture with random weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts._coverage import Coverage
from stages.contracts.objective import Learnable
from stages.training.recipe import write_recipe
from stages.training.start import Start


class FinetuneParams(Start):
    size: int = Field(ge=8, description="width and height of the model's input, in pixels")


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

    from stages.modalities.image.network.frontend import ImageFrontend
    from stages.models.batches import stacked
    from stages.models.network import as_tensors
    from stages.training.outputs import tuned
    from stages.training.probe_head import start_head
    from stages.training.trainer import Examples, fine_tune, row_weights

    set_seed(params.seed)
    section = params.finetune.of("image")
    objective = towards.of(train["label"].to_pylist(), section)
    model, processor = first_model(params.model, section, objective)
    frontend = ImageFrontend(processor)

    def examples(rows: pa.Table) -> Examples:
        targets = objective.targets(rows["label"].to_pylist())
        pairs = zip(rows["content"].to_pylist(), targets, strict=True)
        inputs = [{"content": content, "labels": target} for content, target in pairs]
        return Examples(inputs, dict, weights=row_weights(rows))

    def as_batch(contents: Sequence[bytes]) -> dict[str, Any]:
        return as_tensors(stacked([frontend.inputs(content) for content in contents]))

    def collate(batch: list[dict[str, Any]]) -> dict[str, Any]:
        return as_batch([row["content"] for row in batch]) | {"labels": torch.tensor([row["labels"] for row in batch])}

    if section.head_init == "probe":
        start_head(model, as_batch, train, params.batch_size, objective, section.probe_C)
    metrics = fine_tune(model, examples(train), examples(validation), collate, objective, params)
    objective = tuned(objective, model, frontend, validation, params.batch_size)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    write_recipe(folder, {**recipe, **objective.recipe()})
    return metrics


def measure(contents: Sequence[bytes], params: Any) -> Coverage:
    """Meets contracts.learn.Task: nothing, as an image is scaled, not cut."""
    return Coverage()


def first_model(name: str, section: FinetuneParams, objective: Learnable) -> tuple[Any, Any]:
    """The model with a new head, and its image processor; with a config, an architecture with random weights."""
    import torch
    from transformers import AutoImageProcessor, AutoModelForImageClassification, ViTImageProcessorPil

    from stages.modalities.image.encode.images import check_reads_images
    from stages.models import pretrained
    from stages.models.layers import freeze, freeze_statistics

    size = {"height": section.size, "width": section.size}
    if section.config is None:
        model = pretrained.load_weights(AutoModelForImageClassification, name, **objective.config()).model
        check_reads_images(name, model)
        freeze(model.base_model, section.frozen_layers, "finetune.image.frozen_layers")
        freeze_statistics(model)
        return model, pretrained.load(AutoImageProcessor, name, backend="pil", size=size)
    with pretrained.building(name, "finetune.image.config"):
        config = pretrained.new_config(name, section.config, **objective.config())
        model = AutoModelForImageClassification.from_config(config)
        with torch.inference_mode():  # layers with mismatched shapes fail only when they run
            model.eval()(torch.zeros(1, 3, section.size, section.size))
    return model, ViTImageProcessorPil(size=size)
