"""Judges every label; writes data/verdicts/labels.

That is the label quality of each row, and which training labels are dropped or corrected.

A probe on the embeddings predicts every training row out of fold (no cluster or group is in two folds), and
cleanlab compares the predictions with the given labels. A second probe is fitted on the training rows that
are kept. It judges the held-out rows, which are never changed, and its predictions are the baseline `probe_`
of evaluate. No held-out label influences the verdict on a training row.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field

from stages.contracts.audit import Auditor, Judged, Reliability, load_auditor
from stages.contracts.label import NO_CLASS, Target, load_target
from stages.contracts.objective import Conclusion, Objective, load_objective
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import (
    Label,
    Predictions,
    Vectors,
    as_frame,
    named_columns,
    ragged,
    read_frame,
    read_vectors,
    verdict_schema,
    write_tables,
)
from stages.splits.stratify import deal

MIN_F1 = 0.5  # of a class out of fold; below it, most labels of the class that the probe doubts are right
MIN_AGREEMENT = 0.1  # of all classes out of fold; below it, the probe is hardly better than a constant answer
LARGE_LOSS = 0.2  # a larger share of the training rows of a class is worth a warning
SHOWN = 5  # classes in a message


class Section(Strict):
    folds: int = Field(
        ge=2, description="number of folds; the rows of each are predicted by a probe fitted on the other folds"
    )
    C: float = Field(gt=0, description="inverse of the probe's regularisation strength")
    policy: Literal["drop", "relabel", "keep"] = Field(
        description="what happens to training rows with a label issue; held-out rows are never changed"
    )
    max_quality: float = Field(ge=0, le=1, description="label quality above which the policy ignores an issue")
    max_share: float = Field(
        ge=0, le=1, description="largest share of the training rows of a class that the policy drops or relabels"
    )


class Params(Strict):
    target: str
    seed: int
    label_audit: Section


@dataclass(frozen=True)
class TargetParts:
    """The parts of the target that this stage uses."""

    label: Target
    audit: Auditor
    objective: type[Objective]

    @classmethod
    def load(cls, target: str) -> Self:
        return cls(load_target(target), load_auditor(target), load_objective(target))


def read_rows() -> pd.DataFrame:
    """The rows that split keeps, with `split`, `unit` (the cluster or group) and `reviewed`, without content."""
    rows = read_frame(paths.CLEANED, ["id", "label"])
    verdicts = read_frame(paths.SPLIT_VERDICTS, ["id", "keep", "split", "unit"])
    reviewed = read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"])
    rows = rows.merge(verdicts, on="id").merge(reviewed, on="id")
    return rows[rows.pop("keep")].reset_index(drop=True)


@dataclass(frozen=True)
class Audited:
    """Rows with their label quality and verdict, and the predictions of the probe."""

    rows: pd.DataFrame
    concluded: Conclusion
    reliability: Reliability


def predict_with_probe(
    objective: Objective, labels: Sequence[Label], vectors: Vectors, others: Vectors, C: float
) -> Predictions:
    """The outputs for `others` of a probe that is fitted on `vectors` and their labels.

    Args:
        C: the inverse of the regularisation strength.
    """
    weights, bias = objective.first_head(vectors, objective.targets(labels), C)

    def logits(inputs: Vectors) -> npt.NDArray[np.float64]:
        return np.asarray(inputs.astype(np.float64) @ weights.T + bias)

    if others.dtype == object:  # one (n_tokens, dim) per row
        return objective.outputs(ragged([logits(tokens) for tokens in others]))
    return objective.outputs(logits(others))


def predict_out_of_fold(
    train: pd.DataFrame, vectors: Vectors, objective: Objective, target: Target, params: Params
) -> Predictions:
    """The outputs for each training row of a probe that is fitted on the other folds.

    No cluster or group is in two folds.

    Raises:
        InputError: all rows are of one group or cluster.
    """
    section = params.label_audit
    if train["unit"].nunique() < 2:
        raise InputError(
            f"all {len(train)} training rows are in the same group or cluster, "
            "but a label is judged by rows of other groups; see collect.columns.group"
        )
    n_folds = min(section.folds, train["unit"].nunique())  # others would be empty
    shares = {str(fold): 1 / n_folds for fold in range(n_folds)}
    folds = deal(train["unit"].tolist(), target.strata(train["label"].tolist()), shares, params.seed)
    positions, outputs = [], []
    for fold in np.unique(folds):
        in_fold = folds == fold
        labels = train["label"][~in_fold].tolist()
        positions.append(np.flatnonzero(in_fold))
        outputs.append(predict_with_probe(objective, labels, vectors[~in_fold], vectors[in_fold], section.C))
    order = np.argsort(np.concatenate(positions))
    return np.asarray(np.concatenate(outputs)[order])


def judge(rows: pd.DataFrame, concluded: Conclusion, judged: Judged, spared: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Adds the label quality, and why the policy leaves an issue alone; all rows are kept unchanged."""
    return rows.assign(
        given_label=rows["label"],
        predicted_label=pd.Series(concluded.labels, index=rows.index, dtype=rows["label"].dtype),
        label_quality=judged.label_quality,
        is_label_issue=judged.is_label_issue,
        spared=spared,
        keep=True,
        reason=None,
    )


