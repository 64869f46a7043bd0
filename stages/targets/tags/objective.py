"""Learning a tag per token.

The targets of the loss are tag numbers; the prediction is the most probable sequence of tags that BIO allows (Ramshaw &
Marcus 1995).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion, RowWeights
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors, ragged

NOT_LEARNED = -100  # the target that cross-entropy ignores


class ObjectiveParams(Strict):
    label_smoothing: float = Field(
        ge=0, lt=1, description="share of a label's weight that is spread over all tags (label smoothing)"
    )


@dataclass(frozen=True)
class Objective:
    """Cross-entropy over the tags of each token."""

    columns: Sequence[str]  # O, then B- and I- of each entity type in turn; the number of a tag is its index
    label_smoothing: float = 0.0

    metric = "tag_f1"
    tunable = False
    loss = None

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]], params: ObjectiveParams | None = None) -> Self:
        """The objective for these training labels.

        Raises:
            InputError: every tag is O.
        """
        types = entity_types(chain.from_iterable(labels))
        if not types:
            raise InputError(
                "training rows: every token has the tag O, so there is no entity to learn; "
                "see clean.label and collect.columns.label"
            )
        columns = ["O"]
        for name in types:
            columns += [f"B-{name}", f"I-{name}"]
        return cls(columns, params.label_smoothing if params else 0.0)

    def config(self) -> dict[str, Any]:
        return {
            "num_labels": len(self.columns),
            "id2label": dict(enumerate(self.columns)),
            "label2id": numbers_of(self.columns),
        }

    def targets(self, labels: Sequence[Sequence[str]]) -> list[list[int]]:
        """The tag number of each token, for each row.

        Raises:
            InputError: an entity type is not one of those in `columns`.
        """
        known = set(entity_types(self.columns))
        unknown = [name for name in entity_types(chain.from_iterable(labels)) if name not in known]
        if unknown:
            raise InputError(
                f"the entity type {unknown[0]!r} occurs in validation but not in training; "
                "merge it with another type in clean.label.aliases, or remove it with clean.label.drop"
            )
        return [numbers.tolist() for numbers in tag_numbers(labels, self.columns)]

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> float:
        """F1 of single tokens over the tags other than O; targets are (n_rows, n_tokens)."""
        predicted = logits.argmax(-1) * (targets != NOT_LEARNED)
        n_hits = ((predicted == targets) & (targets > 0)).sum()
        n_predicted, n_given = (predicted > 0).sum(), (targets > 0).sum()
        return float(2 * n_hits / max(1, n_predicted + n_given))

    def first_head(
        self, vectors: Vectors, targets: Sequence[Sequence[int]], C: float, row_weights: RowWeights = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_probe

        numbers = np.array(list(chain.from_iterable(targets)), dtype=np.int64)
        token_weights = None if row_weights is None else np.repeat(row_weights, [len(row) for row in targets])
        probe = fit_probe(np.concatenate(vectors).astype(np.float64), numbers, len(self.columns), C, token_weights)
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[Any]) -> Predictions:
        """Tag probabilities, (n_tokens, n_columns) for each row: the softmax."""
        from scipy.special import softmax

        return ragged([softmax(row.astype(np.float64), axis=1) for row in logits])

    def tuned(self, labels: Sequence[Sequence[str]], outputs: Predictions) -> Self:
        """Unchanged: the most probable sequence needs no threshold."""
        return self

    def conclude(self, outputs: Predictions) -> Conclusion:
        predicted = []
        for probabilities in outputs:
            numbers = best_sequence(np.log(probabilities.clip(min=1e-300)))
            predicted.append([self.columns[number] for number in numbers])
        return Conclusion(predicted, outputs, self.columns)

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["columns"])


def entity_types(tags: Iterable[str]) -> list[str]:
    """The entity types of these tags, sorted."""
    return sorted({tag[2:] for tag in tags if tag != "O"})


def best_sequence(scores: npt.NDArray[np.float64]) -> list[int]:
    """The columns of the most probable valid path through (n_tokens, n_columns) log-probabilities (Viterbi 1967).

    In a valid path, I- follows B- or I- of its type.
    """
    n_tokens, n_columns = scores.shape
    inside = np.arange(2, n_columns, 2)  # every I-; its B- is the column before
    came_from = np.zeros((n_tokens, n_columns), dtype=np.int64)
    best = scores[0].copy()
    best[inside] = -np.inf
    for token in range(1, n_tokens):
        came_from[token] = best.argmax()
        came_from[token, inside] = np.where(best[inside] >= best[inside - 1], inside, inside - 1)
        best = best[came_from[token]] + scores[token]
    path = [int(best.argmax())]
    for previous in came_from[:0:-1]:
        path.append(int(previous[path[-1]]))
    return path[::-1]


def numbers_of(columns: Sequence[str]) -> dict[str, int]:
    """The number of each tag."""
    return {name: number for number, name in enumerate(columns)}


def tag_numbers(labels: Sequence[Sequence[str]], columns: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    """(n_tokens,) for each row: the number of each token's tag."""
    number_of = numbers_of(columns)
    numbers = []
    for tags in labels:
        numbers.append(np.array([number_of[tag] for tag in tags], dtype=np.int64))
    return numbers
