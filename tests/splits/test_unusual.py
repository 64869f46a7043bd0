"""Warnings about splits."""

from typing import Any

import pandas as pd
import pytest

from stages import leaks, split
from stages.core.run import DataWarning
from stages.splits import unusual
from tests.rows import write_rows
from tests.splits.test_split import SECTION

pytestmark = pytest.mark.usefixtures("workplace")


def warnings_of(labels: list[str], section: dict[str, Any] | None = None, **columns: Any) -> list[tuple[str, str]]:
    write_rows(labels, **columns)
    values = split.Section(**{**SECTION, **(section or {})})
    counts = split.main(split.Params(target="category", seed=1, split=values))
    return [(warning.message, warning.see) for warning in counts.all_warnings("split")]


def test_an_ordinary_split_gives_no_warning() -> None:
    assert warnings_of(["fruit", "tool"] * 40) == []


def test_a_group_that_ties_many_rows() -> None:
    groups = ["N/A"] * 30 + [None] * 70
    message = "30% of the rows are tied by the group 'N/A', so all of them are in one split"
    assert (message, "collect.columns.group") in warnings_of(["fruit", "tool"] * 50, group=groups)


def test_a_cluster_that_ties_many_rows() -> None:
    clusters = ["000"] * 30 + [f"{number:03d}" for number in range(30, 100)]
    message = "30% of the rows are similar to each other, so all of them are in one split"
    assert (message, "dedupe.near_threshold") in warnings_of(["fruit", "tool"] * 50, cluster=clusters)


def test_held_out_shares_that_groups_do_not_allow() -> None:
    groups = ["a"] * 40 + ["b"] * 40 + ["c"] * 40
    found = warnings_of(["fruit", "tool"] * 60, group=groups)
    assert ("33% of the rows are in test, where 20% were asked for", "collect.columns.group") in found


@pytest.mark.parametrize(
    ("section", "columns", "see"),
    [
        ({}, {}, "split.test"),
        ({"method": "kfold"}, {}, "split.folds"),
        ({}, {"given_split": ["test"] * 12 + [None] * 48}, "collect.splits"),
    ],
)
def test_classes_with_few_rows_in_test(section: dict[str, Any], columns: dict[str, Any], see: str) -> None:
    labels = [*["fruit"] * 10, "tool", "tool", *["fruit"] * 38, *["tool"] * 10]
    message = "1 of 2 classes have fewer than 5 rows in test, such as 'tool' (2); their scores say little"
    assert (message, see) in warnings_of(labels, section, **columns)


def test_a_single_class() -> None:
    assert warnings_of(["fruit"] * 40) == [("all rows have the label 'fruit'", "collect.columns.label")]


def test_labels_that_name_splits_or_files() -> None:
    assert warnings_of(["train", "Test"] * 40) == [
        ("the labels are named like splits: 'Test', 'train'", "collect.splits")
    ]
    assert warnings_of(["a.JPG", "b.jpg", "c.jpg", "d.jpg", "e.jpg"] * 40) == [
        ("the labels are named like files: 'a.JPG', 'b.jpg', 'c.jpg' and 2 more", "collect.columns.label")
    ]


def test_labels_with_dots_are_no_files() -> None:
    assert warnings_of(["v1.2", "asp.net", "u.s."] * 40) == []


def test_rows_without_any_class_say_nothing() -> None:
    assert list(unusual.of_classes([("(none)",)] * 9, pd.Series(["train"] * 9), "split.test")) == []


def test_leaks_that_are_allowed_are_said() -> None:
    table = pd.DataFrame({"id": ["1"], "split": ["test"], "kind": ["exact"], "of": ["0"], "of_split": ["train"]})
    message = "1 rows occur in two splits; data/verdicts/leaks lists them"
    assert leaks.check(table, pd.DataFrame(), 1) == [DataWarning(message, "split.max_leaks")]
    assert leaks.check(table[:0], pd.DataFrame(), 0) == []
