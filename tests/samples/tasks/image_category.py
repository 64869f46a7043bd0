"""Samples of image_category."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.training.recipe import write_recipe
from tests.samples.kinds import TaskSamples


def write_image_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import AutoConfig, AutoModelForImageClassification, ViTImageProcessorPil

    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    AutoModelForImageClassification.from_config(
        AutoConfig.for_model("resnet", num_labels=len(recipe["columns"]), **sizes)
    ).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 24, "width": 24}).save_pretrained(folder)
    write_recipe(folder, recipe)


SAMPLES = TaskSamples(
    augment={"flip": True, "rotate": 20.0, "crop": 0.2, "colour": 0.3, "noise": 0.2},
    wildest={"flip": True, "rotate": 180.0, "crop": 0.99, "colour": 1.0, "noise": 1.0},
    write_model=write_image_model,
    recipe={"columns": ["fruit", "tool"]},
    label_of=lambda content: "fruit" if len(content) % 2 else "tool",
)
