"""A saved model as a function of cleaned contents: the only way from a content to a prediction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stages.contracts._network import Frontend, Network
from stages.contracts.objective import Conclusion, Learnable
from stages.contracts.serve import load_server
from stages.core.tables import Content, ragged
from stages.models.batches import run
from stages.training.recipe import read_recipe


@dataclass(frozen=True)
class Predictor:
    frontend: Frontend
    network: Network
    objective: Learnable

    def predict(self, contents: Sequence[Content], batch_size: int) -> Conclusion:
        """The predictions for cleaned contents, at least one. The bits of a row do not depend on the other rows."""
        logits = run(self.network, self.frontend, contents, batch_size, "predict")
        one_per_row = logits[0].ndim == 1  # else one per token
        return self.objective.conclude(self.objective.outputs(np.stack(logits) if one_per_row else ragged(logits)))


def load_predictor(folder: Path) -> Predictor:
    """The model that finetune wrote into `folder`, with its weights in memory.

    Raises:
        InputError: the folder holds no such model.
    """
    from stages.models.network import logits_of

    recipe = read_recipe(folder)
    server = load_server(recipe["modality"], recipe["target"])
    frontend = server.load_frontend(folder, recipe)
    network = logits_of(server.load_network(folder, recipe))
    return Predictor(frontend, network, server.Objective.from_recipe(recipe))
