"""How much the given labels are worth beside what a probe predicts: a number."""

import math
from collections.abc import Sequence

import numpy as np

from stages.contracts.audit import Judged
from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions, Vectors

VECTORS = "vector"


ISSUE = math.exp(-3)  # the quality of a label that lies three standard deviations from what is predicted


def fit_predict(
    labels: Sequence[float], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float
) -> Predictions:
    """(n_others, 1): a ridge regression."""
    from stages.targets._probe import fit_ridge

    spread = float(np.std(labels)) if np.ptp(labels) else 1.0
    probe = fit_ridge(vectors, (np.asarray(labels) - np.mean(labels)) / spread, C)
    return probe.logits(others) * spread + np.mean(labels)


def audit(labels: Sequence[float], concluded: Conclusion) -> Judged:
    """cleanlab's residual score, in units of the usual error: its other score ("outre") finds the same labels in a thousand times the memory.

    The usual error is the standard deviation after sigma clipping; the median error would be none where most labels are one and the same.
    """
    from cleanlab.regression.rank import get_label_quality_scores
    from scipy.stats import sigmaclip

    truth, predicted = np.asarray(labels), np.asarray(concluded.labels)
    if len(truth) < 2:  # nothing that an error could be compared with
        return Judged(np.ones(len(truth)), np.zeros(len(truth), dtype=bool), concluded.labels)
    usual = float(np.sqrt(np.mean(sigmaclip(truth - predicted, 3, 3).clipped ** 2))) or 1.0
    quality = np.asarray(get_label_quality_scores(truth / usual, predicted / usual, method="residual"))
    return Judged(quality, quality < ISSUE, concluded.labels)
