"""Linear discriminant analysis: classes as clouds of one shape around their means."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from stages.core.tables import Vectors

SHRINKAGE = 0.1  # of the covariance towards a sphere, without which it could not be inverted for few rows
BATCH = 10_000  # rows that are converted at a time, so that memory is bounded
TEMPERATURES = (0.05, 100.0)  # the range in which the temperature is searched


@dataclass(frozen=True)
class Moments:
    """What a discriminant needs to know of its rows. Those of several sets of rows add up."""

    sizes: npt.NDArray[np.float64]  # (n_classes,): rows
    sums: npt.NDArray[np.float64]  # (n_classes, dim): of the vectors of each class
    squares: npt.NDArray[np.float64]  # (dim, dim): the sum of outer products

    @classmethod
    def of(cls, vectors: Vectors, classes: npt.NDArray[np.int64], n_classes: int) -> Self:
        """
        Args:
            vectors: (n_rows, dim).
            classes: (n_rows,), numbers below `n_classes`.
        """
        dim = vectors.shape[1]
        sizes = np.bincount(classes, minlength=n_classes).astype(np.float64)
        sums, squares = np.zeros((n_classes, dim)), np.zeros((dim, dim))
        for start in range(0, len(classes), BATCH):
            inputs = vectors[start : start + BATCH].astype(np.float64)
            of_class = np.eye(n_classes)[classes[start : start + BATCH]]
            sums += of_class.T @ inputs
            squares += inputs.T @ inputs
        return cls(sizes, sums, squares)

    @classmethod
    def sum(cls, parts: Iterable[Self]) -> Self:
        """
        Args:
            parts: at least one.
        """
        return reduce(cls.plus, parts)

    def plus(self, other: Self) -> Self:
        return replace(
            self,
            sizes=self.sizes + other.sizes,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
        )

    @property
    def n_rows(self) -> int:
        return int(self.sizes.sum())


@dataclass(frozen=True)
class Discriminant:
    """A fitted model: its log-probabilities are linear in the vectors."""

    weights: npt.NDArray[np.float64]  # (n_classes, dim)
    bias: npt.NDArray[np.float64]  # (n_classes,)

    @classmethod
    def fit(cls, moments: Moments) -> Self:
        """A class without rows gets a probability close to 0."""
        sizes, n_rows, dim = moments.sizes, moments.n_rows, len(moments.squares)
        means = moments.sums / np.maximum(sizes, 1)[:, None]
        covariance = (moments.squares - (means * sizes[:, None]).T @ means) / n_rows
        sphere = max(float(np.trace(covariance)) / dim, 1e-12) * np.eye(dim)  # 1e-12: all rows of a class may be equal
        shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * sphere
        weights = np.asarray(np.linalg.solve(shrunk, means.T).T, dtype=np.float64)
        bias = np.log(np.maximum(sizes, 1) / n_rows) - (means * weights).sum(axis=1) / 2
        return cls(weights, np.where(sizes > 0, bias, -1e3))

    def log_probabilities(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n_rows, n_classes)."""
        logits = vectors.astype(np.float64) @ self.weights.T + self.bias
        return np.asarray(log_softmax(logits, axis=1))


def fit_temperature(
    logits: npt.NDArray[np.float64], classes: npt.NDArray[np.int64], prior: npt.NDArray[np.float64] | float = 0.0
) -> float:
    """The number by which logits are divided so that they have the lowest log-loss for these classes.

    The clouds are no real Gaussians: without it, the model is far too sure.

    Args:
        prior: log-probabilities of classes that are added after the division.
    """
    rows = np.arange(len(classes))

    def log_loss(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature) + prior, axis=1)[rows, classes].mean())

    bounds = np.log(TEMPERATURES).tolist()
    return float(np.exp(minimize_scalar(log_loss, bounds=bounds, method="bounded").x))
