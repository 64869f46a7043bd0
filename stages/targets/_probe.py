"""The probe: a linear model of frozen embeddings. Judge of labels, first state of a head, and the baseline to beat."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from stages.core.tables import Vectors


@dataclass(frozen=True)
class Probe:
    weights: npt.NDArray[np.float64]  # (n_outputs, dim)
    bias: npt.NDArray[np.float64]  # (n_outputs,)

    def logits(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n_rows, n_outputs)"""
        return np.asarray(vectors.astype(np.float64) @ self.weights.T + self.bias)

    def probabilities(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n_rows, n_outputs): the softmax over classes."""
        return np.asarray(softmax(self.logits(vectors), axis=1))


def fit_probe(vectors: Vectors, classes: npt.NDArray[np.int64], n_classes: int, C: float) -> Probe:
    """Logistic regression; `classes` are numbers below `n_classes`; one that has no row gets a probability of about nothing."""
    weights = np.zeros((n_classes, vectors.shape[1]))
    bias = np.full(n_classes, -50.0)
    present = np.unique(classes)
    if len(present) == 1:
        bias[present] = 0.0
        return Probe(weights, bias)
    with threadpool_limits(
        1, user_api="blas"
    ):  # many small steps: on busy cores, threads that wait for each other took 16 times as long
        fitted = LogisticRegression(C=C, max_iter=1_000).fit(vectors.astype(np.float64), classes)
    if (
        len(present) == 2
    ):  # scikit-learn keeps one row of weights for two classes; half of it each way is the same model
        weights[present], bias[present] = (
            [-fitted.coef_[0] / 2, fitted.coef_[0] / 2],
            [-fitted.intercept_[0] / 2, fitted.intercept_[0] / 2],
        )
    else:
        weights[present], bias[present] = fitted.coef_, fitted.intercept_
    return Probe(weights, bias)


def fit_one_vs_rest(
    vectors: Vectors, given: npt.NDArray[np.bool_], C: float, positive_weights: Sequence[float]
) -> Probe:
    """A logistic regression for each column of `given`, (n_rows, n_classes); a class that no row has, or every row, is about impossible, or certain.

    Args:
        positive_weights: of each class, how much a row that has it counts beside one that has not.
    """
    weights = np.zeros((given.shape[1], vectors.shape[1]))
    bias = np.where(given.any(axis=0), 50.0, -50.0)
    vectors = vectors.astype(np.float64)
    with threadpool_limits(1, user_api="blas"):
        for number in map(int, np.flatnonzero(given.any(axis=0) & ~given.all(axis=0))):
            balance = {False: 1.0, True: positive_weights[number]}
            fitted = LogisticRegression(C=C, max_iter=1_000, class_weight=balance).fit(vectors, given[:, number])
            weights[number], bias[number] = fitted.coef_[0], fitted.intercept_[0]
    return Probe(weights, bias)


def fit_ridge(vectors: Vectors, numbers: npt.NDArray[np.float64], C: float) -> Probe:
    """Ridge regression on (n_rows,) numbers; C is the inverse of the penalty, as in logistic regression."""
    with threadpool_limits(1, user_api="blas"):
        fitted = Ridge(alpha=1 / C).fit(vectors.astype(np.float64), numbers)
    return Probe(fitted.coef_.reshape(1, -1), np.array([fitted.intercept_]))
