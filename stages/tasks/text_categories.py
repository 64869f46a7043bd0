"""Multi-label classification of texts or of pairs of texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts import Conclusion
from stages.modalities.text import learner
from stages.modalities.text.learner import AugmentParams, augmenter
from stages.objectives.categories import Objective

__all__ = ["AugmentParams", "FinetuneParams", "augmenter", "finetune", "predict"]


class FinetuneParams(learner.FinetuneParams):
    positive_weight: float = Field(
        ge=0, le=1, description="how far the loss makes up for rare labels: 0 not at all, 1 until rows with and without a label weigh the same"
    )


def finetune(train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
    objective = Objective.of(train["label"].to_pylist(), params.finetune.of("text").positive_weight)
    return learner.finetune(objective, train, validation, params, recipe, folder)


def predict(folder: Path, contents: Sequence[str], batch_size: int) -> Conclusion:
    return learner.predict(Objective, folder, contents, batch_size)
