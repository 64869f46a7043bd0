"""Judges every label; writes data/verdicts/labels.

That is the label quality of each row, and which training labels are dropped, corrected or weigh less.

A probe on the embeddings predicts every training row out of fold (no cluster or group is in two folds). With the
method `probe`, cleanlab compares its predictions with the given labels. With `noise_matrix`, the nearest rows, a
discriminant and descriptions of the classes are asked too, and what they predict is corrected by how labels become
wrong. A second probe is fitted on the training rows that are kept. It judges the held-out rows, which are never
changed, and its predictions are the baseline `probe_` of evaluate. No held-out label influences the verdict on a
training row.

It also writes data/review_queue: the rows whose review would tell how often the audit is right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from stages.contracts.audit import Auditor, Judged, Reliability, load_auditor
from stages.contracts.content import load_modality
from stages.contracts.embed import load_embedder
from stages.contracts.label import Target, load_target
from stages.contracts.objective import Conclusion, Objective, RowWeights, load_objective
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict, VariantSection
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
    write_frame,
    write_tables,
)
from stages.label_quality import policy
from stages.label_quality.budget import affordable_share
from stages.label_quality.opinions import LabelledRows, NoiseModel, Opinions, ask_training_rows
from stages.label_quality.review import noise_limit, review_metrics, review_samples
from stages.labels.collected import collected_labels
from stages.labels.names import as_name
from stages.models.threads import set_threads
from stages.splits.stratify import deal

NONE = -1.0  # a label quality that no label has
DESCRIPTIONS, GIVE_NONE = "label_audit.descriptions", "set label_audit.descriptions: {}"
MAX_ROWS = 50_000  # training rows that the probe of a fold is fitted on, those with the smallest ids: bounds its time
STRONG_AGREEMENT = 0.7  # of all classes out of fold; below it, `budget: auto` is 0: most doubts are the probe's own


class Section(Strict):
    method: Literal["probe", "noise_matrix"] = Field(
        description="probe: doubts are those of a linear model, by confident learning; noise_matrix: the nearest rows "
        "and a discriminant are asked too, and people's systematic errors are corrected for; it needs one category "
        "per row"
    )
    folds: int = Field(
        ge=2, le=100, description="number of folds; the rows of each are predicted by a probe fitted on the other folds"
    )
    C: float = Field(ge=1e-6, le=1e6, description="inverse of the probe's regularisation strength")
    policy: Literal["drop", "relabel", "downweight", "keep"] = Field(
        description="what happens to the worst labels of training rows; downweight: the rows count a quarter in the "
        "loss, with target category; held-out rows are never changed"
    )
    budget: Literal["auto"] | float = Field(
        description="share of the training rows that the policy applies to, the worst first, with noise_matrix also "
        "those whose label nothing contradicts; auto: as many as a model can do without, and none if labels are hard "
        "to predict; needs method: noise_matrix"
    )
    max_share: float = Field(
        ge=0, le=1, description="largest share of the training rows of a class that the policy applies to"
    )
    descriptions: dict[str, str] = Field(
        description="what each class is about, in a few words (`sports: news about matches and clubs`): one more "
        "opinion, for texts and method: noise_matrix; {}: none"
    )

    @field_validator("budget", mode="plain")
    @classmethod
    def check_budget(cls, value: Any) -> Any:
        """One message, where pydantic would have one for each of the types."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value != "auto" and not (is_number and 0 <= value <= 1):
            raise ValueError("give auto, or a share from 0 to 1")
        return value

    @field_validator("descriptions")
    @classmethod
    def as_labels_are(cls, value: dict[str, str]) -> dict[str, str]:
        """Names in the form that cleaned labels have."""
        descriptions: dict[str, str] = {}
        for name, text in value.items():
            if as_name(name) in descriptions:
                raise ValueError(f"{as_name(name)!r} is described twice; keep one")
            descriptions[as_name(name)] = text
        return descriptions

    @model_validator(mode="after")
    def check_method(self) -> Self:
        if self.descriptions and self.method == "probe":
            raise ValueError("descriptions need method: noise_matrix; give {} with method: probe")
        if self.budget == "auto" and self.method == "probe":
            raise ValueError("budget: auto needs method: noise_matrix; give a share, such as 0.05")
        return self


