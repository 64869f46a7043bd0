"""Learning any number of categories a row: one yes or no a class on the way in, the names that reach their thresholds on the way out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors

if TYPE_CHECKING:
    import torch


class ObjectiveParams(Strict):
    positive_weight: float = Field(
        ge=0,
        le=1,
        description="how far the loss makes up for rare labels: 0 not at all, 1 until rows with and without a label weigh the same",
    )


@dataclass(frozen=True)
class Objective:
    columns: Sequence[str]  # the classes, sorted
    positive_weights: Sequence[
        float
    ] = ()  # of each class: how much a row that has it counts in the loss, beside one that has it not
    thresholds: Sequence[float] = ()  # of each class: the probability from which on a row has it

    metric = "f1_macro"
    label_smoothing = 0.0
    tunable = True

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]], params: ObjectiveParams | None = None) -> Self:
        positives = Counter(name for row in labels for name in row)
        if not positives:
            raise InputError(
                "training rows: none of them has any label; see clean.label.drop, collect.columns.label and collect.label_format"
            )
        power = params.positive_weight if params else 0.0
        weights = [(max(len(labels) - positives[name], 1) / positives[name]) ** power for name in sorted(positives)]
        return cls(sorted(positives), weights, [0.5] * len(positives))

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
        number = {name: place for place, name in enumerate(self.columns)}
        return {
            "num_labels": len(number),
            "id2label": dict(enumerate(self.columns)),
            "label2id": number,
            "problem_type": "multi_label_classification",
        }

    def targets(self, labels: Sequence[Sequence[str]]) -> list[list[float]]:
        """1 for each class that a row has, 0 for each that it has not."""
        unknown = sorted({name for row in labels for name in row} - set(self.columns))
        if unknown:
            raise InputError(
                f"the label {unknown[0]!r} stands in validation and not in training; merge it with clean.label.aliases, or forget it with clean.label.drop"
            )
        return [[float(name in row) for name in self.columns] for row in map(set, labels)]

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]) -> float:
        """The mean over classes of the best F1 that a threshold gives."""
        return float(best_thresholds(self.outputs(logits), targets > 0)[1].mean())

    def first_head(
        self, vectors: Vectors, targets: Sequence[Sequence[float]], C: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_one_vs_rest

        probe = fit_one_vs_rest(vectors, np.array(targets) > 0, C, self.positive_weights)
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[np.float32]) -> Predictions:
        """Probabilities, one class apart from the other."""
        from scipy.special import expit

        return np.asarray(expit(logits.astype(np.float64)))

    def tuned(self, labels: Sequence[Sequence[str]], outputs: Predictions) -> Self:
        """With the threshold of each class that gives the best F1 (Lipton, Elkan & Naryanaswamy 2014)."""
        return replace(self, thresholds=best_thresholds(outputs, np.array(self.targets(labels)) > 0)[0].tolist())

    def conclude(self, outputs: Predictions) -> Conclusion:
        reached = outputs >= np.asarray(self.thresholds)
        return Conclusion([list(compress(self.columns, row)) for row in reached], outputs, self.columns)

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns, "thresholds": self.thresholds}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["columns"], thresholds=recipe["thresholds"])


def best_thresholds(
    probabilities: Predictions, given: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(n_classes,) and (n_classes,): the threshold of each class that gives the best F1, and that F1; 0.5 and 0 for one that no row has.

    The threshold lies in the middle between two probabilities that occur: rows of the same probability are never told apart.
    """
    thresholds, scores = np.full(given.shape[1], 0.5), np.zeros(given.shape[1])
    for number in np.flatnonzero(given.any(axis=0)):
        order = np.argsort(-probabilities[:, number], kind="stable")
        falling = np.append(probabilities[order, number], 0.0)
        hits = np.cumsum(given[order, number])
        f1 = np.where(falling[:-1] > falling[1:], 2 * hits / (np.arange(1, len(order) + 1) + hits[-1]), 0.0)
        best = int(f1.argmax())
        scores[number] = f1[best]
        thresholds[number] = max((falling[best] + falling[best + 1]) / 2, np.nextafter(falling[best + 1], 1.0))
    return thresholds, scores


def multi_hot(labels: Sequence[Sequence[str]], columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(n_rows, n_classes): whether a row has a class."""
    number = {name: place for place, name in enumerate(columns)}
    found = np.zeros((len(labels), len(columns)), dtype=np.bool_)
    for place, row in enumerate(labels):
        found[place, [number[name] for name in row]] = True
    return found
