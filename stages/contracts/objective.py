"""What a model is trained towards: the class `Objective` of stages/targets/<name>/objective.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import numpy as np
import numpy.typing as npt

from stages.core import variants
from stages.core.tables import Label, Predictions, Vectors

if TYPE_CHECKING:
    import torch

RowWeights = npt.NDArray[np.float64] | None  # (n_rows,); None if all rows count the same


@dataclass(frozen=True)
class Conclusion:
    """The predicted labels of rows, with the numbers that they follow from."""

    labels: Sequence[Label]
    predictions: Predictions
    columns: Sequence[str]  # the names of the columns of `predictions`


class Objective(Protocol):
    """Converts labels into the targets of a loss, and logits into outputs and labels.

    It also fits the probe, a linear model on frozen embeddings. It knows no metric, so that editing a metric trains
    nothing.
    """

    @property
    def columns(self) -> Sequence[str]:
        """The names of the outputs."""

    @classmethod
    def of(cls, labels: Sequence[Any], params: Any = None) -> Self:
        """The objective for these training labels.

        Args:
            params: has the keys of its ObjectiveParams; None if they make no difference to the caller.
        """

    def targets(self, labels: Sequence[Any]) -> list[Any]:
        """The target of the loss for each row."""

    def first_head(
        self, vectors: Vectors, targets: Sequence[Any], C: float, row_weights: RowWeights = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weights (n_outputs, dim) and bias (n_outputs,) of the probe. The head of a model may start from them.

        Args:
            C: the inverse of the regularisation strength.
            row_weights: how much each row counts in the fit.
        """

    def outputs(self, logits: npt.NDArray[Any]) -> Predictions:
        """Converts the logits of the probe or of a model into outputs, (n_rows, n_outputs)."""

    def tuned(self, labels: Sequence[Any], outputs: Predictions) -> Self:
        """A copy with thresholds fitted on labelled rows the model has not seen."""

    def conclude(self, outputs: Predictions) -> Conclusion:
        """Converts outputs into labels."""


class Learnable(Objective, Protocol):
    """An objective that a model can be fine-tuned towards."""

    @property
    def metric(self) -> str:
        """The name of the value of `measure`."""

    @property
    def tunable(self) -> bool:
        """Whether `tuned` changes anything."""

    @property
    def label_smoothing(self) -> float:
        """The share of a label's weight that the Trainer spreads over all classes."""

    @property
    def loss(self) -> "Callable[..., torch.Tensor] | None":
        """The loss of a model's output and the targets; None for the cross-entropy of transformers.

        The Trainer calls it with `num_items_in_batch`.
        """

    def config(self) -> dict[str, Any]:
        """The keys of a transformers config that describe the outputs."""

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[Any]) -> float:
        """The value of `metric` on validation rows, for the learning curves."""

    def recipe(self) -> dict[str, Any]:
        """The values that `from_recipe` needs; they are saved with the model."""

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        """The objective of a saved model."""


def load_objective(target: str) -> type[Objective]:
    return cast(type[Objective], variants.load("targets", target, "objective").Objective)
