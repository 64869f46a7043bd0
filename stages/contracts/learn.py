"""How a model is fine-tuned: stages/tasks/<modality>_<target>/learn.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import pyarrow as pa
from pydantic import BaseModel

from stages.contracts._coverage import Coverage
from stages.core import variants
from stages.core.tables import Content


class Task(Protocol):
    """A modality and a target together."""

    FinetuneParams: type[BaseModel]  # the section finetune.<modality> of params.yaml

    def finetune(
        self, train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path
    ) -> dict[str, float | int]:
        """Writes a model for plain transformers and its recipe into `folder`; returns metrics of the training."""

    def measure(self, contents: Sequence[Content], params: Any) -> Coverage:
        """How much of the training contents the model reads; params are those of `finetune`."""


def load_task(modality: str, target: str) -> Task:
    return cast(Task, variants.load("tasks", f"{modality}_{target}", "learn"))
