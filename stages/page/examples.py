"""The examples of the report: for each kind of finding the rows that show it best, one per cluster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from stages.core import paths
from stages.core.tables import as_frame, find_rows, one_of, read_frame, read_schema
from stages.page.glossary import MEASURES, REPAIRS, Reasons

# Columns that a card shows elsewhere, or that hold ids. All other columns of a verdict become facts of the card.
NOT_FACTS = {
    "id",
    "keep",
    "reason",
    "source",
    "split",
    "label",
    "given_label",
    "predicted_label",
    "suggested_label",
    "is_label_issue",
    "predictions",
    "cluster",
    "duplicate_of",
    "nearest",
    "class_nearest",
    "far_from_class",
    "unit",
    "note",
}
# The tables with the content of the rows that a stage drops.
CONTENT_OF_DROPPED = {"collect": paths.COLLECT_VERDICTS, "clean": paths.COLLECTED, "split": paths.CLEANED}
LEAK = "duplicate_of_held_out"


@dataclass(frozen=True)
class Ref:
    """A row in a table that has its content."""

    id: str
    folder: Path


@dataclass(frozen=True)
class Example:
    rows: tuple[Ref, ...]  # one, or two side by side
    facts: Mapping[str, Any]
    labels: Mapping[str, Any] = field(default_factory=dict)  # of the first row
    mark_differences: bool = True  # between the contents of two rows


@dataclass(frozen=True)
class Kind:
    """A kind of finding."""

    title: str
    remark: str
    n_rows: int  # all rows of this kind, shown or not
    examples: Sequence[Example]


def all_kinds(outcomes: pd.DataFrame, reasons: Reasons, n: int) -> list[Kind]:
    """The kinds that occur in the data, the most urgent first, with up to `n` examples each."""
    kinds = [
        *duplicates(reasons, n),
        *label_issues(n),
        *outliers(n),
        *dropped(outcomes, reasons, n),
        *repaired(n),
    ]
    return [kind for kind in kinds if kind.n_rows]


def duplicates(reasons: Reasons, n: int) -> Iterator[Kind]:
    """Leaks first, then duplicates with different labels, then one kind per reason."""
    rows = read_verdicts("dedupe")
    rows = rows.assign(rows_in_cluster=rows.groupby("cluster")["id"].transform("size"))
    matched = rows[rows["duplicate_of"].notna()]
    yield leaks(matched[matched["reason"] == LEAK], n)
    yield label_conflicts(with_different_labels(matched[matched["label_conflict"]]), n)
    for reason, group in sorted(matched.groupby("reason"), key=lambda item: str(item[0])):
        if reason != LEAK:
            yield duplicates_by_reason(str(reason), group, reasons, n)


def leaks(rows: pd.DataFrame, n: int) -> Kind:
    remark = (
        "They were dropped from the training rows, as the validation or test set of the source has them too. "
        "Least similar first."
    )
    examples = pairs(pick(rows, "similarity", True, n, "cluster"), "duplicate_of")
    return Kind("Training rows that repeat held-out rows", remark, len(rows), examples)


def label_conflicts(rows: pd.DataFrame, n: int) -> Kind:
    remark = (
        "Two rows with the same content and different labels: one label is wrong, or the task is ambiguous. "
        "Most similar first."
    )
    examples = pairs(pick(rows, "similarity", False, n, "cluster"), "duplicate_of")
    return Kind("Duplicates whose labels disagree", remark, len(rows), examples)


def duplicates_by_reason(reason: str, rows: pd.DataFrame, reasons: Reasons, n: int) -> Kind:
    if rows["similarity"].min() == 1:
        order = "Largest clusters first."
        best = pick(rows, "rows_in_cluster", False, n, "cluster")
    else:
        order = "Least similar first: if these differ in meaning, raise the threshold."
        best = pick(rows, "similarity", True, n, "cluster")
    remark = sentences(reasons.as_sentence(reason), "The first row of each pair is dropped, the second stays.", order)
    return Kind(f"Duplicates: {reason}", remark, len(rows), pairs(best, "duplicate_of"))


def with_different_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose label differs from that of the row that they repeat."""
    if rows.empty:
        return rows
    ids = {*rows["id"], *rows["duplicate_of"]}
    table = as_frame(find_rows(paths.CLEANED, "id", one_of(ids), ["id", "label"]))
    labels = dict(zip(table["id"], table["label"].map(str), strict=True))
    return rows[rows["id"].map(labels) != rows["duplicate_of"].map(labels)]


def label_issues(n: int) -> Iterator[Kind]:
    rows = read_verdicts("label_audit")
    is_relabelled = rows["label"].map(str) != rows["given_label"].map(str)
    is_training = rows["split"] == "train"
    is_left = rows["is_label_issue"] & rows["keep"] & ~is_relabelled
    trust = (
        f"The audit doubts {rows['is_label_issue'].mean():.0%} of all labels: "
        "if you expect far fewer wrong ones, the embeddings are too weak to judge labels, or label_audit.budget is a "
        "larger share."
    )
    masks_and_remarks = {
        "Labels that the audit dropped": (
            ~rows["keep"],
            "Training rows whose label fits least to what other rows tell about them, whether or not another one is "
            f"suggested. {trust}",
        ),
        "Labels that the audit changed": (is_relabelled, "Training rows; the model learns the suggested label."),
        "Doubtful labels of training rows": (
            is_left & is_training,
            f"These labels were not changed. To correct one, add a line to data/ledger.csv. {trust}",
        ),
        "Doubtful labels of validation and test rows": (
            is_left & ~is_training,
            "No model ever changes these labels: only a person does, in data/ledger.csv.",
        ),
    }
    for title, (mask, remark) in masks_and_remarks.items():
        worst = pick(rows[mask], "label_quality", True, n)
        examples = [with_suggestion(row) for row in worst.to_dict("records")]
        yield Kind(title, f"{remark} Worst first.", int(mask.sum()), examples)


