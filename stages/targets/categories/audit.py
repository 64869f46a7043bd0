"""How much the given labels are worth beside what a probe predicts: categories."""

import warnings
from collections.abc import Sequence
from itertools import compress

import numpy as np
import numpy.typing as npt

from stages.contracts.audit import Judged
from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions, Vectors
from stages.targets.categories.objective import multi_hot

VECTORS = "vector"


def fit_predict(
    labels: Sequence[Sequence[str]], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float
) -> Predictions:
    """(n_others, n_columns): probabilities, each by a probe of its own."""
    from scipy.special import expit

    from stages.targets._probe import fit_one_vs_rest

    return np.asarray(
        expit(fit_one_vs_rest(vectors, multi_hot(labels, columns), C, [1.0] * len(columns)).logits(others))
    )


def audit(labels: Sequence[Sequence[str]], concluded: Conclusion) -> Judged:
    """Confident learning, a class at a time; a row is worth as much as the worst of its yeses and noes.

    To count the next worst too (Thyagarajan et al. 2022, cleanlab's default) mistakes rows of several labels for rows of wrong ones where the probe
    is weak. Suggested are the given labels with nothing but the suspicious yeses and noes turned round: what the probe concludes of the whole row is
    wrong about twice as often.
    """
    given = multi_hot(labels, concluded.columns)
    issues = np.stack([class_issues(*one) for one in zip(given.T, concluded.predictions.T, strict=True)], axis=1)
    suggested = [list(compress(concluded.columns, row)) for row in given ^ issues]
    return Judged(answer_quality(given, concluded.predictions).min(axis=1), np.asarray(issues.any(axis=1)), suggested)


def answer_quality(given: npt.NDArray[np.bool_], probabilities: Predictions) -> npt.NDArray[np.float64]:
    """(n_rows, n_classes): how probable each yes or no is; of the rarer of the two how probable it would be if it were as common as the other.

    By the bare probability, almost every row of a rare class would be among the worst: a probe is never sure of what it has hardly seen.
    """
    positives = (given.sum(axis=0) + 1) / (len(given) + 2)  # Laplace's rule: no share is 0
    confidence, common = np.where(given, probabilities, 1 - probabilities), np.where(given, positives, 1 - positives)
    lifted = confidence * np.maximum((1 - common) / common, 1)
    return np.asarray(lifted / (lifted + 1 - confidence))


def class_issues(given: npt.NDArray[np.bool_], probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether it is suspicious that a row has the class, or has it not; nothing is where all rows are alike."""
    from cleanlab.filter import find_label_issues

    if given.all() or not given.any():
        return np.zeros(len(given), dtype=np.bool_)
    with (
        warnings.catch_warnings()
    ):  # of classes with few rows, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        return np.asarray(
            find_label_issues(given.astype(np.int64), np.stack([1 - probabilities, probabilities], axis=1), n_jobs=1)
        )
