"""What all tasks on images share: augmentation, and a fine-tuned vision model or a small one that starts from a config."""

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field

from stages.contracts import Conclusion, Content, Label, Learnable
from stages.model_folder import read_recipe, write_recipe
from stages.params import Strict


class AugmentParams(Strict):
    flip: bool = Field(description="left and right changed, every other time")
    rotate: float = Field(ge=0, le=180, description="the largest turn, in degrees; 0: none")
    crop: float = Field(ge=0, lt=1, description="the largest zoom and shift, as a share of the side; 0: none")
    colour: float = Field(ge=0, le=1, description="the largest change of brightness, contrast and saturation; 0: none")
    noise: float = Field(ge=0, le=1, description="the largest standard deviation of noise, as a share of the range; 0: none")


class FinetuneParams(Strict):
    size: int = Field(ge=8, description="side of the model's input, in pixels")
    config: dict[str, Any] | None = Field(description="with a config, `model` names an architecture that starts from random weights; null: pretrained")


def augmenter(params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Copies changed by every switch that is on."""
    from stages.modalities.image.content import decode

    changes = compose(params)

    def augment(content: bytes, label: Label, seed: int) -> tuple[bytes, Label]:
        for place, change in enumerate(changes.transforms):  # Compose would give all of them one seed: then they come together, or not at all
            change.set_random_seed((seed + place) % 2**32)
        return as_png(changes(image=np.asarray(decode(content)))["image"]), label

    return augment


def compose(params: AugmentParams) -> Any:
    import os

    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it calls home when it is imported
    import albumentations as A
    import cv2

    white = {"border_mode": cv2.BORDER_CONSTANT, "fill": 255}
    steps: list[Any] = []
    if params.flip:
        steps.append(A.HorizontalFlip(p=0.5))
    if params.rotate:
        steps.append(A.Rotate(limit=params.rotate, p=0.8, **white))
    if params.crop:
        steps.append(A.Affine(scale=(1 - params.crop, 1 + params.crop), translate_percent=(-params.crop, params.crop), p=0.8, **white))
    if params.colour:
        steps.append(A.ColorJitter(params.colour, params.colour, params.colour, params.colour / 4, p=0.8))
    if params.noise:
        steps.append(A.GaussNoise(std_range=(0, params.noise), p=0.5))
    return A.Compose(steps)


def as_png(pixels: Any) -> bytes:
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return png.getvalue()


def finetune(objective: Learnable, train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    """As contracts.Task says, towards any objective on whole images."""
    import torch
    from transformers import set_seed

    from stages.modalities.image.content import decode
    from stages.modalities.image.encoder import run_model
    from stages.training import Examples, fine_tune

    set_seed(params.seed)
    model, processor = first_model(params.model, params.finetune.of("image"), objective)

    def examples(rows: pa.Table) -> Examples:
        targets = objective.targets(rows["label"].to_pylist())
        return Examples(list(zip(rows["content"].to_pylist(), targets, strict=True)), lambda row: {"content": row[0], "labels": row[1]})

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

    from stages import pretrained

    size = {"height": own.size, "width": own.size}
    if own.config is None:
        labels = {**objective.config(), "ignore_mismatched_sizes": True}
        model = pretrained.load(AutoModelForImageClassification, name, use_safetensors=True, **labels)
        return model, pretrained.load(AutoImageProcessor, name, backend="pil", size=size)
    with pretrained.building(name, "finetune.image.config"):
        model = AutoModelForImageClassification.from_config(pretrained.new_config(name, own.config, **objective.config()))
        with torch.inference_mode():  # layers that do not fit together show when they run
            model.eval()(torch.zeros(1, 3, own.size, own.size))
    return model, ViTImageProcessorPil(size=size)


def predict(objective: type[Learnable], folder: Path, contents: Sequence[bytes], batch_size: int) -> Conclusion:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    from stages import pretrained
    from stages.modalities.image.encoder import run_model

    processor = pretrained.load(AutoImageProcessor, str(folder), backend="pil")
    model = pretrained.load(AutoModelForImageClassification, str(folder), use_safetensors=True)
    model.to(pretrained.device())
    towards = objective.from_recipe(read_recipe(folder))
    return towards.conclude(towards.outputs(run_model(model, processor, contents, batch_size)))
