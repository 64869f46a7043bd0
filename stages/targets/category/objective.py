"""Learning a category: classes as numbers on the way in, names on the way out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors


class ObjectiveParams(Strict):
    label_smoothing: float = Field(ge=0, lt=1, description="how much of a label's weight is spread over all classes")


@dataclass(frozen=True)
class Objective:
    columns: Sequence[str]  # the classes, sorted; the number of a class is its place
    label_smoothing: float = 0.0

    metric = "accuracy"
    tunable = False
    loss = None

    @classmethod
    def of(cls, labels: Sequence[str], params: ObjectiveParams | None = None) -> Self:
        names = sorted(set(labels))
        if len(names) < 2:
            raise InputError(
                f"training rows: a category needs at least two classes to choose from, got {names}; see clean.label and collect.columns.label"
            )
        return cls(names, params.label_smoothing if params else 0.0)

    def config(self) -> dict[str, Any]:
        number = {name: place for place, name in enumerate(self.columns)}
        return {"num_labels": len(number), "id2label": dict(enumerate(self.columns)), "label2id": number}

    def targets(self, labels: Sequence[str]) -> list[int]:
        number = {name: place for place, name in enumerate(self.columns)}
        unknown = sorted(set(labels) - number.keys())
        if unknown:
            raise InputError(
                f"the label {unknown[0]!r} stands in validation and not in training; merge it with clean.label.aliases, or leave it out with clean.label.drop"
            )
        return [number[label] for label in labels]

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> float:
        return float((logits.argmax(-1) == targets).mean())

    def first_head(
        self, vectors: Vectors, targets: Sequence[int], C: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_probe

        probe = fit_probe(vectors, np.array(targets, dtype=np.int64), len(self.columns), C)
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[np.float32]) -> Predictions:
        """Probabilities: the softmax."""
        from scipy.special import softmax

        return np.asarray(softmax(logits.astype(np.float64), axis=1))

    def tuned(self, labels: Sequence[str], outputs: Predictions) -> Self:
        """The most probable class needs no threshold."""
        return self

    def conclude(self, outputs: Predictions) -> Conclusion:
        return Conclusion([self.columns[number] for number in outputs.argmax(axis=1)], outputs, self.columns)

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["columns"])


def class_numbers(labels: Sequence[str], columns: Sequence[str]) -> npt.NDArray[np.int64]:
    number = {name: position for position, name in enumerate(columns)}
    return np.array([number[label] for label in labels], dtype=np.int64)
