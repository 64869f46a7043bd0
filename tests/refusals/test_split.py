"""Rows from which no splits can be drawn are refused."""

import pytest

from stages import dedupe
from stages.core import paths
from stages.core.tables import read_frame, write_frame
from tests.refusals.bad_input import refuse, set_params
from tests.refusals.cleaned_rows import write_cleaned

TOO_FEW = (
    "; collect more rows, merge labels with clean.label.aliases, leave out some with clean.label.drop or rare "
    "ones with clean.label.min_rows, or see collect.columns.label; if many rows were dropped as duplicates or "
    "outliers, see dedupe and outliers; "
    "with kfold, fewer split.folds leave more rows in each fold"
)


def test_label_that_is_seen_once() -> None:
    write_cleaned(["fruit"] * 10 + ["vehicle"] * 10 + ["mineral"])
    refuse("split", "labels without a row in validation: 'mineral' (1 of 1 rows are kept)" + TOO_FEW)


def test_label_that_only_the_given_test_split_has() -> None:
    given = ["train"] * 20 + ["test"] * 12
    write_cleaned(["fruit", "vehicle"] * 15 + ["mineral"] * 2, given_split=given)
    refuse("split", "labels without a row in train: 'mineral' (2 of 2 rows are kept)" + TOO_FEW)


def test_label_whose_rows_are_all_duplicates() -> None:
    write_cleaned(["fruit", "vehicle"] * 15 + ["mineral"])
    verdicts = read_frame(paths.DUPLICATE_VERDICTS)
    write_frame(paths.DUPLICATE_VERDICTS, verdicts.assign(keep=verdicts.index < 30), dedupe.VERDICT)
    refuse("split", "labels without a row in train: 'mineral' (0 of 1 rows are kept)" + TOO_FEW)


def test_a_label_for_every_row() -> None:
    """As when the column of ids is named instead of that of labels."""
    write_cleaned([f"label {row:02d}" for row in range(30)])
    refuse("split", "labels without a row in …: 'label …' (1 of 1 rows are kept), … and … more" + TOO_FEW)


def test_nothing_falls_into_a_split() -> None:
    write_cleaned(["fruit", "fruit"], given_split=["train", "validation"])
    refuse("split", "no rows for test; give more rows, or change split.test or collect.splits")
    write_cleaned(["fruit", "fruit"], given_split=["test", "validation"])
    refuse(
        "split",
        "no rows are left for train: all are held out, repeat held-out rows, are in their groups, or lie in the gap; "
        "see collect.splits, collect.columns.group and split.gap",
    )


@pytest.mark.parametrize("time", [None, "yesterday", "2024-02-30", "now"])
def test_split_by_time_without_a_date(time: str | None) -> None:
    write_cleaned(["fruit", "vehicle"] * 10, time=["2024-01-01"] * 12 + [time] * 8)
    set_params({"split.method": "time"})
    where = f"split.method: time, but notes.csv:13 has {'no time' if time is None else f'the time {time!r}'}"
    refuse("split", f"{where}; collect.columns.time must name a column of ISO 8601 dates in every row")
