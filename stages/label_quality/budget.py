"""How many training rows a policy may act on, chosen without the truth."""

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from stages.label_quality.discriminant import Discriminant
from stages.label_quality.opinions import LabelledRows, Opinion, agreement

SHARES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.2)
SAMPLE = 20_000  # rows that are asked; more cost time


def affordable_share(rows: LabelledRows, folds: npt.NDArray[np.str_], opinion: Opinion) -> float:
    """The largest share of rows, the worst first, without which a model predicts given labels as well as with them.

    All rows are predicted, also those left out, by discriminants that are fitted on other folds. Wrong labels can go;
    where rows are missed, the agreement falls by more than its standard error. As rows that say nothing new are not
    missed either, the share is at most that of the labels which are not the most probable ones.
    Without the truth no method can tell more: a clean data set that is as hard to predict may lose as many rows.

    Args:
        folds: (n_rows,); no unit is in two of them.
    """
    first = slice(SAMPLE)
    sample, folds, quality = rows.where(first), folds[first], opinion.label_quality[first]
    ranks = np.argsort(np.argsort(quality, kind="stable"), kind="stable") / len(quality)
    with threadpool_limits(1):
        before = hits(sample, folds, ranks >= 0)
        shares = [0.0]
        for share in SHARES:
            change = hits(sample, folds, ranks >= share) - before
            if change.mean() >= -change.std() / np.sqrt(len(change)):
                shares.append(share)
    return min(max(shares), 1 - agreement(opinion.true, rows.classes))


def hits(rows: LabelledRows, folds: npt.NDArray[np.str_], is_kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """(n_rows,): 1 for each row whose class is predicted by the kept rows of other folds, else 0."""
    found = np.zeros(len(rows.classes), dtype=np.int64)
    for fold in np.unique(folds):
        in_fold = folds == fold
        others = rows.where(~in_fold & is_kept)
        if not len(others.classes):
            continue
        discriminant = Discriminant.fit(others.vectors, others.classes, rows.n_classes)
        predicted = discriminant.log_probabilities(rows.vectors[in_fold]).argmax(axis=1)
        found[in_fold] = predicted == rows.classes[in_fold]
    return found
