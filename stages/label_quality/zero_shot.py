"""What the descriptions of classes say about rows: an opinion that no wrong label can mislead."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import softmax

from stages.core.tables import Predictions, Vectors
from stages.label_quality.discriminant import fit_temperature

SCALE = 10.0  # of cosines, before the temperature: so it is searched between 0.005 and 10 of a cosine


@dataclass(frozen=True)
class ZeroShot:
    """A row is the more probably of a class, the nearer its vector is to that of the description, by Bayes' rule."""

    descriptions: Vectors  # (n_classes, dim), of length 1
    temperature: float
    prior: npt.NDArray[np.float64]  # (n_classes,): log-probabilities

    @classmethod
    def fit(cls, descriptions: Vectors, vectors: Vectors, classes: npt.NDArray[np.int64]) -> Self:
        """
        Args:
            vectors: (n_rows, dim), of length 1.
            classes: (n_rows,), the given ones, which say how frequent classes are and how sure the descriptions may be.
        """
        sizes = np.bincount(classes, minlength=len(descriptions))
        prior = np.log(np.maximum(sizes, 1) / len(classes))
        return cls(descriptions, fit_temperature(scaled_cosines(vectors, descriptions), classes, prior), prior)

    def probabilities(self, vectors: Vectors) -> Predictions:
        """(n_rows, n_classes)."""
        cosines = scaled_cosines(vectors, self.descriptions)
        return np.asarray(softmax(cosines / self.temperature + self.prior, axis=1))


def scaled_cosines(vectors: Vectors, descriptions: Vectors) -> npt.NDArray[np.float64]:
    return np.asarray(SCALE * (vectors @ descriptions.T).astype(np.float64))
