"""What a model says of the validation rows once it is trained."""

from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts._network import Frontend
from stages.contracts.objective import Learnable
from stages.models.batches import run
from stages.models.network import logits_of


def tuned(objective: Learnable, model: Any, frontend: Frontend, validation: pa.Table, batch_size: int) -> Learnable:
    """The objective with what it learns from outputs for rows that the model has not seen, such as thresholds."""
    if not objective.tunable:
        return objective
    logits = np.stack(run(logits_of(model), frontend, validation["content"].to_pylist(), batch_size, "tune"))
    return objective.tuned(validation["label"].to_pylist(), objective.outputs(logits))
