"""How much the given labels are worth beside what a probe predicts: a category."""

import warnings
from collections.abc import Sequence

from stages.contracts.audit import Judged
from stages.contracts.objective import Conclusion
from stages.core.tables import Predictions, Vectors
from stages.targets.category.objective import class_numbers

VECTORS = "vector"


def fit_predict(
    labels: Sequence[str], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float
) -> Predictions:
    """(n_others, n_columns): probabilities of a probe that is fitted on `vectors` and their labels."""
    from stages.targets._probe import fit_probe

    return fit_probe(vectors, class_numbers(labels, columns), len(columns), C).probabilities(others)


def audit(labels: Sequence[str], concluded: Conclusion) -> Judged:
    """Confident learning: `label_quality` is self-confidence.

    Northcutt, Jiang & Chuang 2021, "Confident Learning", as cleanlab does it.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    given, predictions = class_numbers(labels, concluded.columns), concluded.predictions
    with (
        warnings.catch_warnings()
    ):  # of classes with few rows, in which it flags nothing: better than to flag all of them
        warnings.filterwarnings("ignore", "May not flag all label issues")
        is_issue = find_label_issues(
            given, predictions, n_jobs=1
        )  # worker processes cost more than they save, and report to no one when they die
    return Judged(get_label_quality_scores(given, predictions), is_issue, concluded.labels)
