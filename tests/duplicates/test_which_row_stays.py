"""Which row of a cluster stays, and what happens if labels differ."""

import pytest

from tests.duplicates.rows import OTHER, duplicates, likeness, photo, png, run, write_rows
from tests.tiny import phrase

pytestmark = pytest.mark.usefixtures("workplace")


# --- which row stays ---


def test_the_longest_row_stays() -> None:
    rows = [phrase(1, 13), "a fig", phrase(0), "a  fig !", OTHER]
    found = duplicates(rows, section={"keep": "longest"})
    assert found["keep"].tolist() == [False, False, True, True, True]
    assert found["duplicate_of"].tolist() == ["002", "003", None, None, None]


def test_the_first_row_with_the_label_of_most_stays() -> None:
    labels = ["tool", "fruit", "fruit", "tool", "fruit", "tool"]
    found = duplicates(
        ["a fig", "a Fig", "A FIG", OTHER, "a plum", "a Plum"], labels=labels, section={"keep": "best_label"}
    )
    assert found["keep"].tolist() == [False, True, False, True, True, False]  # of one to one, the first
    assert found["cluster"].tolist() == ["001", "001", "001", "003", "004", "004"]
    assert found["label_conflict"].tolist() == [True, True, True, False, True, True]


def test_what_stays_is_similar_to_all_that_goes_for_it_whatever_is_kept() -> None:
    rows = [phrase(first, count) for first in range(6) for count in (13, 14)]
    labels = ["fruit", "tool", "tool"] * 4
    for keep in ("first", "longest", "best_label"):
        found = duplicates(rows, threshold=0.6, labels=labels, section={"keep": keep})
        kept = set(found.index[found["keep"]])
        dropped = found[~found["keep"].astype(bool)]
        assert len(dropped) > 4
        assert set(dropped["duplicate_of"]) <= kept
        for row, other, similarity in zip(dropped.index, dropped["duplicate_of"], dropped["similarity"], strict=True):
            assert likeness(rows[int(row)], rows[int(other)]) == similarity >= 0.6


def test_reviewed_and_held_out_rows_go_before_longer_and_better_ones() -> None:
    rows, labels = ["a fig", "a fig!!", "a plum", "a plum!!"], ["tool", "fruit", "tool", "fruit"]
    for section in (
        {"keep": "longest"},
        {"keep": "best_label"},
        {"on_label_conflict": "majority"},
        {"on_label_conflict": "drop"},
    ):
        found = duplicates(
            rows,
            labels=labels,
            section=section,
            reviewed=[True, False, False, False],
            given_split=[None, None, "test", "train"],
        )
        assert found["reason"].tolist() == [None, "exact_duplicate", None, "duplicate_of_held_out"], section


# --- labels that differ ---

DISPUTED = ["a fig", "a Fig", "A FIG", "a plum", "a Plum", OTHER]
LABELS = ["tool", "fruit", "fruit", "fruit", "tool", "tool"]


@pytest.mark.parametrize(
    ("policy", "reasons"),
    [
        ("review", [None, "exact_duplicate", "exact_duplicate", None, "exact_duplicate", None]),
        ("majority", ["exact_duplicate", None, "exact_duplicate", "label_conflict", "label_conflict", None]),
        ("drop", ["label_conflict"] * 5 + [None]),
    ],
)
def test_what_happens_where_labels_differ(policy: str, reasons: list[str | None]) -> None:
    found = duplicates(DISPUTED, labels=LABELS, section={"on_label_conflict": policy})
    assert found["reason"].tolist() == reasons
    assert found["label_conflict"].tolist() == [True] * 5 + [False]


# --- images ---


def test_the_largest_image_stays() -> None:
    write_rows([png(photo(0, 48)), png(photo(0)), png(photo(1))], ["fruit"] * 3)
    assert run("image", near_threshold=0.95, keep="longest")[1]["keep"].tolist() == [False, True, True]
