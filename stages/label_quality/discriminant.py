"""Linear discriminant analysis: classes as clouds of one shape around their means."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from stages.core.tables import Vectors

SHRINKAGE = 0.1  # of the covariance towards a sphere, without which it could not be inverted for few rows
TEMPERATURES = (0.05, 100.0)  # the range in which the temperature is searched


@dataclass(frozen=True)
class Discriminant:
    """A fitted model: its log-probabilities are linear in the vectors."""

    weights: npt.NDArray[np.float64]  # (n_classes, dim)
    bias: npt.NDArray[np.float64]  # (n_classes,)

    @classmethod
    def fit(cls, vectors: Vectors, classes: npt.NDArray[np.int64], n_classes: int) -> Self:
        """
        Args:
            vectors: (n_rows, dim).
            classes: (n_rows,), numbers below `n_classes`; a class without rows gets a probability close to 0.
        """
        inputs = vectors.astype(np.float64)
        dim = inputs.shape[1]
        sizes = np.bincount(classes, minlength=n_classes)
        of_class = np.eye(n_classes)[classes]
        means = of_class.T @ inputs / np.maximum(sizes, 1)[:, None]
        residuals = inputs - means[classes]
        covariance = residuals.T @ residuals / len(inputs)
        sphere = max(float(np.trace(covariance)) / dim, 1e-12) * np.eye(dim)  # 1e-12: all rows of a class may be equal
        weights = np.linalg.solve((1 - SHRINKAGE) * covariance + SHRINKAGE * sphere, means.T).T
        bias = np.log(np.maximum(sizes, 1) / len(inputs)) - (means * weights).sum(axis=1) / 2
        return cls(weights, np.where(sizes > 0, bias, -1e3))

    def log_probabilities(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n_rows, n_classes)."""
        logits = vectors.astype(np.float64) @ self.weights.T + self.bias
        return np.asarray(log_softmax(logits, axis=1))


def fit_temperature(log_probabilities: npt.NDArray[np.float64], classes: npt.NDArray[np.int64]) -> float:
    """The number by which log-probabilities are divided so that they have the lowest log-loss for these classes.

    The clouds are no real Gaussians: without it, the model is far too sure.
    """
    rows = np.arange(len(classes))

    def log_loss(log_temperature: float) -> float:
        return -float(log_softmax(log_probabilities / np.exp(log_temperature), axis=1)[rows, classes].mean())

    bounds = np.log(TEMPERATURES).tolist()
    return float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded").x))
