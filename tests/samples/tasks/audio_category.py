"""Samples of audio_category."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.training.recipe import write_recipe
from tests.samples.kinds import TaskSamples


def write_audio_model(folder: Path, recipe: Mapping[str, Any]) -> None:
    from transformers import ASTFeatureExtractor, AutoConfig, AutoModelForImageClassification

    sizes = {"num_channels": 1, "embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    AutoModelForImageClassification.from_config(
        AutoConfig.for_model("resnet", num_labels=len(recipe["columns"]), **sizes)
    ).save_pretrained(folder)
    ASTFeatureExtractor(sampling_rate=8_000, num_mel_bins=16, max_length=30).save_pretrained(folder)
    write_recipe(folder, {**recipe, "max_seconds": 0.6, "input": "pixel_values", "gives_shares": False})


SAMPLES = TaskSamples(
    augment={"speed": 0.2, "shift": 0.1, "gain": 6.0, "noise": 10.0, "gap": 0.2, "band": 0.2},
    wildest={"speed": 0.5, "shift": 10.0, "gain": 20.0, "noise": 0.0, "gap": 0.99, "band": 0.99},
    write_model=write_audio_model,
    recipe={"columns": ["fruit", "tool"]},
    label_of=lambda content: "fruit" if len(content) % 2 else "tool",
)
