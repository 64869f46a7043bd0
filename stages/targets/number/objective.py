"""Learning a number per row.

The targets of the loss are standardised labels; the prediction is a number and quantiles of the label.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion, RowWeights
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors

if TYPE_CHECKING:
    import torch

LARGEST_STD = 1e150  # of labels; the squares of larger ones are infinite, those of a small part of one are 0
LEVELS = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


class ObjectiveParams(Strict):
    loss: Literal["mse", "mae", "huber"] = Field(
        description="mse: squared errors; mae: absolute errors; "
        "huber: squared up to one standard deviation of the labels, absolute beyond"
    )


@dataclass(frozen=True)
class Objective:
    """Regression on standardised labels."""

    mean: float  # of the training labels
    std: float  # of the training labels
    loss_name: Literal["mse", "mae", "huber"] = "mse"
    errors: Sequence[float] = (0.0,) * len(LEVELS)  # the quantiles of label minus prediction, at LEVELS

    columns = ("predicted",)
    metric = "pearson"
    label_smoothing = 0.0
    tunable = True

    @classmethod
    def of(cls, labels: Sequence[float], params: ObjectiveParams | None = None) -> Self:
        """The objective for these training labels.

        Raises:
            InputError: all labels are equal, or lie too far apart or too near to each other for arithmetic.
        """
        low, high = min(labels), max(labels)
        if low == high:
            raise InputError(
                f"training rows: all labels are {low}, so there is nothing to learn; see collect.columns.label"
            )
        with np.errstate(over="ignore", invalid="ignore"):  # such a deviation is infinite or NaN
            mean, std = float(np.mean(labels)), float(np.std(labels))
        if not 1 / LARGEST_STD <= std <= LARGEST_STD:
            limits = "" if std < 1 else ", or set clean.label.minimum and clean.label.maximum"
            raise InputError(
                f"training rows: labels from {low} to {high} cannot be computed with, as the computer has no numbers "
                f"for their squares; write them in another unit{limits}"
            )
        return cls(mean, std, params.loss if params else "mse")

    @property
    def loss(self) -> "Callable[..., torch.Tensor]":
        """The loss of standardised numbers; the Huber loss is linear from one standard deviation on."""
        import torch
        import torch.nn.functional as F

        losses: dict[str, Callable[..., torch.Tensor]] = {"mse": F.mse_loss, "mae": F.l1_loss, "huber": F.huber_loss}

        def loss(output: Any, targets: "torch.Tensor", num_items_in_batch: Any = None) -> "torch.Tensor":
            return losses[self.loss_name](output["logits"].squeeze(-1).float(), targets)

        return loss

    def config(self) -> dict[str, Any]:
        return {"num_labels": 1, "problem_type": "regression"}

    def targets(self, labels: Sequence[float]) -> list[float]:
        """The standardised labels."""
        return [(label - self.mean) / self.std for label in labels]

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]) -> float:
        """Pearson's correlation; 0 if it is undefined."""
        predicted = logits.squeeze(-1)
        if not (predicted.std() and targets.std()):
            return 0.0
        return float(np.corrcoef(predicted, targets)[0, 1])

    def first_head(
        self, vectors: Vectors, targets: Sequence[float], C: float, row_weights: RowWeights = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_ridge

        probe = fit_ridge(vectors, np.array(targets), C, row_weights)
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[Any]) -> Predictions:
        """Predicted numbers in the unit of the labels, (n_rows, 1)."""
        return np.asarray(logits.astype(np.float64) * self.std + self.mean)

    def tuned(self, labels: Sequence[float], outputs: Predictions) -> Self:
        """A copy with the quantiles of the errors: split conformal prediction (Lei et al. 2018)."""
        errors = np.quantile(np.asarray(labels) - outputs[:, 0], list(LEVELS.values()), method="linear")
        return replace(self, errors=tuple(errors.tolist()))

    def conclude(self, outputs: Predictions) -> Conclusion:
        quantiles = outputs + np.asarray(self.errors)
        return Conclusion(outputs[:, 0].tolist(), np.hstack([outputs, quantiles]), [*self.columns, *LEVELS])

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns, "mean": self.mean, "std": self.std, "errors": self.errors}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["mean"], recipe["std"], errors=recipe["errors"])
