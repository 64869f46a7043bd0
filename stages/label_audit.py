"""Judges every label; writes data/verdicts/labels.

That is the label quality of each row, and which training labels are dropped or corrected.

A probe on the embeddings predicts every training row out of fold (no cluster or group is in two folds), and
cleanlab compares the predictions with the given labels. A second probe is fitted on the training rows that
are kept. It judges the held-out rows, which are never changed, and its predictions are the baseline `probe_`
of evaluate. No held-out label influences the verdict on a training row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field

from stages.contracts.audit import Auditor, load_auditor
from stages.contracts.label import NO_CLASS, Target, load_target
from stages.contracts.objective import Conclusion, Objective, load_objective
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
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


class Section(Strict):
    folds: int = Field(
        ge=2, description="number of folds; the rows of each are predicted by a probe fitted on the other folds"
    )
    C: float = Field(gt=0, description="inverse of the probe's regularisation strength")
    policy: Literal["drop", "relabel", "keep"] = Field(
        description="what happens to training rows with a label issue; held-out rows are never changed"
    )
    max_quality: float = Field(ge=0, le=1, description="label quality above which the policy ignores an issue")


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
    shares = {str(fold): 1 / section.folds for fold in range(section.folds)}
    folds = deal(train["unit"].tolist(), target.strata(train["label"].tolist()), shares, params.seed)
    positions, outputs = [], []
    for fold in np.unique(folds):
        in_fold = folds == fold
        labels = train["label"][~in_fold].tolist()
        positions.append(np.flatnonzero(in_fold))
        outputs.append(predict_with_probe(objective, labels, vectors[~in_fold], vectors[in_fold], section.C))
    order = np.argsort(np.concatenate(positions))
    return np.asarray(np.concatenate(outputs)[order])


def judge(rows: pd.DataFrame, concluded: Conclusion, auditor: Auditor, policy: str, max_quality: float) -> pd.DataFrame:
    """Adds the label quality and the verdict of the policy: `keep`, `reason`, and the `label` to train on."""
    judged = auditor.audit(rows["label"].tolist(), concluded)
    # A weak probe reports many correct labels as issues, so the policy applies only to those of lowest
    # quality, and never to labels that a person decided.
    is_suspect = judged.is_label_issue & (judged.label_quality <= max_quality) & ~rows["reviewed"].to_numpy()
    verdicts = rows.assign(
        given_label=rows["label"],
        predicted_label=pd.Series(concluded.labels, index=rows.index, dtype=rows["label"].dtype),
        label_quality=judged.label_quality,
        is_label_issue=judged.is_label_issue,
        keep=~is_suspect if policy == "drop" else True,
    )
    verdicts["reason"] = verdicts["keep"].map({True: None, False: "label_issue"})
    if policy == "relabel":
        suggested = pd.Series(judged.suggested, index=rows.index, dtype=rows["label"].dtype)
        verdicts["label"] = rows["label"].where(~is_suspect, suggested)
    return verdicts


def audit_training(
    train: pd.DataFrame, objective: Objective, outputs: Predictions, auditor: Auditor, section: Section
) -> Audited:
    """The verdict on each training row."""
    concluded = objective.conclude(outputs)
    return Audited(judge(train, concluded, auditor, section.policy, section.max_quality), concluded)


def score_held_out(held_out: pd.DataFrame, outputs: Predictions, objective: Objective, auditor: Auditor) -> Audited:
    """The label quality of each held-out row; all rows are kept unchanged."""
    concluded = objective.conclude(outputs)
    return Audited(judge(held_out, concluded, auditor, "keep", 0.0), concluded)


def audit(rows: pd.DataFrame, vectors: Vectors, kind: TargetParts, params: Params) -> pa.Table:
    """The verdict on each row, training rows first."""
    in_train = (rows["split"] == "train").to_numpy()
    train, held_out = rows[in_train].reset_index(drop=True), rows[~in_train].reset_index(drop=True)
    train_vectors, held_out_vectors = vectors[in_train], vectors[~in_train]
    labels = train["label"].tolist()
    objective = kind.objective.of(labels)
    outputs = predict_out_of_fold(train, train_vectors, objective, kind.label, params)
    objective = objective.tuned(labels, outputs)
    trained = audit_training(train, objective, outputs, kind.audit, params.label_audit)
    check_classes(trained.rows, kind.label)
    kept = trained.rows["keep"].to_numpy()
    final_labels = trained.rows["label"][kept].tolist()
    outputs = predict_with_probe(objective, final_labels, train_vectors[kept], held_out_vectors, params.label_audit.C)
    scored = score_held_out(held_out, outputs, objective, kind.audit)
    judged = pd.concat([trained.rows, scored.rows], ignore_index=True)
    predictions = np.concatenate([trained.concluded.predictions, scored.concluded.predictions])
    return as_table(judged, predictions, trained.concluded.columns, kind.label)


def check_classes(judged: pd.DataFrame, target: Target) -> None:
    """
    Raises:
        InputError: a class loses all of its training rows.
    """
    before = set(chain.from_iterable(target.strata(judged["given_label"].tolist())))
    after = set(chain.from_iterable(target.strata(judged.loc[judged["keep"], "label"].tolist())))
    lost = before - after - {NO_CLASS}
    if target.CLOSED and lost:
        raise InputError(
            f"the policy leaves no training row with the label {min(lost)!r}; "
            "set label_audit.policy: keep, or a lower label_audit.max_quality"
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
    )
    table = pa.Table.from_pandas(judged, schema=schema, preserve_index=False)
    return table.append_column("predictions", named_columns(predictions, columns))


def main(params: Params) -> Counts:
    rows = read_rows()
    kind = TargetParts.load(params.target)
    vectors = read_vectors(paths.EMBEDDINGS, rows["id"], kind.audit.VECTORS)
    verdicts = audit(rows, vectors, kind, params)
    write_tables(paths.LABEL_VERDICTS, [verdicts])
    judged = as_frame(verdicts.drop_columns("predictions"))
    issues = judged.groupby("split")["is_label_issue"].sum()
    more = {f"label_issues_{split}": int(count) for split, count in issues.items()}
    relabelled = int((judged["label"] != judged["given_label"]).sum())
    return Counts(len(judged), judged["reason"].value_counts().to_dict(), {**more, "relabelled": relabelled})


if __name__ == "__main__":
    run_stage("label_audit", Params, main)
