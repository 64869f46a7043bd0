"""How labels become wrong: the noise matrix, and what the true labels are likely to be if it is right."""

import numpy as np
import numpy.typing as npt

from stages.core.tables import Predictions

PRIOR_ROWS = 300  # of each true class, which the noise matrix would have seen had errors nothing to do with classes
STEPS = 10  # of the deconvolution; more make it too sure
TINY = 1e-300

Matrix = npt.NDArray[np.float64]


def confident_joint(predictions: Predictions, classes: npt.NDArray[np.int64]) -> Matrix:
    """(n_true, n_given): the number of rows by their true and their given class, as far as predictions are confident.

    A prediction is confident about a class if its probability is at least the mean of the rows that are given this
    class (Northcutt, Jiang & Chuang 2021). Columns are scaled to the numbers of given labels.

    Args:
        predictions: (n_rows, n_classes), of models that have not seen the row.
        classes: (n_rows,), the given ones; each class has rows.
    """
    n_classes = predictions.shape[1]
    given = np.bincount(classes, minlength=n_classes)
    sums = np.zeros(n_classes)
    np.add.at(sums, classes, predictions[np.arange(len(classes)), classes])
    thresholds = np.where(given > 0, sums / np.maximum(given, 1), np.inf)
    is_confident = predictions >= thresholds - 1e-12  # 1e-12: all rows of a class may have the same probability
    true = np.where(is_confident, predictions, -1.0).argmax(axis=1)
    counted = is_confident.any(axis=1)
    joint = np.zeros((n_classes, n_classes))
    np.add.at(joint, (true[counted], classes[counted]), 1.0)
    return np.asarray(joint * given / np.maximum(joint.sum(axis=0), TINY))


def noise_matrix(predictions: Predictions, classes: npt.NDArray[np.int64]) -> Matrix:
    """(n_true, n_given): the probability of each given class for rows of a true class; rows add up to 1.

    Classes with few rows are shrunk towards a matrix in which all classes are right equally often, and wrong
    labels are spread as they are in all rows.
    """
    joint = confident_joint(predictions, classes)
    n_classes = len(joint)
    n_rows = max(float(joint.sum()), TINY)
    # Fewer than one wrong row: that none is wrong would be certain, and any given label the true one.
    right = min(float(np.trace(joint)) / n_rows, n_rows / (n_rows + 1))
    wrong = np.tile((joint - np.diag(np.diag(joint))).sum(axis=0) + 1, (n_classes, 1))
    np.fill_diagonal(wrong, 0)
    spread = wrong / np.maximum(wrong.sum(axis=1, keepdims=True), TINY) * (1 - right) + right * np.eye(n_classes)
    return np.asarray((joint + PRIOR_ROWS * spread) / (joint.sum(axis=1, keepdims=True) + PRIOR_ROWS))


def true_probabilities(predictions: Predictions, noise: Matrix) -> Predictions:
    """(n_rows, n_classes): the probabilities of true classes that, with this noise, lead to predictions of given ones.

    It is the deconvolution of Richardson (1972) and Lucy (1974), from equal probabilities on.
    """
    true = np.full_like(predictions, 1 / predictions.shape[1])
    for _ in range(STEPS):
        true = true * ((predictions / np.maximum(true @ noise, TINY)) @ noise.T)
        true /= np.maximum(true.sum(axis=1, keepdims=True), TINY)
    return true


def label_quality(true: Predictions, noise: Matrix, classes: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """(n_rows,): the probability that the given class is the true one, once it is known that it was given.

    It ranks labels well, but it is no honest probability: where people err alike, it is far too high.
    """
    rows = np.arange(len(classes))
    right = true[rows, classes] * np.diag(noise)[classes]
    return np.asarray(right / np.maximum((true * noise[:, classes].T).sum(axis=1), TINY))