class EmbedSection(VariantSection):
    variant = ("modalities", "embed", "EmbedParams")


class Params(Strict):
    modality: str
    target: str
    seed: int
    threads: int = Field(ge=1)
    embed: EmbedSection
    label_audit: Section


@dataclass(frozen=True)
class TargetParts:
    """The parts of the target that this stage uses."""

    name: str
    label: Target
    audit: Auditor
    objective: type[Objective]

    @classmethod
    def load(cls, target: str) -> Self:
        return cls(target, load_target(target), load_auditor(target), load_objective(target))

    def check(self, section: Section) -> None:
        """
        Raises:
            InputError: the target has no such method or policy.
        """
        for key, value in (("method", section.method), ("policy", section.policy)):
            if value in ("noise_matrix", "downweight") and not self.audit.ONE_CLASS:
                other = "probe" if key == "method" else "drop, relabel or keep"
                raise InputError(
                    f"label_audit.{key}: {value} needs one category per row, and target {self.name} has none; "
                    f"give {other}"
                )


def read_rows() -> pd.DataFrame:
    """The rows that split keeps, in the order of ids and without content.

    They have `split`, `unit` (the cluster or group), `reviewed` and the `note` of a person, `collected_label` (before a
    person corrected it), `was_wrong`, whether that is another label, and `has_source_label`.
    """
    rows = read_frame(paths.CLEANED, ["id", "label"])
    verdicts = read_frame(paths.SPLIT_VERDICTS, ["id", "keep", "split", "unit"])
    reviewed = read_frame(paths.CLEAN_VERDICTS, ["id", "reviewed", "note", "source_label"])
    rows = rows.merge(verdicts, on="id").merge(reviewed, on="id")
    rows = rows[rows.pop("keep")].sort_values("id", ignore_index=True)
    collected = collected_labels(rows)
    was_wrong = [one != other for one, other in zip(collected, rows["label"], strict=True)]
    return rows.assign(
        collected_label=pd.Series(collected, index=rows.index, dtype=rows["label"].dtype),
        was_wrong=was_wrong,
        has_source_label=~rows["reviewed"] | rows.pop("source_label").notna(),
    )


def predict_with_probe(
    objective: Objective,
    labels: Sequence[Label],
    vectors: Vectors,
    others: Vectors,
    C: float,
    row_weights: RowWeights = None,
) -> Predictions:
    """The outputs for `others` of a probe that is fitted on `vectors` and their labels.

    Args:
        C: the inverse of the regularisation strength.
    """
    weights, bias = objective.first_head(vectors, objective.targets(labels), C, row_weights)

    def logits(inputs: Vectors) -> npt.NDArray[np.float64]:
        return np.asarray(inputs.astype(np.float64) @ weights.T + bias)

    if others.dtype == object:  # one (n_tokens, dim) per row
        return objective.outputs(ragged([logits(tokens) for tokens in others]))
    return objective.outputs(logits(others))


def deal_folds(train: pd.DataFrame, target: Target, n_folds: int, seed: int) -> npt.NDArray[np.str_]:
    """(n_rows,): the fold of each training row; no cluster or group is in two.

    Raises:
        InputError: all rows are of one group or cluster.
    """
    if train["unit"].nunique() < 2:
        raise InputError(
            f"all {len(train)} training rows are in the same group or cluster, "
            "but a label is judged by rows of other groups; see collect.columns.group"
        )
    n_folds = min(n_folds, train["unit"].nunique())  # others would be empty
    shares = {str(fold): 1 / n_folds for fold in range(n_folds)}
    return deal(train["unit"].tolist(), target.strata(train["label"].tolist()), shares, seed)


def predict_out_of_fold(
    labels: Sequence[Label], vectors: Vectors, folds: npt.NDArray[np.str_], objective: Objective, C: float
) -> Predictions:
    """The outputs for each training row of a probe that is fitted on the other folds, or on MAX_ROWS rows of them."""
    targets = pd.Series(list(labels), dtype=object)
    positions, outputs = [], []
    for fold in np.unique(folds):
        in_fold = folds == fold
        positions.append(np.flatnonzero(in_fold))
        known = np.flatnonzero(~in_fold)[:MAX_ROWS]
        outputs.append(predict_with_probe(objective, targets[known].tolist(), vectors[known], vectors[in_fold], C))
    order = np.argsort(np.concatenate(positions))
    return np.asarray(np.concatenate(outputs)[order])


