"""Judges the given labels by the predictions of a probe: a number per row."""

import math
from collections.abc import Sequence

import numpy as np

from stages.contracts.audit import Judged, Reliability
from stages.contracts.objective import Conclusion

VECTORS = "vector"
ONE_CLASS = False

ISSUE = math.exp(-3)  # the quality of a label at three standard deviations from the prediction


def audit(labels: Sequence[float], concluded: Conclusion) -> Judged:
    """cleanlab's residual score; residuals are divided by their standard deviation after sigma clipping.

    cleanlab's other score, "outre", finds the same labels but needs a thousand times the memory. The median
    residual would be 0 if most labels are equal.
    """
    from cleanlab.regression.rank import get_label_quality_scores
    from scipy.stats import sigmaclip

    truth, predicted = np.asarray(labels), np.asarray(concluded.labels)
    if len(truth) < 2:  # no other residual to compare with
        return Judged(np.ones(len(truth)), np.zeros(len(truth), dtype=bool), concluded.labels, [()] * len(truth))
    typical = sigmaclip(truth - predicted, 3, 3).clipped
    std = float(np.sqrt(np.mean(typical**2))) or 1.0
    quality = np.asarray(get_label_quality_scores(truth / std, predicted / std, method="residual"))
    return Judged(quality, quality < ISSUE, concluded.labels, [()] * len(truth))


def reliability(labels: Sequence[float], concluded: Conclusion) -> Reliability:
    """Spearman's rank correlation, which a few wild labels do not change."""
    from scipy.stats import rankdata

    ranks = [rankdata(numbers) - (len(labels) + 1) / 2 for numbers in (labels, concluded.labels)]
    spread = math.sqrt(math.prod(float(np.square(row).sum()) for row in ranks))
    return Reliability(float((ranks[0] * ranks[1]).sum()) / spread if spread else 0.0, {})
