"""Regression on texts or on pairs of texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from stages.contracts import Conclusion
from stages.modalities.text import learner
from stages.modalities.text.learner import AugmentParams, augmenter
from stages.objectives.number import Objective

__all__ = ["AugmentParams", "FinetuneParams", "augmenter", "finetune", "predict"]


class FinetuneParams(learner.FinetuneParams):
    loss: Literal["mse", "mae", "huber"] = Field(description="squared errors, absolute ones, or squared up to one standard deviation and absolute beyond")


def finetune(train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    objective = Objective.of(train["label"].to_pylist(), params.finetune.of("text").loss)
    return learner.finetune(objective, train, validation, params, recipe, folder)


def predict(folder: Path, contents: Sequence[str], batch_size: int) -> Conclusion:
    return learner.predict(Objective, folder, contents, batch_size)