def embed_descriptions(classes: Sequence[str], dim: int, params: Params) -> Mapping[str, Vectors] | None:
    """(dim,) by class: the vectors of the descriptions of these classes; None if there are none.

    Raises:
        InputError: they cannot be compared with rows, or do not fit the classes.
    """
    # One line each: two would be a pair.
    descriptions = {name: " ".join(text.split()) for name, text in params.label_audit.descriptions.items()}
    if not descriptions:
        return None
    check_descriptions(descriptions, classes, params.modality)
    embed_params, embedder = params.embed.of(params.modality), load_embedder(params.modality)
    texts = [descriptions[name] for name in classes]
    if embedder.measure(texts, embed_params).metrics["cut_rows"]:
        raise InputError(
            f"{DESCRIPTIONS}: at least one is longer than the encoder reads, and would be cut; describe each class in "
            f"a few words; see embed.{params.modality}"
        )
    vectors = embedder.embed(texts, embed_params).rows
    if vectors.shape[1] != dim:
        raise InputError(
            f"{DESCRIPTIONS}: the vectors of descriptions have {vectors.shape[1]} numbers and those of rows {dim}, as "
            f"rows are pairs; {GIVE_NONE}"
        )
    return dict(zip(classes, vectors, strict=True))


def check_descriptions(descriptions: Mapping[str, str], classes: Sequence[str], modality: str) -> None:
    """
    Raises:
        InputError: rows are no texts, or not every class has a description and every description a class.
    """
    content = load_modality(modality).CONTENT
    if content != pa.string():
        raise InputError(f"{DESCRIPTIONS}: only the encoder of texts reads them, not that of {modality}; {GIVE_NONE}")
    for name in sorted(descriptions.keys() - set(classes)):
        raise InputError(
            f"{DESCRIPTIONS}: no training row has the label {name!r}; describe {', '.join(classes)}, or {GIVE_NONE}"
        )
    for name in classes:
        if not descriptions.get(name):
            raise InputError(f"{DESCRIPTIONS}: the label {name!r} has none; describe every label, or {GIVE_NONE}")


# --- judging labels ---

Judge = Callable[[Sequence[Label]], Judged]  # judges labels that the same rows have, or could have


@dataclass(frozen=True)
class Part:
    """Training or held-out rows, with the predictions of probes that have not seen them."""

    rows: pd.DataFrame
    vectors: Vectors
    concluded: Conclusion

    @property
    def labels(self) -> list[Label]:
        labels: list[Label] = self.rows["label"].tolist()
        return labels

    def labelled(self, objective: Objective) -> LabelledRows:
        classes = np.array(objective.targets(self.labels), dtype=np.int64)
        return LabelledRows(self.vectors, classes, self.rows["unit"].to_numpy(dtype=str), len(objective.columns))

    def judge_by_probe(self, auditor: Auditor) -> Judge:
        return lambda labels: auditor.audit(labels, self.concluded)

    def judge_by_opinions(self, objective: Objective, opinions: Opinions) -> Judge:
        def judge(labels: Sequence[Label]) -> Judged:
            opinion = opinions.about(np.array(objective.targets(labels), dtype=np.int64))
            suggested = [objective.columns[number] for number in opinion.true.argmax(axis=1)]
            is_label_issue = np.array([one != other for one, other in zip(labels, suggested, strict=True)], dtype=bool)
            return Judged(opinion.label_quality, is_label_issue, suggested, [(label,) for label in labels])

        return judge


@dataclass(frozen=True)
class Budget:
    """How many training rows the policy applies to, and why it is none if it could be more."""

    n_rows: int
    remark: str | None = None