def audit_training(
    train: pd.DataFrame, objective: Objective, outputs: Predictions, kind: TargetParts, section: Section
) -> Audited:
    """The verdict on each training row: `keep`, `reason`, and the `label` to train on, as the policy says."""
    concluded = objective.conclude(outputs)
    labels = train["label"].tolist()
    judged = kind.audit.audit(labels, concluded)
    reliability = kind.audit.reliability(labels, concluded)
    # Numbers are one class here: the wildest of them are all in the same of their strata.
    strata = kind.label.strata(labels) if kind.label.CLOSED else [("",)] * len(labels)
    spared = spare(train, judged, reliability, strata, section)
    rows = judge(train, concluded, judged, spared)
    is_suspect = judged.is_label_issue & pd.isna(spared)
    if section.policy == "drop":
        rows["keep"] = ~is_suspect
        rows["reason"] = rows["keep"].map({True: None, False: "label_issue"})
    elif section.policy == "relabel":
        suggested = pd.Series(judged.suggested, index=rows.index, dtype=rows["label"].dtype)
        rows["label"] = rows["label"].where(~is_suspect, suggested)
    return Audited(rows, concluded, reliability)


def spare(
    train: pd.DataFrame,
    judged: Judged,
    reliability: Reliability,
    strata: Sequence[tuple[str, ...]],
    section: Section,
) -> npt.NDArray[np.object_]:
    """Why the policy does not apply to the label issue of each row, (n_rows,); None if it does, or there is no issue.

    A weak probe reports many correct labels as issues, so the policy applies only to those of lowest quality, and only
    to classes that the probe knows. It never applies to labels that a person decided.
    """
    spared = np.full(len(train), None, dtype=object)
    if section.policy == "keep":
        return spared
    weak = weak_classes(reliability)
    is_weak = [reliability.of_all < MIN_AGREEMENT or not weak.isdisjoint(names) for names in judged.doubted]
    reasons = {
        "reviewed": train["reviewed"].to_numpy(dtype=bool),
        "max_quality": judged.label_quality > section.max_quality,
        "weak_probe": np.array(is_weak, dtype=bool),
    }
    for reason, applies in reasons.items():
        spared[judged.is_label_issue & pd.isna(spared) & applies] = reason
    suspects = np.flatnonzero(judged.is_label_issue & pd.isna(spared))
    spared[above_share(suspects, judged.label_quality, strata, section.max_share)] = "max_share"
    return spared


def weak_classes(reliability: Reliability) -> set[str]:
    """The classes whose labels the probe cannot judge."""
    return {name for name, f1 in reliability.of_class.items() if f1 < MIN_F1}


