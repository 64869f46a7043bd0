"""The examples of the report: for each kind of finding the rows that show it best, one of a cluster."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from stages.core import paths
from stages.core.tables import as_frame, find_rows, one_of, read_frame, read_schema
from stages.page.glossary import MEASURES, OF_LABELS, REASONS, REPAIRS

# What is shown in a place of its own, or names other rows; all else that a verdict table has stands beside the example.
TOLD = {
    "id",
    "keep",
    "reason",
    "source",
    "split",
    "label",
    "given_label",
    "predicted_label",
    "is_label_issue",
    "predictions",
}
TOLD |= {"cluster", "duplicate_of", "nearest", "class_nearest", "far_from_class", "unit"}


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
    alike: bool = True  # whether it is of interest where two contents differ


@dataclass(frozen=True)
class Kind:
    title: str
    remark: str
    n_rows: int  # of this kind, those that are not shown too
    examples: Sequence[Example]


def read_verdicts(stage: str) -> pd.DataFrame:
    """Without the numbers behind the predictions, which would be most of it."""
    folder = paths.VERDICTS_OF[stage]
    return read_frame(folder, [name for name in read_schema(folder).names if name != "predictions"])


def pick(rows: pd.DataFrame, by: str, ascending: bool, n: int, one_of_each: str = "id") -> pd.DataFrame:
    """The first `n` rows by a column; equal ones by id, which is as good as by chance."""
    return rows.sort_values([by, "id"], ascending=[ascending, True]).drop_duplicates(one_of_each).head(n)


def because(reason: Any) -> str:
    """As a sentence."""
    meaning = REASONS.get(reason, "")
    return f"{meaning[:1].upper()}{meaning[1:]}. " if meaning else ""


def facts(row: Mapping[str, Any]) -> dict[str, Any]:
    """What its verdict says of a row, as far as there is something to say."""
    return {name: value for name, value in row.items() if name not in TOLD and not is_nothing(value)}


def is_nothing(value: Any) -> bool:
    return value is None or value is False or value != value or (isinstance(value, list | str) and not value)


def pairs(rows: pd.DataFrame, other: str, alike: bool = True) -> list[Example]:
    """Each cleaned row beside the one that its column `other` names, where it names one."""
    refs = [
        tuple(Ref(row[name], paths.CLEANED) for name in ("id", other) if isinstance(row[name], str))
        for row in rows.to_dict("records")
    ]
    return [Example(two, facts(row), alike=alike) for two, row in zip(refs, rows.to_dict("records"), strict=True)]


def duplicates(n: int) -> Iterator[Kind]:
    """Leaks first, then labels that contradict each other, then every reason."""
    rows = read_verdicts("dedupe")
    rows = rows.assign(rows_in_cluster=rows.groupby("cluster")["id"].transform("size"))
    matched = rows[rows["duplicate_of"].notna()]
    leaks = matched[matched["reason"] == "duplicate_of_held_out"]
    remark = (
        "The source's own test or validation set has them too, so they leave the training rows. Least similar first."
    )
    yield Kind(
        "Training rows that repeat held-out rows",
        remark,
        len(leaks),
        pairs(pick(leaks, "similarity", True, n, "cluster"), "duplicate_of"),
    )
    conflicts = with_other_labels(matched[matched["label_conflict"]])
    remark = "They say the same and have different labels: one of the two is wrong, or the task is not clear. Most similar first."
    yield Kind(
        "Duplicates whose labels disagree",
        remark,
        len(conflicts),
        pairs(pick(conflicts, "similarity", False, n, "cluster"), "duplicate_of"),
    )
    for reason, found in sorted(matched.groupby("reason"), key=lambda item: str(item[0])):
        if reason == "duplicate_of_held_out":
            continue
        alike = found["similarity"].min() == 1
        chosen = (
            pick(found, "rows_in_cluster", False, n, "cluster")
            if alike
            else pick(found, "similarity", True, n, "cluster")
        )
        order = (
            "Largest clusters first."
            if alike
            else "Least similar first: if these are not the same to you, raise the threshold."
        )
        remark = f"{because(reason)}The first of each two leaves, the other stays. {order}"
        yield Kind(f"Duplicates: {reason}", remark, len(found), pairs(chosen, "duplicate_of"))


def with_other_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """Those whose label is not that of the row that they repeat."""
    if rows.empty:
        return rows
    found = as_frame(find_rows(paths.CLEANED, "id", one_of({*rows["id"], *rows["duplicate_of"]}), ["id", "label"]))
    labels = dict(zip(found["id"], found["label"].map(str), strict=True))
    return rows[rows["id"].map(labels) != rows["duplicate_of"].map(labels)]


def outliers(n: int) -> Iterator[Kind]:
    rows = read_verdicts("outliers")
    marked = rows[~rows["keep"]]
    remark = "Unlike all other rows; beside each stands the nearest. They leave the training rows and stay in validation and test. Strangest first."
    yield Kind("Outliers", remark, len(marked), pairs(pick(marked, "score", False, n), "nearest", alike=False))
    strangers = rows[rows["far_from_class"]]
    remark = "Like other rows, and unlike those with the same label; beside each stands the nearest of these. Nothing was done about them. Strangest first."
    yield Kind(
        "Far from their class",
        remark,
        len(strangers),
        pairs(pick(strangers, "class_score", False, n), "class_nearest", alike=False),
    )


def label_issues(n: int) -> Iterator[Kind]:
    rows = read_verdicts("label_audit")
    relabelled = rows["label"].map(str) != rows["given_label"].map(str)
    training = rows["split"] == "train"
    left = rows["is_label_issue"] & rows["keep"] & ~relabelled
    trust = f"It doubts {rows['is_label_issue'].mean():.0%} of all labels: where you think that far fewer are wrong, the embeddings are too weak for its word."
    kinds = {
        "Labels that the audit dropped": (
            ~rows["keep"],
            f"Training rows whose label a linear model of the embeddings, fitted on other rows, doubts most. {trust}",
        ),
        "Labels that the audit changed": (relabelled, "Training rows that are trained on with the suggested label."),
        "Doubtful labels of training rows": (
            left & training,
            f"Left as they are. What is wrong here, say it in data/ledger.csv. {trust}",
        ),
        "Doubtful labels of validation and test rows": (
            left & ~training,
            "No model ever changes these: only a person does, in data/ledger.csv.",
        ),
    }
    for title, (mask, remark) in kinds.items():
        chosen = pick(rows[mask], "label_quality", True, n)
        yield Kind(title, f"{remark} Worst first.", int(mask.sum()), [judged(row) for row in chosen.to_dict("records")])


def judged(row: Mapping[str, Any]) -> Example:
    return Example(
        (Ref(row["id"], paths.CLEANED),), facts(row), {"given": row["given_label"], "suggested": row["predicted_label"]}
    )


def dropped(fates: pd.DataFrame, n: int) -> Iterator[Kind]:
    """A kind for each reason that no other part of the page shows."""
    tables = {"collect": paths.COLLECT_VERDICTS, "clean": paths.COLLECTED, "split": paths.CLEANED}
    rows = fates[fates["stage"].isin(list(tables)) & (fates["reason"] != "outlier")]
    for (stage, reason), found in rows.groupby(["stage", "reason"]):
        chosen = pick(found, "id", True, n)
        said = as_frame(find_rows(paths.VERDICTS_OF[stage], "id", one_of(chosen["id"]))).set_index("id", drop=False)
        if reason in OF_LABELS:  # what the contents measure has nothing to do with it
            said = said.drop(columns=[name for name in MEASURES if name in said])
        examples = [Example((Ref(row, tables[stage]),), facts(said.loc[row].to_dict())) for row in chosen["id"]]
        order = "In no order." if len(found) > n else ""
        yield Kind(f"Dropped by {stage}: {reason}", f"{because(reason)}{order}", len(found), examples)


def repaired(n: int) -> Iterator[Kind]:
    """A kind for each repair: the row as it was beside what became of it."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "keep", "repairs"])
    rows = rows[rows["keep"]].explode("repairs").dropna(subset="repairs")
    for repair, found in rows.groupby("repairs"):
        chosen = pick(found, "id", True, n)["id"]
        examples = [Example((Ref(row, paths.COLLECTED), Ref(row, paths.CLEANED)), {}) for row in chosen]
        yield Kind(
            f"Repaired: {repair}",
            f"{REPAIRS.get(repair, '')} As the source has it, and as it is now.".strip(),
            len(found),
            examples,
        )


def all_kinds(fates: pd.DataFrame, n: int) -> list[Kind]:
    """Those that there are, the most urgent first."""
    found = [*duplicates(n), *label_issues(n), *outliers(n), *dropped(fates, n), *repaired(n)]
    return [kind for kind in found if kind.n_rows]
