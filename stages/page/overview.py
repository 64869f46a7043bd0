"""Tables about the whole data set: the classes after each stage, and how labels changed."""

from collections import Counter

import pandas as pd

from stages.contracts.label import Target
from stages.core import paths
from stages.core.tables import read_frame
from stages.labels.balance import count_names
from stages.page.example_cards import shortened


def class_table(target: Target, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Rows of each class at each point of the line: (n_classes, n_points), the largest class first.

    The training rows are counted by the labels that the model is trained on.
    """
    cleaned = read_frame(paths.CLEANED, ["id", "label"]).merge(outcomes[["id", "stage"]], on="id")
    audited = read_frame(paths.LABEL_VERDICTS, ["id", "keep", "split", "label"])
    final = audited[audited["keep"]]
    points = {
        "cleaned": cleaned["label"].tolist(),
        "unique": cleaned.loc[cleaned["stage"] != "dedupe", "label"].tolist(),
        **{split: final.loc[final["split"] == split, "label"].tolist() for split in ("train", *paths.HELD_OUT)},
    }
    table = pd.DataFrame(count_names(target, points)).fillna(0).astype(int)
    return table.sort_values("cleaned", ascending=False, kind="stable") if target.CLOSED else table


def label_changes(target: Target) -> list[tuple[str, str, int]]:
    """(raw label, cleaned label or why the rows were dropped, n_rows) of the changed labels, most rows first."""
    verdicts = read_frame(paths.CLEAN_VERDICTS, ["id", "reason", "given_label"])
    rows = verdicts.merge(read_frame(paths.CLEANED, ["id", "label"]), on="id", how="left")
    rows = rows[rows["reason"].isna() | rows["reason"].isin(list(target.REASONS))]
    is_kept = rows["reason"].isna()
    given = rows["given_label"].astype(object).where(rows["given_label"].notna(), None).tolist()
    # One call for both: the ranges of numbers depend on all labels.
    names = target.names([*given, *rows.loc[is_kept, "label"]])
    cleaned_names = iter(names[len(rows) :])
    changes: Counter[tuple[str, str]] = Counter()
    for given_names, kept, reason in zip(names[: len(rows)], is_kept, rows["reason"], strict=True):
        after = ", ".join(next(cleaned_names)) if kept else f"dropped: {reason}"
        changes[shortened(", ".join(given_names)), after] += 1
    changed = [(before, after, n_rows) for (before, after), n_rows in changes.items() if before != after]
    return sorted(changed, key=lambda change: (-change[2], change))


def count_outliers() -> int:
    return int((~read_frame(paths.OUTLIER_VERDICTS, ["keep"])["keep"]).sum())
