"""How many training rows a policy may act on, chosen without the truth."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from stages.label_quality.discriminant import Discriminant, Moments
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
    hits = {}
    with threadpool_limits(1):
        kept = {fold: sample.where(slice(0)).moments() for fold in np.unique(folds)}
        better = np.inf
        for share in (*SHARES[::-1], 0.0):  # so the moments of rows that are kept are only added to
            added = (ranks >= share) & (ranks < better)
            kept = {
                fold: of_fold.plus(sample.where(added & (folds == fold)).moments()) for fold, of_fold in kept.items()
            }
            hits[share], better = predicted(sample, folds, kept), share
    shares = [0.0]
    for share in SHARES:
        change = hits[share] - hits[0.0]
        if change.mean() >= -change.std() / np.sqrt(len(change)):
            shares.append(share)
    return min(max(shares), 1 - agreement(opinion.true, rows.classes))


def predicted(rows: LabelledRows, folds: npt.NDArray[np.str_], kept: Mapping[str, Moments]) -> npt.NDArray[np.int64]:
    """(n_rows,): 1 for each row whose class is predicted by the kept rows of other folds, else 0.

    Args:
        kept: the moments of the kept rows of each fold.
    """
    is_hit = np.zeros(len(rows.classes), dtype=np.int64)
    for fold in kept:
        others = Moments.sum(moments for other, moments in kept.items() if other != fold)
        if not others.n_rows:
            continue
        in_fold = folds == fold
        scores = Discriminant.fit(others).log_probabilities(rows.vectors[in_fold])
        is_hit[in_fold] = scores.argmax(axis=1) == rows.classes[in_fold]
    return is_hit
