"""Regression on texts or on pairs of texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from stages.contracts import Conclusion
from stages.learners import text
from stages.learners.text import AugmentParams, augmenter
from stages.objectives.number import Objective

__all__ = ["AugmentParams", "FinetuneParams", "augmenter", "finetune", "predict"]


class FinetuneParams(text.FinetuneParams):
    loss: Literal["mse", "mae", "huber"] = Field(description="squared errors, absolute ones, or squared up to one standard deviation and absolute beyond")


def finetune(train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    objective = Objective.of(train["label"].to_pylist(), params.finetune.of("text").loss)
    return text.finetune(objective, train, validation, params, recipe, folder)


def predict(folder: Path, contents: Sequence[str], batch_size: int) -> Conclusion:
    return text.predict(Objective, folder, contents, batch_size)
