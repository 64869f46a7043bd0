"""Learning any number of categories per row.

The targets of the loss are a yes or no per class; the prediction is the classes that reach their thresholds.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, compress
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion, RowWeights
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors

if TYPE_CHECKING:
    import torch


class ObjectiveParams(Strict):
    positive_weight: float = Field(
        ge=0,
        le=1,
        description="how far the loss compensates for rare labels: 0 not at all; "
        "1 until the rows with a label weigh as much as those without it",
    )


@dataclass(frozen=True)
class Objective:
    """Binary cross-entropy for each class."""

    columns: Sequence[str]  # the classes, sorted
    positive_weights: Sequence[
        float
    ] = ()  # per class: the weight in the loss of a row that has it; others have weight 1
    thresholds: Sequence[float] = ()  # per class: a row has it if its probability reaches this

    metric = "f1_macro"
    label_smoothing = 0.0
    tunable = True

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]], params: ObjectiveParams | None = None) -> Self:
        """The objective for these training labels.

        Raises:
            InputError: no row has a label.
        """
        n_positives = Counter(chain.from_iterable(labels))
        if not n_positives:
            raise InputError(
                "training rows: none of them has a label; "
                "see clean.label.drop, collect.columns.label and collect.label_format"
            )
        power = params.positive_weight if params else 0.0
        columns = sorted(n_positives)
        weights = []
        for name in columns:
            n_negatives = len(labels) - n_positives[name]
            weights.append((max(n_negatives, 1) / n_positives[name]) ** power)
        return cls(columns, weights, [0.5] * len(columns))

    @property
    def loss(self) -> "Callable[..., torch.Tensor]":
        """Binary cross-entropy, the mean over rows and classes."""
        import torch
        import torch.nn.functional as F

        def loss(output: Any, targets: "torch.Tensor", num_items_in_batch: Any = None) -> "torch.Tensor":
            weights = torch.tensor(self.positive_weights, dtype=torch.float32, device=targets.device)
            return F.binary_cross_entropy_with_logits(output["logits"].float(), targets, pos_weight=weights)

        return loss

    def config(self) -> dict[str, Any]:
        return {
            "num_labels": len(self.columns),
            "id2label": dict(enumerate(self.columns)),
            "label2id": numbers_of(self.columns),
            "problem_type": "multi_label_classification",
        }

    def targets(self, labels: Sequence[Sequence[str]]) -> list[list[float]]:
        """For each row, 1 for each class that it has and 0 for the others.

        Raises:
            InputError: a label is not one of the classes.
        """
        unknown = sorted(set(chain.from_iterable(labels)) - set(self.columns))
        if unknown:
            raise InputError(
                f"the label {unknown[0]!r} occurs in validation but not in training; "
                "merge it with another label in clean.label.aliases, or remove it with clean.label.drop"
            )
        targets: list[list[float]] = multi_hot(labels, self.columns).astype(np.float64).tolist()
        return targets

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]) -> float:
        """The mean over classes of the F1 at the best threshold."""
        _, f1_of_class = best_thresholds(self.outputs(logits), targets > 0)
        return float(f1_of_class.mean())

    def first_head(
        self, vectors: Vectors, targets: Sequence[Sequence[float]], C: float, row_weights: RowWeights = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_one_vs_rest

        probe = fit_one_vs_rest(vectors, np.array(targets) > 0, C, self.positive_weights, row_weights)
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[Any]) -> Predictions:
        """The probability of each class by itself, (n_rows, n_classes): the sigmoid."""
        from scipy.special import expit

        return np.asarray(expit(logits.astype(np.float64)))

    def tuned(self, labels: Sequence[Sequence[str]], outputs: Predictions) -> Self:
        """A copy with the threshold of each class that gives the best F1 (Lipton, Elkan & Naryanaswamy 2014)."""
        thresholds, _ = best_thresholds(outputs, np.array(self.targets(labels)) > 0)
        return replace(self, thresholds=thresholds.tolist())

    def conclude(self, outputs: Predictions) -> Conclusion:
        reached = outputs >= np.asarray(self.thresholds)
        predicted = [list(compress(self.columns, row)) for row in reached]
        return Conclusion(predicted, outputs, self.columns)

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns, "thresholds": self.thresholds}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["columns"], thresholds=recipe["thresholds"])


def best_thresholds(
    probabilities: Predictions, given: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The threshold of each class that gives the best F1, and that F1: (n_classes,) each.

    They are 0.5 and 0 for a class that no row has.
    A threshold lies in the middle between two probabilities that occur. It never separates rows with equal
    probabilities.
    """
    thresholds = np.full(given.shape[1], 0.5)
    scores = np.zeros(given.shape[1])
    for number in np.flatnonzero(given.any(axis=0)):
        order = np.argsort(-probabilities[:, number], kind="stable")
        sorted_probabilities = np.append(probabilities[order, number], 0.0)
        n_hits = np.cumsum(given[order, number])
        n_predicted = np.arange(1, len(order) + 1)  # if the threshold lies just below this row
        f1 = 2 * n_hits / (n_predicted + n_hits[-1])
        can_cut = sorted_probabilities[:-1] > sorted_probabilities[1:]
        f1[~can_cut] = 0.0
        best = int(f1.argmax())
        scores[number] = f1[best]
        above, below = sorted_probabilities[best], sorted_probabilities[best + 1]
        thresholds[number] = max((above + below) / 2, np.nextafter(below, 1.0))
    return thresholds, scores


def numbers_of(columns: Sequence[str]) -> dict[str, int]:
    """The number of each class."""
    return {name: number for number, name in enumerate(columns)}


def multi_hot(labels: Sequence[Sequence[str]], columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(n_rows, n_classes): whether each row has each class."""
    number_of = numbers_of(columns)
    has_class = np.zeros((len(labels), len(columns)), dtype=np.bool_)
    for row, names in enumerate(labels):
        has_class[row, [number_of[name] for name in names]] = True
    return has_class
