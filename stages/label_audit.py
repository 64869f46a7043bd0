"""Judges every label; writes data/verdicts/labels: what each row's label is worth, and which training labels are dropped or corrected.

A probe on the embeddings predicts every training row out of fold (folds are cut at clusters and groups); cleanlab compares
that with the given label. A second probe, fitted on what then stays, scores the held-out rows, which are never touched. Its predictions are also the baseline
that evaluate sets beside the model. No held-out label plays a part in what happens to a training row.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import Field

from stages import paths
from stages.contracts import NO_CLASS, Conclusion, Objective, Predictions, Target, Vectors, load_objective, load_target
from stages.errors import InputError
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.stratify import deal
from stages.tables import as_frame, named_columns, read_frame, read_vectors, verdict_schema, write_tables


class Section(Strict):
    folds: int = Field(ge=2, description="parts in which the training rows are predicted, each by a probe that has not seen it")
    C: float = Field(gt=0, description="inverse strength of the probe's regularisation")
    policy: Literal["drop", "relabel", "keep"] = Field(description="what happens to training rows with a label issue; held-out rows are never touched")
    max_quality: float = Field(ge=0, le=1, description="label quality above which the policy leaves an issue alone")


class Params(Strict):
    target: str
    seed: int
    label_audit: Section


def read_rows() -> pd.DataFrame:
    """The rows that split keeps, without content."""
    rows = read_frame(paths.CLEANED, ["id", "label"])
    verdicts = read_frame(paths.SPLIT_VERDICTS, ["id", "keep", "split", "unit"])
    reviewed = read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed"])
    rows = rows.merge(verdicts, on="id").merge(reviewed, on="id")
    return rows[rows.pop("keep")].reset_index(drop=True)


def out_of_fold(rows: pd.DataFrame, vectors: Vectors, objective: Objective, target: Target, params: Params) -> Predictions:
    """What a probe predicts for each row that was fitted without its fold."""
    section = params.label_audit
    shares = {str(fold): 1 / section.folds for fold in range(section.folds)}
    if rows["unit"].nunique() < 2:
        raise InputError(
            f"the {len(rows)} rows of {rows['split'].iloc[0]} are of one group or cluster, and a label is judged by rows of others; see collect.columns.group"
        )
    folds = deal(rows["unit"].tolist(), target.strata(rows["label"].tolist()), shares, params.seed)
    places, predictions = [], []
    for fold in np.unique(folds):
        inside = folds == fold
        places.append(np.flatnonzero(inside))
        predictions.append(target.fit_predict(rows["label"][~inside].tolist(), vectors[~inside], vectors[inside], objective.columns, section.C))
    return np.asarray(np.concatenate(predictions)[np.argsort(np.concatenate(places))])


def judge(rows: pd.DataFrame, concluded: Conclusion, target: Target, policy: str, max_quality: float) -> pd.DataFrame:
    """Label quality of rows, and what the policy makes of it: `keep`, `reason` and the `label` to train on."""
    found = target.audit(rows["label"].tolist(), concluded)
    predicted = pd.Series(concluded.labels, index=rows.index, dtype=rows["label"].dtype)
    judged = rows.assign(predicted_label=predicted, label_quality=found.label_quality, is_label_issue=found.is_label_issue)
    # A weak probe calls many a good label an issue: the policy acts on the worst. A person's word stands above the probe's.
    suspect = judged["is_label_issue"] & (judged["label_quality"] <= max_quality) & ~judged["reviewed"]
    judged["keep"] = ~suspect if policy == "drop" else True
    judged["reason"] = judged["keep"].map({True: None, False: "label_issue"})
    judged["given_label"] = judged["label"]
    if policy == "relabel":
        judged["label"] = judged["label"].where(~suspect, pd.Series(found.suggested, index=rows.index, dtype=rows["label"].dtype))
    return judged


def audit(rows: pd.DataFrame, vectors: Vectors, target: Target, params: Params) -> pa.Table:
    """The verdict on every row, training rows first."""
    section = params.label_audit
    training = (rows["split"] == "train").to_numpy()
    train = rows[training].reset_index(drop=True)
    objective = load_objective(params.target).of(train["label"].tolist())
    outputs = out_of_fold(train, vectors[training], objective, target, params)
    objective = objective.tuned(train["label"].tolist(), outputs)
    of_train = objective.conclude(outputs)
    judged = judge(train, of_train, target, section.policy, section.max_quality)
    check_classes(judged, target)
    held_out = rows[~training].reset_index(drop=True)
    kept = judged["keep"].to_numpy()
    outputs = target.fit_predict(judged["label"][kept].tolist(), vectors[training][kept], vectors[~training], objective.columns, section.C)
    of_held_out = objective.conclude(outputs)
    judged = pd.concat([judged, judge(held_out, of_held_out, target, "keep", 0.0)], ignore_index=True)
    return as_table(judged, np.concatenate([of_train.predictions, of_held_out.predictions]), of_train.columns, target)


def check_classes(judged: pd.DataFrame, target: Target) -> None:
    """No class may lose all of its training rows."""
    before, after = (
        {name for names in target.strata(labels.tolist()) for name in names} for labels in (judged["given_label"], judged.loc[judged["keep"], "label"])
    )
    lost = before - after - {NO_CLASS}
    if target.CLOSED and lost:
        raise InputError(f"the policy would leave no training row with the label {min(lost)!r}; set label_audit.policy: keep, or a lower max_quality")


def as_table(judged: pd.DataFrame, predictions: Predictions, columns: Sequence[str], target: Target) -> pa.Table:
    more = [("split", pa.string()), ("given_label", target.LABEL), ("predicted_label", target.LABEL), ("label", target.LABEL)]
    schema = verdict_schema(*more, ("label_quality", pa.float64()), ("is_label_issue", pa.bool_()))
    table = pa.Table.from_pandas(judged, schema=schema, preserve_index=False)
    return table.append_column("predictions", named_columns(predictions, columns))


def main(params: Params) -> Counts:
    rows = read_rows()
    target = load_target(params.target)
    verdicts = audit(rows, read_vectors(paths.EMBEDDINGS, rows["id"], target.VECTORS), target, params)
    write_tables(paths.LABEL_VERDICTS, [verdicts])
    judged = as_frame(verdicts.drop_columns("predictions"))
    issues = judged.groupby("split")["is_label_issue"].sum()
    more = {f"label_issues_{split}": int(count) for split, count in issues.items()}
    relabelled = int((judged["label"] != judged["given_label"]).sum())
    return Counts(len(judged), judged["reason"].value_counts().to_dict(), {**more, "relabelled": relabelled})


if __name__ == "__main__":
    run_stage("label_audit", Params, main)
