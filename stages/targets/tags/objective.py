"""Learning tags: each a number on the way in, the most probable sequence that BIO allows on the way out (Ramshaw & Marcus 1995)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.tables import Predictions, Vectors, ragged

NOT_LEARNED = -100  # what cross-entropy passes over


class ObjectiveParams(Strict):
    label_smoothing: float = Field(ge=0, lt=1, description="how much of a label's weight is spread over all tags")


@dataclass(frozen=True)
class Objective:
    columns: Sequence[str]  # O, then B- and I- of each entity type in turn; the number of a tag is its place
    label_smoothing: float = 0.0

    metric = "tag_f1"
    tunable = False
    loss = None

    @classmethod
    def of(cls, labels: Sequence[Sequence[str]], params: ObjectiveParams | None = None) -> Self:
        types = sorted({tag[2:] for tags in labels for tag in tags if tag != "O"})
        if not types:
            raise InputError(
                "training rows: every token has the tag O, so there is no entity to learn; see clean.label and collect.columns.label"
            )
        return cls(
            ["O", *(f"{place}-{name}" for name in types for place in "BI")], params.label_smoothing if params else 0.0
        )

    def config(self) -> dict[str, Any]:
        number = {name: place for place, name in enumerate(self.columns)}
        return {"num_labels": len(number), "id2label": dict(enumerate(self.columns)), "label2id": number}

    def targets(self, labels: Sequence[Sequence[str]]) -> list[list[int]]:
        number = {name: place for place, name in enumerate(self.columns)}
        unknown = sorted({tag[2:] for tags in labels for tag in tags} - {tag[2:] for tag in self.columns})
        if unknown:
            raise InputError(
                f"the entity type {unknown[0]!r} stands in validation and not in training; "
                "merge it with clean.label.aliases, or forget it with clean.label.drop"
            )
        return [[number[tag] for tag in tags] for tags in labels]

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[np.int64]) -> float:
        """F1 over the tags other than O of (n_rows, n_tokens) targets, each token by itself."""
        predicted = logits.argmax(-1) * (targets != NOT_LEARNED)
        hits = ((predicted == targets) & (targets > 0)).sum()
        return float(2 * hits / max(1, (predicted > 0).sum() + (targets > 0).sum()))

    def first_head(
        self, vectors: Vectors, targets: Sequence[Sequence[int]], C: float
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        from stages.targets._probe import fit_probe

        probe = fit_probe(
            np.concatenate(vectors),
            np.concatenate([np.array(row, dtype=np.int64) for row in targets]),
            len(self.columns),
            C,
        )
        return probe.weights, probe.bias

    def outputs(self, logits: npt.NDArray[Any]) -> Predictions:
        """Probabilities, of each row (n_tokens, n_columns): the softmax."""
        from scipy.special import softmax

        return ragged([softmax(row.astype(np.float64), axis=1) for row in logits])

    def tuned(self, labels: Sequence[Sequence[str]], outputs: Predictions) -> Self:
        """The most probable sequence needs no threshold."""
        return self

    def conclude(self, outputs: Predictions) -> Conclusion:
        numbers = [best_sequence(np.log(row.clip(min=1e-300))) for row in outputs]
        return Conclusion([[self.columns[number] for number in row] for row in numbers], outputs, self.columns)

    def recipe(self) -> dict[str, Any]:
        return {"columns": self.columns}

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        return cls(recipe["columns"])


def best_sequence(scores: npt.NDArray[np.float64]) -> list[int]:
    """The columns of the best path through (n_tokens, n_columns) log-probabilities in which I- follows B- or I- of its type (Viterbi 1967)."""
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
    for before in came_from[:0:-1]:
        path.append(int(before[path[-1]]))
    return path[::-1]


def tag_numbers(labels: Sequence[Sequence[str]], columns: Sequence[str]) -> list[npt.NDArray[np.int64]]:
    number = {name: position for position, name in enumerate(columns)}
    return [np.array([number[tag] for tag in tags], dtype=np.int64) for tags in labels]
