"""Judges every label; writes data/verdicts/labels: what each row's label is worth, and which training labels are dropped or corrected.

A probe on the embeddings predicts every training row out of fold (folds are cut at clusters and groups); cleanlab compares
that with the given label. A second probe, fitted on what then stays, scores the held-out rows, which are never touched. Its predictions are also the baseline
that evaluate sets beside the model. No held-out label plays a part in what happens to a training row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Literal, Self

import numpy as np
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
    Predictions,
    Vectors,
    as_frame,
    named_columns,
    read_frame,
    read_vectors,
    verdict_schema,
    write_tables,
)
from stages.splits.stratify import deal


class Section(Strict):
    folds: int = Field(
        ge=2, description="parts in which the training rows are predicted, each by a probe that has not seen it"
    )
    C: float = Field(gt=0, description="inverse strength of the probe's regularisation")
    policy: Literal["drop", "relabel", "keep"] = Field(
        description="what happens to training rows with a label issue; held-out rows are never touched"
    )
    max_quality: float = Field(ge=0, le=1, description="label quality above which the policy leaves an issue alone")


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
    """The rows that split keeps, without content."""
    rows = read_frame(paths.CLEANED, ["id", "label"])
    verdicts = read_frame(paths.SPLIT_VERDICTS, ["id", "keep", "split", "unit"])
    reviewed = read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"])
    rows = rows.merge(verdicts, on="id").merge(reviewed, on="id")
    return rows[rows.pop("keep")].reset_index(drop=True)


@dataclass(frozen=True)
class Audited:
    """Rows with their label quality and verdict, and what the probe predicts for them."""

    rows: pd.DataFrame
    concluded: Conclusion


def predict_out_of_fold(
    train: pd.DataFrame, vectors: Vectors, objective: Objective, kind: TargetParts, params: Params
) -> Predictions:
    """The outputs for each training row, by a probe that was fitted on the other folds; clusters and groups are never cut.

    Raises:
        InputError: all rows are of one group or cluster.
    """
    section = params.label_audit
    shares = {str(fold): 1 / section.folds for fold in range(section.folds)}
    if train["unit"].nunique() < 2:
        raise InputError(
            f"the {len(train)} rows of {train['split'].iloc[0]} are of one group or cluster, and a label is judged by rows of others; see collect.columns.group"
        )
    folds = deal(train["unit"].tolist(), kind.label.strata(train["label"].tolist()), shares, params.seed)
    places, predictions = [], []
    for fold in np.unique(folds):
        in_fold = folds == fold
        places.append(np.flatnonzero(in_fold))
        labels = train["label"][~in_fold].tolist()
        predictions.append(
            kind.audit.fit_predict(labels, vectors[~in_fold], vectors[in_fold], objective.columns, section.C)
        )
    return np.asarray(np.concatenate(predictions)[np.argsort(np.concatenate(places))])


def judge(rows: pd.DataFrame, concluded: Conclusion, auditor: Auditor, policy: str, max_quality: float) -> pd.DataFrame:
    """Adds label quality, and what the policy does: `keep`, `reason` and the `label` to train on."""
    quality = auditor.audit(rows["label"].tolist(), concluded)
    predicted = pd.Series(concluded.labels, index=rows.index, dtype=rows["label"].dtype)
    judged = rows.assign(
        predicted_label=predicted, label_quality=quality.label_quality, is_label_issue=quality.is_label_issue
    )
    # A weak probe calls many a good label an issue, so the policy acts on the worst only. A person's decision is never overruled.
    suspect = judged["is_label_issue"] & (judged["label_quality"] <= max_quality) & ~judged["reviewed"]
    judged["keep"] = ~suspect if policy == "drop" else True
    judged["reason"] = judged["keep"].map({True: None, False: "label_issue"})
    judged["given_label"] = judged["label"]
    if policy == "relabel":
        judged["label"] = judged["label"].where(
            ~suspect, pd.Series(quality.suggested, index=rows.index, dtype=rows["label"].dtype)
        )
    return judged


def audit_training(
    train: pd.DataFrame, objective: Objective, outputs: Predictions, auditor: Auditor, section: Section
) -> Audited:
    """The verdict on every training row."""
    concluded = objective.conclude(outputs)
    return Audited(judge(train, concluded, auditor, section.policy, section.max_quality), concluded)


def score_held_out(held_out: pd.DataFrame, outputs: Predictions, objective: Objective, auditor: Auditor) -> Audited:
    """The label quality of held-out rows, all of which stay as they are."""
    concluded = objective.conclude(outputs)
    return Audited(judge(held_out, concluded, auditor, "keep", 0.0), concluded)


def audit(rows: pd.DataFrame, vectors: Vectors, kind: TargetParts, params: Params) -> pa.Table:
    """The verdict on every row, training rows first."""
    in_train = (rows["split"] == "train").to_numpy()
    train, held_out = rows[in_train].reset_index(drop=True), rows[~in_train].reset_index(drop=True)
    labels = train["label"].tolist()
    objective = kind.objective.of(labels)
    outputs = predict_out_of_fold(train, vectors[in_train], objective, kind, params)
    objective = objective.tuned(labels, outputs)
    trained = audit_training(train, objective, outputs, kind.audit, params.label_audit)
    check_classes(trained.rows, kind.label)
    kept = trained.rows["keep"].to_numpy()
    final_labels = trained.rows["label"][kept].tolist()
    outputs = kind.audit.fit_predict(
        final_labels, vectors[in_train][kept], vectors[~in_train], objective.columns, params.label_audit.C
    )
    scored = score_held_out(held_out, outputs, objective, kind.audit)
    judged = pd.concat([trained.rows, scored.rows], ignore_index=True)
    predictions = np.concatenate([trained.concluded.predictions, scored.concluded.predictions])
    return as_table(judged, predictions, trained.concluded.columns, kind.label)


def check_classes(judged: pd.DataFrame, target: Target) -> None:
    """No class may lose all of its training rows."""
    before = set(chain.from_iterable(target.strata(judged["given_label"].tolist())))
    after = set(chain.from_iterable(target.strata(judged.loc[judged["keep"], "label"].tolist())))
    lost = before - after - {NO_CLASS}
    if target.CLOSED and lost:
        raise InputError(
            f"the policy would leave no training row with the label {min(lost)!r}; set label_audit.policy: keep, or a lower max_quality"
        )


def as_table(judged: pd.DataFrame, predictions: Predictions, columns: Sequence[str], target: Target) -> pa.Table:
    more = [
        ("split", pa.string()),
        ("given_label", target.LABEL),
        ("predicted_label", target.LABEL),
        ("label", target.LABEL),
    ]
    schema = verdict_schema(*more, ("label_quality", pa.float64()), ("is_label_issue", pa.bool_()))
    table = pa.Table.from_pandas(judged, schema=schema, preserve_index=False)
    return table.append_column("predictions", named_columns(predictions, columns))


def main(params: Params) -> Counts:
    rows = read_rows()
    kind = TargetParts.load(params.target)
    verdicts = audit(rows, read_vectors(paths.EMBEDDINGS, rows["id"], kind.audit.VECTORS), kind, params)
    write_tables(paths.LABEL_VERDICTS, [verdicts])
    judged = as_frame(verdicts.drop_columns("predictions"))
    issues = judged.groupby("split")["is_label_issue"].sum()
    more = {f"label_issues_{split}": int(count) for split, count in issues.items()}
    relabelled = int((judged["label"] != judged["given_label"]).sum())
    return Counts(len(judged), judged["reason"].value_counts().to_dict(), {**more, "relabelled": relabelled})


if __name__ == "__main__":
    run_stage("label_audit", Params, main)