def above_share(
    suspects: npt.NDArray[np.intp],
    quality: npt.NDArray[np.float64],
    strata: Sequence[tuple[str, ...]],
    max_share: float,
) -> list[int]:
    """The suspects beyond the share of a class that may leave it; those of lowest quality leave first."""
    sizes = Counter(name for row in strata for name in row)
    left = {name: int(max_share * size + 1e-9) for name, size in sizes.items()}  # 1e-9: 0.29 * 100 is 28.999...
    beyond = []
    for row in suspects[np.argsort(quality[suspects], kind="stable")].tolist():
        if any(left[name] < 1 for name in strata[row]):
            beyond.append(row)
            continue
        for name in strata[row]:
            left[name] -= 1
    return beyond


def score_held_out(held_out: pd.DataFrame, outputs: Predictions, objective: Objective, auditor: Auditor) -> Audited:
    """The label quality of each held-out row; all rows are kept unchanged."""
    concluded = objective.conclude(outputs)
    labels = held_out["label"].tolist()
    judged = auditor.audit(labels, concluded)
    spared = np.full(len(held_out), None, dtype=object)
    return Audited(judge(held_out, concluded, judged, spared), concluded, auditor.reliability(labels, concluded))


@dataclass(frozen=True)
class Audit:
    verdicts: pa.Table  # training rows first
    warnings: Sequence[DataWarning]


def audit(rows: pd.DataFrame, vectors: Vectors, kind: TargetParts, params: Params) -> Audit:
    """The verdict on each row, and what is out of the ordinary."""
    in_train = (rows["split"] == "train").to_numpy()
    train, held_out = rows[in_train].reset_index(drop=True), rows[~in_train].reset_index(drop=True)
    train_vectors, held_out_vectors = vectors[in_train], vectors[~in_train]
    labels = train["label"].tolist()
    objective = kind.objective.of(labels)
    outputs = predict_out_of_fold(train, train_vectors, objective, kind.label, params)
    objective = objective.tuned(labels, outputs)
    trained = audit_training(train, objective, outputs, kind, params.label_audit)
    check_classes(trained.rows, kind.label)
    kept = trained.rows["keep"].to_numpy()
    final_labels = trained.rows["label"][kept].tolist()
    outputs = predict_with_probe(objective, final_labels, train_vectors[kept], held_out_vectors, params.label_audit.C)
    scored = score_held_out(held_out, outputs, objective, kind.audit)
    judged = pd.concat([trained.rows, scored.rows], ignore_index=True)
    predictions = np.concatenate([trained.concluded.predictions, scored.concluded.predictions])
    table = as_table(judged, predictions, trained.concluded.columns, kind.label)
    return Audit(table, [*weakness(trained), *losses(trained.rows, kind.label, params.label_audit)])


def weakness(trained: Audited) -> list[DataWarning]:
    """A warning if the policy leaves labels alone because the probe cannot judge them."""
    n_spared = int((trained.rows["spared"] == "weak_probe").sum())
    if not n_spared:
        return []
    if trained.reliability.of_all < MIN_AGREEMENT:
        message = "the probe predicts labels hardly better than a constant answer, so the policy changes none"
        return [DataWarning(message, "embed")]
    f1 = trained.reliability.of_class
    weakest = sorted(weak_classes(trained.reliability), key=lambda name: (f1[name], name))
    shown = ", ".join(f"{name!r} ({f1[name]:.2f})" for name in weakest[:SHOWN])
    more = f" and {len(weakest) - SHOWN} more" if len(weakest) > SHOWN else ""
    message = (
        f"the probe cannot judge the labels {shown}{more}: its F1 is below {MIN_F1}; {n_spared:,} doubtful labels that "
        "concern them were not changed"
    )
    return [DataWarning(message, "embed")]


