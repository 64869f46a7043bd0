"""Judges the given labels by the predictions of a probe: one category per row."""

import warnings
from collections.abc import Sequence

import numpy as np

from stages.contracts.audit import Judged, Reliability
from stages.contracts.objective import Conclusion
from stages.targets._agreement import agreement
from stages.targets.category.objective import class_numbers

VECTORS = "vector"
ONE_CLASS = True


def audit(labels: Sequence[str], concluded: Conclusion) -> Judged:
    """Confident learning as in cleanlab (Northcutt, Jiang & Chuang 2021); the label quality is the self-confidence."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given = class_numbers(labels, concluded.columns)
    with warnings.catch_warnings():
        # cleanlab warns about classes with few rows, in which it flags nothing. That is better than to flag
        # all of them.
        warnings.filterwarnings("ignore", "May not flag all label issues")
        # One process: workers cost more than they save, and if one dies nobody notices.
        is_issue = find_label_issues(given, concluded.predictions, n_jobs=1)
    quality = get_label_quality_scores(given, concluded.predictions)
    return Judged(quality, is_issue, concluded.labels, [(label,) for label in labels])


def reliability(labels: Sequence[str], concluded: Conclusion) -> Reliability:
    of_numbers = np.eye(len(concluded.columns), dtype=np.bool_)
    given = of_numbers[class_numbers(labels, concluded.columns)]
    predicted = of_numbers[class_numbers(concluded.labels, concluded.columns)]
    return agreement(given, predicted, concluded.columns)
