"""The probe: logistic regression on frozen embeddings. Judge of labels, first state of a head, and the baseline to beat."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from stages.contracts import Vectors


@dataclass(frozen=True)
class Probe:
    """A softmax over `weights @ vector + bias`."""

    weights: npt.NDArray[np.float64]  # (n_classes, dim)
    bias: npt.NDArray[np.float64]  # (n_classes,)

    def probabilities(self, vectors: Vectors) -> npt.NDArray[np.float64]:
        """(n_rows, n_classes)"""
        logits = vectors.astype(np.float64) @ self.weights.T + self.bias
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponents / exponents.sum(axis=1, keepdims=True))


def fit_probe(vectors: Vectors, classes: npt.NDArray[np.int64], n_classes: int, C: float) -> Probe:
    """`classes` are numbers below `n_classes`; one that has no row gets a probability of about nothing."""
    weights = np.zeros((n_classes, vectors.shape[1]))
    bias = np.full(n_classes, -50.0)
    present = np.unique(classes)
    if len(present) == 1:
        bias[present] = 0.0
        return Probe(weights, bias)
    with threadpool_limits(1, user_api="blas"):  # many small steps: on busy cores, threads that wait for each other took 16 times as long
        fitted = LogisticRegression(C=C, max_iter=1_000).fit(vectors.astype(np.float64), classes)
    if len(present) == 2:  # scikit-learn keeps one row of weights for two classes; half of it each way is the same model
        weights[present], bias[present] = [-fitted.coef_[0] / 2, fitted.coef_[0] / 2], [-fitted.intercept_[0] / 2, fitted.intercept_[0] / 2]
    else:
        weights[present], bias[present] = fitted.coef_, fitted.intercept_
    return Probe(weights, bias)
