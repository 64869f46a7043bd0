"""Learning one category per row.

The targets of the loss are class numbers; the prediction is the most probable class.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion, RowWeights
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors


class ObjectiveParams(Strict):
    label_smoothing: float = Field(
        ge=0, lt=1, description="share of a label's weight that is spread over all classes (label smoothing)"
    )


@dataclass(frozen=True)
class Objective:
    """Cross-entropy over classes."""

    columns: Sequence[str]  # the classes, sorted; the number of a class is its index
    label_smoothing: float = 0.0

    metric = "accuracy"
    tunable = False
    loss = None

    @classmethod
    def of(cls, labels: Sequence[str], params: ObjectiveParams | None = None) -> Self:
        """The objective for these training labels.

        Raises:
            InputError: there are fewer than two classes.
        """
        classes = sorted(set(labels))
        if len(classes) < 2:
            raise InputError(
                f"training rows: a category needs at least two classes, got {classes}; "
                "see clean.label and collect.columns.label"
            )
        return cls(classes, params.label_smoothing if params else 0.0)

    def config(self) -> dict[str, Any]:
        return {
            "num_labels": len(self.columns),
            "id2label": dict(enumerate(self.columns)),
            "label2id": numbers_of(self.columns),
        }

    def targets(self, labels: Sequence[str]) -> list[int]:
        """The class number of each row.

        Raises:
            InputError: a label is not one of the classes.
        """
        numbers: list[int] = class_numbers(labels, self.columns).tolist()
        return numbers

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> float:
        """The accuracy."""
        return float((logits.argmax(-1) == targets).mean())

    def first_head(
        self, vectors: Vectors, targets: Sequence[int], C: float, row_weights: RowWeights = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_probe

        probe = fit_probe(vectors, np.array(targets, dtype=np.int64), len(self.columns), C, row_weights)
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[Any]) -> Predictions:
        """Class probabilities, (n_rows, n_classes): the softmax."""
        from scipy.special import softmax

        return np.asarray(softmax(logits.astype(np.float64), axis=1))

    def tuned(self, labels: Sequence[str], outputs: Predictions) -> Self:
        """Unchanged: the most probable class needs no threshold."""
        return self

    def conclude(self, outputs: Predictions) -> Conclusion:
        predicted = [self.columns[number] for number in outputs.argmax(axis=1)]
        return Conclusion(predicted, outputs, self.columns)

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["columns"])


def numbers_of(columns: Sequence[str]) -> dict[str, int]:
    """The number of each class."""
    return {name: number for number, name in enumerate(columns)}


def class_numbers(labels: Sequence[str], columns: Sequence[str]) -> npt.NDArray[np.int64]:
    """(n_rows,): the number of each row's class.

    Raises:
        InputError: a label is not one of the classes.
    """
    number_of = numbers_of(columns)
    unknown = sorted(set(labels) - number_of.keys())
    if unknown:
        raise InputError(
            f"the label {unknown[0]!r} occurs in validation or test but not in training; "
            "merge it with another label in clean.label.aliases, or drop its rows with clean.label.drop"
        )
    return np.array([number_of[label] for label in labels], dtype=np.int64)