def choose_budget(
    section: Section, train: pd.DataFrame, reliability: Reliability, affordable: Callable[[], float]
) -> Budget:
    """
    Args:
        affordable: the share of the rows that a model can do without.
    """
    if section.policy == "keep":
        return Budget(0)
    if section.budget != "auto":
        return Budget(round_down(section.budget, len(train)))
    if reliability.of_all < STRONG_AGREEMENT:
        remark = (
            f"the probe agrees with the given labels too seldom ({max(0.0, reliability.of_all):.2f}; 0 is chance, 1 "
            f"is always, {STRONG_AGREEMENT} is needed) to tell wrong labels from hard rows, so the policy changes none"
        )
        return Budget(0, remark)
    return Budget(round_down(min(affordable(), noise_limit(train)), len(train)))


def round_down(share: float, n_rows: int) -> int:
    return int(share * n_rows + 1e-9)  # 1e-9: 0.29 * 100 is 28.999...


# --- the audit ---


@dataclass(frozen=True)
class Doubts:
    """What the audit thinks of the labels of training rows."""

    judged: Judged
    concluded: Conclusion  # of the probe
    objective: Objective  # with the thresholds that suit these rows
    noise_model: NoiseModel | None
    reliability: Reliability
    budget: Budget
    worst_quality: float  # labels up to this quality are doubtful, whatever is suggested


@dataclass(frozen=True)
class Trained:
    """The audit of training rows."""

    rows: pd.DataFrame  # with their verdicts
    doubts: Doubts
    review: pd.DataFrame  # the rows that people should review
    warnings: Sequence[DataWarning]


def judge_training(
    train: pd.DataFrame,
    vectors: Vectors,
    kind: TargetParts,
    params: Params,
    descriptions: Mapping[str, Vectors] | None,
) -> Doubts:
    """The labels of training rows, judged by the other rows."""
    section = params.label_audit
    labels = train["label"].tolist()
    objective = kind.objective.of(labels)
    folds = deal_folds(train, kind.label, section.folds, params.seed)
    outputs = predict_out_of_fold(labels, vectors, folds, objective, section.C)
    objective = objective.tuned(labels, outputs)
    part = Part(train, vectors, objective.conclude(outputs))
    reliability = kind.audit.reliability(labels, part.concluded)
    judge, noise_model = part.judge_by_probe(kind.audit), None
    affordable: Callable[[], float] = float  # 0; the probe alone cannot tell
    if section.method == "noise_matrix":
        rows = part.labelled(objective)
        described = None if descriptions is None else np.stack([descriptions[name] for name in objective.columns])
        asked = ask_training_rows(rows, folds, outputs, described)
        judge, noise_model = part.judge_by_opinions(objective, asked.opinions), asked.model
        affordable = partial(affordable_share, rows, folds, asked.opinions.about(rows.classes))
    budget = choose_budget(section, train, reliability, affordable)
    judged, worst_quality = judge(labels), NONE
    if noise_model is not None and budget.n_rows:
        worst_quality = quality_of_worst(judged.label_quality, budget.n_rows)
    judged = with_worst(judged, worst_quality)
    return Doubts(judged, part.concluded, objective, noise_model, reliability, budget, worst_quality)


def doubts_about_source(
    train: pd.DataFrame,
    vectors: Vectors,
    kind: TargetParts,
    params: Params,
    doubts: Doubts,
    descriptions: Mapping[str, Vectors] | None,
) -> npt.NDArray[np.bool_]:
    """(n_rows,): whether the audit doubts the label that the source gives, as if nobody had reviewed any.

    What people said about some rows tells the audit about the others. So an audit that knows it is more often right
    than the one that chose the rows to ask about.
    """
    if not train["reviewed"].any():
        return doubts.judged.is_label_issue
    labels = pd.Series(judgeable_labels(train, kind.label), index=train.index, dtype=train["label"].dtype)
    as_collected = train.assign(label=labels, reviewed=False)
    return judge_training(as_collected, vectors, kind, params, descriptions).judged.is_label_issue


