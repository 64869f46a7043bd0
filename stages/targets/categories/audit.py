"""Judges the given labels by the predictions of a probe: any number of categories per row."""

import warnings
from collections.abc import Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt

from stages.contracts.audit import Judged, Reliability
from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions
from stages.targets._agreement import agreement
from stages.targets.categories.objective import multi_hot

VECTORS = "vector"
ONE_CLASS = False


def audit(labels: Sequence[Sequence[str]], concluded: Conclusion) -> Judged:
    """Confident learning for each class by itself.

    A row's answers are a yes or no per class; the quality of the row is that of its worst answer.

    cleanlab's default (Thyagarajan et al. 2022) also counts the next worst answers. If the probe is weak,
    that mistakes rows with several labels for rows with wrong ones.

    The suggested labels are the given ones with only the suspicious answers reversed: the probe's prediction
    for the whole row is wrong about twice as often.
    """
    given = multi_hot(labels, concluded.columns)
    probabilities = concluded.predictions
    issues = np.zeros_like(given)
    for number in range(given.shape[1]):
        issues[:, number] = class_issues(given[:, number], probabilities[:, number])
    suggested = [list(compress(concluded.columns, row)) for row in given ^ issues]
    quality = answer_quality(given, probabilities).min(axis=1)
    doubted = [list(compress(concluded.columns, row)) for row in issues]
    return Judged(quality, np.asarray(issues.any(axis=1)), suggested, doubted)


def reliability(labels: Sequence[Sequence[str]], concluded: Conclusion) -> Reliability:
    given, predicted = (multi_hot(rows, concluded.columns) for rows in (labels, concluded.labels))
    return agreement(given, predicted, concluded.columns)


def answer_quality(given: npt.NDArray[np.bool_], probabilities: Predictions) -> npt.NDArray[np.float64]:
    """(n_rows, n_classes): the probability of each given answer.

    The rarer answer of a class is weighted as if both were equally common.
    With unweighted probabilities, almost every row of a rare class would rank with the worst: a probe is
    never confident about a class of which it has seen few rows.
    """
    yes_shares = (given.sum(axis=0) + 1) / (len(given) + 2)  # Laplace smoothing: no share is 0
    confidence = np.where(given, probabilities, 1 - probabilities)
    answer_shares = np.where(given, yes_shares, 1 - yes_shares)
    weighted = confidence * np.maximum((1 - answer_shares) / answer_shares, 1)
    return np.asarray(weighted / (weighted + 1 - confidence))


def class_issues(given: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether each row's answer for one class is suspicious; none is if all rows have the same answer."""
    from cleanlab.filter import find_label_issues

    if given.all() or not given.any():
        return np.zeros(len(given), dtype=np.bool_)
    of_both_answers = np.stack([1 - probabilities, probabilities], axis=1)
    with warnings.catch_warnings():
        # cleanlab warns about classes with few rows, in which it flags nothing. That is better than to flag
        # all of them.
        warnings.filterwarnings("ignore", "May not flag all label issues")
        return np.asarray(find_label_issues(given.astype(np.int64), of_both_answers, n_jobs=1))
