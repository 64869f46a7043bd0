"""Tables of the whole data set: classes after each stage, and what labels became."""

from collections import Counter

import pandas as pd

from stages.contracts.label import Target
from stages.core import paths
from stages.core.tables import read_frame
from stages.labels.balance import count_names


def class_table(target: Target, fates: pd.DataFrame) -> pd.DataFrame:
    """(n_classes, n_points): rows of each class after stages, the largest class first; those of train with the labels that are trained on."""
    cleaned = read_frame(paths.CLEANED, ["id", "label"]).merge(fates[["id", "stage"]], on="id")
    judged = read_frame(paths.LABEL_VERDICTS, ["id", "keep", "split", "label"])
    judged = judged[judged["keep"]]
    points = {
        "cleaned": cleaned["label"].tolist(),
        "unique": cleaned.loc[cleaned["stage"] != "dedupe", "label"].tolist(),
        **{split: judged.loc[judged["split"] == split, "label"].tolist() for split in ("train", *paths.HELD_OUT)},
    }
    table = pd.DataFrame(count_names(target, points)).fillna(0).astype(int)
    return table.sort_values("cleaned", ascending=False, kind="stable") if target.CLOSED else table


def label_changes(target: Target) -> list[tuple[str, str, int]]:
    """What the source's labels became, where that is another name or the reason for which the row was dropped; with the rows, most first."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "reason", "given_label"]).merge(
        read_frame(paths.CLEANED, ["id", "label"]), on="id", how="left"
    )
    rows = rows[rows["reason"].isna() | rows["reason"].isin(target.REASONS)]
    kept = rows["reason"].isna()
    given = rows["given_label"].astype(object).where(rows["given_label"].notna(), None).tolist()
    names = target.names([*given, *rows.loc[kept, "label"]])  # at once: ranges of numbers follow from all of them
    became = iter(names[len(rows) :])
    changes = Counter(
        (", ".join(before), ", ".join(next(became)) if stays else f"dropped: {reason}")
        for before, stays, reason in zip(names[: len(rows)], kept, rows["reason"], strict=True)
    )
    found = [(before, after, count) for (before, after), count in changes.items() if before != after]
    return sorted(found, key=lambda change: (-change[2], change))


def count_outliers() -> int:
    return int((~read_frame(paths.OUTLIER_VERDICTS, ["keep"])["keep"]).sum())