def audit_training(train: pd.DataFrame, vectors: Vectors, kind: TargetParts, params: Params) -> Trained:
    """The verdict on each training row: `keep`, `reason`, `weight`, and the `label` to train on, as the policy says."""
    section, labels = params.label_audit, train["label"].tolist()
    descriptions = embed_descriptions(kind.objective.of(labels).columns, vectors.shape[-1], params)
    doubts = judge_training(train, vectors, kind, params, descriptions)
    judged, budget, reliability = doubts.judged, doubts.budget, doubts.reliability
    # Numbers are one class here: the wildest of them are all in the same of their strata.
    strata = kind.label.strata(labels) if kind.label.CLOSED else [("",)] * len(labels)
    spared = policy.spare(train, judged, reliability, strata, budget.n_rows, section)
    verdicts = policy.apply(section.policy, with_verdicts(train, doubts.concluded, judged, spared), judged)
    policy.check_classes(verdicts, kind.label)
    is_doubtful = doubts_about_source(train, vectors, kind, params, doubts, descriptions)
    review = review_samples(verdicts.assign(is_doubtful=is_doubtful))
    warnings = [
        *([DataWarning(budget.remark, "label_audit.budget")] if budget.remark else []),
        *policy.weakness(verdicts["spared"], reliability),
        *policy.losses(verdicts, kind.label, section.max_share),
    ]
    return Trained(verdicts, doubts, review, warnings)


def quality_of_worst(label_quality: npt.NDArray[np.float64], n_rows: int) -> float:
    """The highest quality that `n_rows` labels at most do not exceed; NONE if more labels share the lowest one.

    Nothing tells which of equal labels is the worst, so they are all doubted or none is.
    """
    ordered = np.sort(label_quality)
    is_last = ordered != np.append(ordered[1:], np.inf)  # of those with the same quality
    ends = ordered[:n_rows][is_last[:n_rows]]
    return float(ends[-1]) if len(ends) else NONE


def with_worst(judged: Judged, worst_quality: float) -> Judged:
    """Doubts labels up to this quality, too."""
    return replace(judged, is_label_issue=judged.is_label_issue | (judged.label_quality <= worst_quality))


def judgeable_labels(rows: pd.DataFrame, target: Target) -> list[Label]:
    """The labels before people corrected them; those of classes that no row has any more are the corrected ones."""
    classes = {name for names in target.strata(rows["label"].tolist()) for name in names}
    collected = rows["collected_label"].tolist()
    can_be_judged = [classes.issuperset(names) for names in target.strata(collected)]
    return [
        was if judgeable else label
        for was, label, judgeable in zip(collected, rows["label"], can_be_judged, strict=True)
    ]


def with_verdicts(
    rows: pd.DataFrame, concluded: Conclusion, judged: Judged, spared: npt.NDArray[np.object_]
) -> pd.DataFrame:
    """Adds what the audit thinks of each label; all rows are kept unchanged."""

    def labels(values: Sequence[Label]) -> pd.Series:
        return pd.Series(values, index=rows.index, dtype=rows["label"].dtype)

    return rows.assign(
        given_label=rows["label"],
        predicted_label=labels(concluded.labels),
        suggested_label=labels(judged.suggested),
        label_quality=judged.label_quality,
        is_label_issue=judged.is_label_issue,
        spared=spared,
        keep=True,
        reason=None,
        weight=1.0,
    )


def score_held_out(
    held_out: pd.DataFrame, vectors: Vectors, known: Part, trained: Trained, kind: TargetParts, C: float
) -> Part:
    """The label quality of each held-out row; all rows are kept unchanged.

    Args:
        known: the training rows that are kept, with their final labels.
    """
    doubts, objective = trained.doubts, trained.doubts.objective
    weights = known.rows["weight"].to_numpy()
    outputs = predict_with_probe(objective, known.labels, known.vectors, vectors, C, weights)
    part = Part(held_out, vectors, objective.conclude(outputs))
    judge = part.judge_by_probe(kind.audit)
    if doubts.noise_model is not None:
        units = held_out["unit"].to_numpy(dtype=str)
        opinions = doubts.noise_model.opinions(known.labelled(objective), outputs, vectors, units)
        judge = part.judge_by_opinions(objective, opinions)
    judged = with_worst(judge(part.labels), doubts.worst_quality)
    spared = np.full(len(held_out), None, dtype=object)
    return replace(part, rows=with_verdicts(held_out, part.concluded, judged, spared))


@dataclass(frozen=True)
class Audit:
    verdicts: pa.Table  # training rows first
    review: pd.DataFrame
    warnings: Sequence[DataWarning]


