"""How well predictions agree with the given answers about each class."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from stages.contracts.audit import Reliability


def agreement(given: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_], names: Sequence[str]) -> Reliability:
    """F1 of each class, and the mean of Youden's J (recall + specificity - 1), which is 0 for a constant answer.

    Both arrays are (n_answers, n_classes). A class without a given answer has no F1.
    """
    hits = (given & predicted).sum(axis=0)
    n_given, n_predicted = given.sum(axis=0), predicted.sum(axis=0)
    varied = np.flatnonzero((n_given > 0) & (n_given < len(given)))
    recall = hits[varied] / n_given[varied]
    false_alarms = (n_predicted - hits)[varied] / (len(given) - n_given[varied])
    f1 = {}
    for number in np.flatnonzero(n_given).tolist():
        f1[names[number]] = float(2 * hits[number] / (n_given[number] + n_predicted[number]))
    return Reliability(float((recall - false_alarms).mean()) if len(varied) else 0.0, f1)
