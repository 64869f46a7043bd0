"""What happens to the worst labels of training rows, and which of them are left alone."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from stages.contracts.audit import Judged, Reliability
from stages.contracts.label import NO_CLASS, Target
from stages.core.errors import InputError
from stages.core.run import DataWarning

MIN_F1 = 0.5  # of a class out of fold; below it, most labels of the class that the probe doubts are right
MIN_AGREEMENT = 0.1  # of all classes out of fold; below it, the probe is hardly better than a constant answer
LARGE_LOSS = 0.2  # a larger share of the training rows of a class is worth a warning
DOUBTFUL_WEIGHT = 0.25  # of a row in the loss, under `downweight`; a whole row has 1
SHOWN = 5  # classes in a message


def spare(
    rows: pd.DataFrame,
    judged: Judged,
    reliability: Reliability,
    strata: Sequence[tuple[str, ...]],
    n_rows: int,
    section: Any,
) -> npt.NDArray[np.object_]:
    """Why the policy does not apply to each doubtful row, (n_rows,); None if it does, or if the row is not doubtful.

    A weak probe doubts many correct labels, so the policy applies only to the `n_rows` of lowest quality, and only
    to classes that the probe knows. It never applies to labels that a person decided.

    Args:
        rows: with `label`, and whether a person has `reviewed` it.
        section: has the `policy` and the `max_share` of a class.
    """
    spared = np.full(len(rows), None, dtype=object)
    if section.policy == "keep":
        return spared
    weak = weak_classes(reliability)
    is_weak = [reliability.of_all < MIN_AGREEMENT or not weak.isdisjoint(names) for names in judged.doubted]
    for reason, applies in {
        "reviewed": rows["reviewed"].to_numpy(dtype=bool),
        "weak_probe": np.array(is_weak, dtype=bool),
    }.items():
        spared[judged.is_label_issue & pd.isna(spared) & applies] = reason
    suspects = np.flatnonzero(judged.is_label_issue & pd.isna(spared))
    suspects = suspects[np.argsort(judged.label_quality[suspects], kind="stable")]
    worst = suspects[:n_rows]
    spared[suspects[n_rows:]] = "budget"
    if section.policy == "relabel":
        stays = np.array([rows["label"].iloc[row] == judged.suggested[row] for row in worst], dtype=bool)
        spared[worst[stays]] = "no_other_label"
        worst = worst[~stays]
    spared[above_share(worst, strata, section.max_share)] = "max_share"
    return spared


def weak_classes(reliability: Reliability) -> set[str]:
    """The classes whose labels the probe cannot judge."""
    return {name for name, f1 in reliability.of_class.items() if f1 < MIN_F1}


def above_share(suspects: npt.NDArray[np.intp], strata: Sequence[tuple[str, ...]], max_share: float) -> list[int]:
    """The suspects beyond the share of a class that may leave it; the first leave first."""
    sizes = Counter(name for row in strata for name in row)
    left = {name: int(max_share * size + 1e-9) for name, size in sizes.items()}  # 1e-9: 0.29 * 100 is 28.999...
    beyond = []
    for row in suspects.tolist():
        if any(left[name] < 1 for name in strata[row]):
            beyond.append(row)
            continue
        for name in strata[row]:
            left[name] -= 1
    return beyond


def apply(policy: str, rows: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    """Drops, relabels or downweights the rows whose doubtful label is not spared."""
    is_suspect = (rows["is_label_issue"] & rows["spared"].isna()).to_numpy()
    if policy == "drop":
        return rows.assign(keep=~is_suspect, reason=pd.Series(is_suspect).map({True: "label_issue", False: None}))
    if policy == "relabel":
        labels = pd.Series(judged.suggested, index=rows.index, dtype=rows["label"].dtype)
        return rows.assign(label=rows["label"].where(~is_suspect, labels))
    if policy == "downweight":
        return rows.assign(weight=np.where(is_suspect, DOUBTFUL_WEIGHT, 1.0))
    return rows


def weakness(spared: pd.Series, reliability: Reliability) -> list[DataWarning]:
    """A warning if the policy leaves labels alone because the probe cannot judge them."""
    n_spared = int((spared == "weak_probe").sum())
    if not n_spared:
        return []
    if reliability.of_all < MIN_AGREEMENT:
        message = "the probe predicts labels hardly better than a constant answer, so the policy changes none"
        return [DataWarning(message, "embed")]
    f1 = reliability.of_class
    weakest = sorted(weak_classes(reliability), key=lambda name: (f1[name], name))
    shown = ", ".join(f"{name!r} ({f1[name]:.2f})" for name in weakest[:SHOWN])
    more = f" and {len(weakest) - SHOWN} more" if len(weakest) > SHOWN else ""
    message = (
        f"the probe cannot judge the labels {shown}{more}: its F1 is below {MIN_F1}; {n_spared:,} doubtful labels that "
        "concern them were not changed"
    )
    return [DataWarning(message, "embed")]


def is_uncontradicted(rows: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether a label is doubtful, as one of the worst of the budget, though the audit suggests the same."""
    triples = zip(rows["is_label_issue"], rows["given_label"], rows["suggested_label"], strict=True)
    return np.array([doubtful and one == other for doubtful, one, other in triples], dtype=bool)


def losses(trained: pd.DataFrame, target: Target, max_share: float) -> list[DataWarning]:
    """Warnings about classes that lose many training rows, or would lose more than the policy may take."""
    before, after = class_sizes(trained, target)
    warnings = []
    for name in sorted(before) if target.CLOSED else ():
        if 1 - after[name] / before[name] > LARGE_LOSS:
            message = f"the policy leaves {after[name]:,} of {before[name]:,} training rows with the label {name!r}"
            warnings.append(DataWarning(message, "label_audit.max_share"))
    n_beyond = int((trained["spared"] == "max_share").sum())
    if n_beyond:
        more = "" if max_share == 0 else "more "
        labels = f"{n_beyond:,} {more}{'label is' if n_beyond == 1 else 'labels are'}"
        message = (
            f"{labels} so doubtful that the policy would apply, but it may apply to {max_share:.0%} of the training "
            "rows of a class at most"
        )
        warnings.append(DataWarning(message, "label_audit.max_share"))
    return warnings


def class_sizes(trained: pd.DataFrame, target: Target) -> tuple[Counter[str], Counter[str]]:
    """The training rows of each stratum of the given labels, before and after the policy."""
    given = Counter(chain.from_iterable(target.strata(trained["given_label"].tolist())))
    kept = Counter(chain.from_iterable(target.strata(trained.loc[trained["keep"], "label"].tolist())))
    return given, kept


def check_classes(trained: pd.DataFrame, target: Target) -> None:
    """
    Raises:
        InputError: a class loses all of its training rows.
    """
    before, after = class_sizes(trained, target)
    lost = before.keys() - after.keys() - {NO_CLASS}
    if target.CLOSED and lost:
        raise InputError(
            f"the policy leaves no training row with the label {min(lost)!r}; "
            "set label_audit.policy: keep, or a lower label_audit.max_share"
        )