def with_suggestion(row: Mapping[str, Any]) -> Example:
    """A row with its labels; the suggested one is the given one where the row is merely among the worst."""
    labels = {"given": row["given_label"]}
    if str(row["suggested_label"]) != str(row["given_label"]):
        labels["suggested"] = row["suggested_label"]
    return Example((Ref(row["id"], paths.CLEANED),), facts(row), labels)


def outliers(n: int) -> Iterator[Kind]:
    rows = read_verdicts("outliers")
    far_from_all = rows[~rows["keep"]]
    remark = (
        "Rows unlike all others, each beside its nearest row. "
        "They are dropped from the training rows and stay in validation and test. Most unusual first."
    )
    examples = pairs(pick(far_from_all, "score", False, n), "nearest", mark_differences=False)
    yield Kind("Outliers", remark, len(far_from_all), examples)
    far_from_class = rows[rows["far_from_class"]]
    remark = (
        "Rows that are like others, but unlike those with the same label; each beside the nearest of its class. "
        "They were not changed. Most unusual first."
    )
    examples = pairs(pick(far_from_class, "class_score", False, n), "class_nearest", mark_differences=False)
    yield Kind("Far from their class", remark, len(far_from_class), examples)


def dropped(outcomes: pd.DataFrame, reasons: Reasons, n: int) -> Iterator[Kind]:
    """One kind for each reason that no other part of the page shows."""
    rows = outcomes[outcomes["stage"].isin(list(CONTENT_OF_DROPPED)) & (outcomes["reason"] != "outlier")]
    for (stage, reason), group in rows.groupby(["stage", "reason"]):
        ids = pick(group, "id", True, n)["id"].tolist()
        verdicts = as_frame(find_rows(paths.VERDICTS_OF[stage], "id", one_of(ids))).set_index("id", drop=False)
        if reason in reasons.of_labels:  # what was measured of the content is not why the row was dropped
            verdicts = verdicts.drop(columns=[name for name in MEASURES if name in verdicts])
        examples = [Example((Ref(id, CONTENT_OF_DROPPED[stage]),), facts(verdicts.loc[id].to_dict())) for id in ids]
        order = "In no particular order." if len(group) > n else ""
        remark = sentences(reasons.as_sentence(reason), order)
        yield Kind(f"Dropped by {stage}: {reason}", remark, len(group), examples)


def repaired(n: int) -> Iterator[Kind]:
    """One kind for each repair: the row in the source beside the cleaned row."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "keep", "repairs"])
    rows = rows[rows["keep"]].explode("repairs").dropna(subset="repairs")
    for repair, group in rows.groupby("repairs"):
        ids = pick(group, "id", True, n)["id"]
        examples = [Example((Ref(id, paths.COLLECTED), Ref(id, paths.CLEANED)), {}) for id in ids]
        remark = sentences(REPAIRS.get(repair, ""), "Each is shown as in the source and after cleaning.")
        yield Kind(f"Repaired: {repair}", remark, len(group), examples)


def read_verdicts(stage: str) -> pd.DataFrame:
    """The verdicts without `predictions`, which would take most of the memory."""
    folder = paths.VERDICTS_OF[stage]
    names = dict.fromkeys(["id", "keep", "reason", *read_schema(folder).names])
    return read_frame(folder, [name for name in names if name != "predictions"])


def pick(rows: pd.DataFrame, by: str, ascending: bool, n: int, one_per: str = "id") -> pd.DataFrame:
    """The first `n` rows in the order of a column, one per value of `one_per`; ids are random and break ties."""
    return rows.sort_values([by, "id"], ascending=[ascending, True]).drop_duplicates(one_per).head(n)


def pairs(rows: pd.DataFrame, other: str, mark_differences: bool = True) -> list[Example]:
    """Each cleaned row beside the row that its column `other` names, or alone if that names none."""
    examples = []
    for row in rows.to_dict("records"):
        ids = [row[name] for name in ("id", other) if isinstance(row[name], str)]
        refs = tuple(Ref(id, paths.CLEANED) for id in ids)
        examples.append(Example(refs, facts(row), mark_differences=mark_differences))
    return examples


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a verdict that a card lists, without empty ones, and without a weight of 1, which rows have."""
    return {
        name: value
        for name, value in row.items()
        if name not in NOT_FACTS and not is_empty(value) and (name, value) != ("weight", 1)
    }


def is_empty(value: Any) -> bool:
    is_nan = value != value
    return value is None or value is False or is_nan or (isinstance(value, list | str) and not value)


def sentences(*parts: str) -> str:
    return " ".join(filter(None, parts))
