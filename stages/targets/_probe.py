"""The probe, a linear model on frozen embeddings: it judges labels, initialises heads, and is a baseline."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression, Ridge
from threadpoolctl import threadpool_limits

from stages.contracts.objective import RowWeights
from stages.core.errors import InputError
from stages.core.tables import Vectors, is_finite


@dataclass(frozen=True)
class Probe:
    """A fitted linear model."""

    weights: npt.NDArray[np.float64]  # (n_outputs, dim)
    bias: npt.NDArray[np.float64]  # (n_outputs,)


def check_finite(vectors: Vectors) -> None:
    """
    Raises:
        InputError: a number in the vectors, dense or sparse ones, is NaN or infinite.
    """
    if not is_finite(vectors):
        raise InputError(
            "model: its vectors of the training rows have NaN or infinity, so its weights are damaged or too large; "
            "choose another model"
        )


def fit_probe(
    vectors: Vectors, classes: npt.NDArray[np.int64], n_classes: int, C: float, row_weights: RowWeights = None
) -> Probe:
    """Logistic regression on class numbers below `n_classes`. A class without rows gets a probability close to 0.

    It computes in the precision of the vectors: float32 takes half the time of float64, and ranks labels as well.
    """
    check_finite(vectors)
    weights = np.zeros((n_classes, vectors.shape[1]))
    bias = np.full(n_classes, -50.0)
    present = np.unique(classes)
    if len(present) == 1:
        bias[present] = 0.0
        return Probe(weights, bias)
    # One thread: the solver takes many small steps, in which threads that wait for each other on busy cores
    # took 16 times as long.
    with threadpool_limits(1, user_api="blas"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes")  # many classes of few rows are no regression
        model = LogisticRegression(C=C, max_iter=1_000)
        fitted = model.fit(vectors, classes, sample_weight=row_weights)
    if len(present) == 2:
        # scikit-learn keeps one row of weights for two classes. Half of it for each class, with opposite
        # signs, is the same model.
        half_weights, half_bias = fitted.coef_[0] / 2, fitted.intercept_[0] / 2
        weights[present] = [-half_weights, half_weights]
        bias[present] = [-half_bias, half_bias]
    else:
        weights[present] = fitted.coef_
        bias[present] = fitted.intercept_
    return Probe(weights, bias)


def fit_one_vs_rest(
    vectors: Vectors,
    given: npt.NDArray[np.bool_],
    C: float,
    positive_weights: Sequence[float],
    row_weights: RowWeights = None,
) -> Probe:
    """One logistic regression per column of `given`, (n_rows, n_classes).

    A class that no row has gets a probability close to 0, a class that every row has a probability close to 1.

    Args:
        positive_weights: the weight of a row that has the class, for each class; a row without it has weight 1.
    """
    check_finite(vectors)
    weights = np.zeros((given.shape[1], vectors.shape[1]))
    bias = np.where(given.any(axis=0), 50.0, -50.0)
    vectors = vectors.astype(np.float64)
    varied = np.flatnonzero(given.any(axis=0) & ~given.all(axis=0))
    with threadpool_limits(1, user_api="blas"):
        for number in varied.tolist():
            class_weight = {False: 1.0, True: positive_weights[number]}
            model = LogisticRegression(C=C, max_iter=1_000, class_weight=class_weight)
            fitted = model.fit(vectors, given[:, number], sample_weight=row_weights)
            weights[number] = fitted.coef_[0]
            bias[number] = fitted.intercept_[0]
    return Probe(weights, bias)


def fit_ridge(vectors: Vectors, numbers: npt.NDArray[np.float64], C: float, row_weights: RowWeights = None) -> Probe:
    """Ridge regression on numbers, (n_rows,); as in logistic regression, C is the inverse regularisation strength."""
    check_finite(vectors)
    with threadpool_limits(1, user_api="blas"):
        fitted = Ridge(alpha=1 / C).fit(vectors.astype(np.float64), numbers, sample_weight=row_weights)
    return Probe(fitted.coef_.reshape(1, -1), np.array([fitted.intercept_]))
