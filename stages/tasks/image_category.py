"""Image classification."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts import Conclusion
from stages.modalities.image import learner
from stages.modalities.image.learner import AugmentParams, augmenter
from stages.objectives.category import Objective

__all__ = ["AugmentParams", "FinetuneParams", "augmenter", "finetune", "predict"]


class FinetuneParams(learner.FinetuneParams):
    label_smoothing: float = Field(ge=0, lt=1, description="how much of a label's weight is spread over all classes")


def finetune(train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    objective = Objective.of(train["label"].to_pylist(), params.finetune.of("image").label_smoothing)
    return learner.finetune(objective, train, validation, params, recipe, folder)


def predict(folder: Path, contents: Sequence[bytes], batch_size: int) -> Conclusion:
    return learner.predict(Objective, folder, contents, batch_size)
