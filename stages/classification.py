"""What every task that predicts a category shares: classes as numbers on the way in, names on the way out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stages.contracts import Predictions
from stages.errors import InputError
from stages.tables import named_columns


@dataclass(frozen=True)
class Classes:
    names: list[str]  # sorted; the number of a class is its place

    @classmethod
    def of(cls, train: pa.Table) -> "Classes":
        names = sorted(set(train["label"].to_pylist()))
        if len(names) < 2:
            raise InputError(f"data/train: a category needs at least two classes to choose from, got {names}; see clean.drop_labels and collect.columns.label")
        return cls(names)

    def numbers(self, rows: pa.Table) -> list[int]:
        number = {name: place for place, name in enumerate(self.names)}
        labels = rows["label"].to_pylist()
        unknown = sorted(set(labels) - number.keys())
        if unknown:
            raise InputError(
                f"the label {unknown[0]!r} stands in validation and not in training; merge it with clean.label_aliases, or leave it out with clean.drop_labels"
            )
        return [number[label] for label in labels]

    def config(self) -> dict[str, object]:
        """What transformers calls them."""
        return {"num_labels": len(self.names), "id2label": dict(enumerate(self.names)), "label2id": {name: place for place, name in enumerate(self.names)}}


def softmax(logits: npt.NDArray[np.float32]) -> Predictions:
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def prediction_table(probabilities: Predictions, names: Sequence[str]) -> pa.Table:
    predicted = [names[number] for number in probabilities.argmax(axis=1)]
    return pa.table({"predicted_label": pa.array(predicted, pa.string()), "predictions": named_columns(probabilities, names)})