def losses(trained: pd.DataFrame, target: Target, section: Section) -> list[DataWarning]:
    """Warnings about classes that lose many training rows, or would lose more than the policy may take."""
    before, after = class_sizes(trained, target)
    warnings = []
    for name in sorted(before) if target.CLOSED else ():
        if 1 - after[name] / before[name] > LARGE_LOSS:
            message = f"the policy leaves {after[name]:,} of {before[name]:,} training rows with the label {name!r}"
            warnings.append(DataWarning(message, "label_audit.max_share"))
    n_beyond = int((trained["spared"] == "max_share").sum())
    if n_beyond:
        is_none = section.max_share == 0
        labels = f"{n_beyond:,} {'' if is_none else 'more '}{'label is' if n_beyond == 1 else 'labels are'}"
        limit = "rows, and may lose none" if is_none else f"more than {section.max_share:.0%} of their training rows"
        message = f"{labels} so doubtful that the policy applies, but their classes would lose {limit}"
        warnings.append(DataWarning(message, "label_audit.max_share"))
    return warnings


def class_sizes(trained: pd.DataFrame, target: Target) -> tuple[Counter[str], Counter[str]]:
    """The training rows of each stratum of the given labels, before and after the policy."""
    given = Counter(chain.from_iterable(target.strata(trained["given_label"].tolist())))
    kept = Counter(chain.from_iterable(target.strata(trained.loc[trained["keep"], "label"].tolist())))
    return given, kept


def check_classes(judged: pd.DataFrame, target: Target) -> None:
    """
    Raises:
        InputError: a class loses all of its training rows.
    """
    before, after = class_sizes(judged, target)
    lost = before.keys() - after.keys() - {NO_CLASS}
    if target.CLOSED and lost:
        raise InputError(
            f"the policy leaves no training row with the label {min(lost)!r}; "
            "set label_audit.policy: keep, or a lower label_audit.max_share"
        )


def as_table(judged: pd.DataFrame, predictions: Predictions, columns: Sequence[str], target: Target) -> pa.Table:
    """The verdicts as they are stored, with the predictions of the probe."""
    schema = verdict_schema(
        ("split", pa.string()),
        ("given_label", target.LABEL),
        ("predicted_label", target.LABEL),
        ("label", target.LABEL),
        ("label_quality", pa.float64()),
        ("is_label_issue", pa.bool_()),
        ("spared", pa.string()),
    )
    table = pa.Table.from_pandas(judged, schema=schema, preserve_index=False)
    return table.append_column("predictions", named_columns(predictions, columns))


def main(params: Params) -> Counts:
    rows = read_rows()
    kind = TargetParts.load(params.target)
    vectors = read_vectors(paths.EMBEDDINGS, rows["id"], kind.audit.VECTORS)
    audited = audit(rows, vectors, kind, params)
    write_tables(paths.LABEL_VERDICTS, [audited.verdicts])
    judged = as_frame(audited.verdicts.drop_columns("predictions"))
    issues = judged.groupby("split")["is_label_issue"].sum()
    more: dict[str, float | int] = {f"label_issues_{split}": int(count) for split, count in issues.items()}
    relabelled = int((judged["label"] != judged["given_label"]).sum())
    more["relabelled"] = relabelled
    if kind.label.CLOSED:
        before, after = class_sizes(judged[judged["split"] == "train"], kind.label)
        more["largest_class_loss"] = max(1 - after[name] / before[name] for name in before)
    dropped, n_train = judged["reason"].value_counts().to_dict(), int((judged["split"] == "train").sum())
    found = [
        f"doubted {issues['train']:,} of {n_train:,} training labels: dropped {sum(dropped.values()):,} of their rows, "
        f"corrected {relabelled:,} of the labels",
        f"doubted {issues.sum() - issues['train']:,} of {len(judged) - n_train:,} labels of validation and test, "
        "which are never changed",
    ]
    return Counts(len(judged), dropped, more, audited.warnings, found=found)


if __name__ == "__main__":
    run_stage("label_audit", Params, main)