def audit(rows: pd.DataFrame, vectors: Vectors, kind: TargetParts, params: Params) -> Audit:
    """The verdict on each row, and what is out of the ordinary."""
    kind.check(params.label_audit)
    in_train = (rows["split"] == "train").to_numpy()
    train, held_out = rows[in_train].reset_index(drop=True), rows[~in_train].reset_index(drop=True)
    trained = audit_training(train, vectors[in_train], kind, params)
    kept = trained.rows["keep"].to_numpy()
    of_train = trained.doubts.concluded
    known = Part(trained.rows[kept], vectors[in_train][kept], of_train)
    scored = score_held_out(held_out, vectors[~in_train], known, trained, kind, params.label_audit.C)
    judged = pd.concat([trained.rows, scored.rows], ignore_index=True)
    predictions = np.concatenate([of_train.predictions, scored.concluded.predictions])
    table = as_table(judged, predictions, of_train.columns, kind.label)
    return Audit(table, trained.review, trained.warnings)


def as_table(judged: pd.DataFrame, predictions: Predictions, columns: Sequence[str], target: Target) -> pa.Table:
    """The verdicts as they are stored, with the predictions of the probe."""
    schema = verdict_schema(
        ("split", pa.string()),
        ("given_label", target.LABEL),
        ("predicted_label", target.LABEL),  # by the probe
        ("suggested_label", target.LABEL),  # by the audit
        ("label", target.LABEL),
        ("weight", pa.float64()),
        ("label_quality", pa.float64()),
        ("is_label_issue", pa.bool_()),
        ("spared", pa.string()),
    )
    table = pa.Table.from_pandas(judged, schema=schema, preserve_index=False)
    return table.append_column("predictions", named_columns(predictions, columns))


def write_review(review: pd.DataFrame, target: Target) -> None:
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("in_doubtful", pa.bool_()),
            ("in_all", pa.bool_()),
            ("given_label", target.LABEL),
            ("suggested_label", target.LABEL),
            ("label_quality", pa.float64()),
            ("reviewed", pa.bool_()),
        ]
    )
    write_frame(paths.REVIEW_QUEUE, review, schema)


def sentences(judged: pd.DataFrame) -> list[str]:
    """What was found, in words."""
    in_train = judged["split"] == "train"
    train, held_out = judged[in_train], judged[~in_train]
    deeds = {
        "dropped": int((~train["keep"]).sum()),
        "corrected": int((train["label"] != train["given_label"]).sum()),
        "gave less weight to": int((train["weight"] < 1).sum()),
    }
    done = " and ".join(f"{verb} {count:,}" for verb, count in deeds.items() if count) or "changed none"
    n_by_budget = int(policy.is_uncontradicted(train).sum())
    by_budget = f", {n_by_budget:,} of them as label_audit.budget takes so many" if n_by_budget else ""
    return [
        f"doubted {train['is_label_issue'].sum():,} of {len(train):,} training labels{by_budget}, and {done} of them",
        f"doubted {held_out['is_label_issue'].sum():,} of {len(held_out):,} labels of validation and test, "
        "which are never changed",
    ]


def main(params: Params) -> Counts:
    set_threads(params.threads)
    rows = read_rows()
    kind = TargetParts.load(params.target)
    vectors = read_vectors(paths.EMBEDDINGS, rows["id"], kind.audit.VECTORS)
    audited = audit(rows, vectors, kind, params)
    write_tables(paths.LABEL_VERDICTS, [audited.verdicts])
    write_review(audited.review, kind.label)
    judged = as_frame(audited.verdicts.drop_columns("predictions"))
    issues = judged.groupby("split")["is_label_issue"].sum()
    more: dict[str, float | int] = {f"label_issues_{split}": int(count) for split, count in issues.items()}
    more["relabelled"] = int((judged["label"] != judged["given_label"]).sum())
    more["downweighted"] = int((judged["weight"] < 1).sum())
    if kind.label.CLOSED:
        before, after = policy.class_sizes(judged[judged["split"] == "train"], kind.label)
        more["largest_class_loss"] = max(1 - after[name] / before[name] for name in before)
    more |= review_metrics(audited.review)
    dropped = judged["reason"].value_counts().to_dict()
    return Counts(len(judged), dropped, more, audited.warnings, found=sentences(judged))


if __name__ == "__main__":
    run_stage("label_audit", Params, main)
