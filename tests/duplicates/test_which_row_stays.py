"""Which row of a cluster stays, and what happens if labels differ."""

import pytest
from PIL import Image

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
    assert found["cluster"].tolist() == ["000", "000", "000", "003", "004", "004"]
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


def test_a_decision_of_a_person_does_not_rename_a_cluster() -> None:
    """Split draws by the name: the cluster would move to another split."""
    for reviewed in ([False, False, False], [False, True, False]):
        found = duplicates(["a fig", "a fig!!", "a plum"], reviewed=reviewed)
        assert found["keep"].tolist() == [not reviewed[1], reviewed[1], True]
        assert found["cluster"].tolist() == ["000", "000", "002"]
    held_out = duplicates(["a fig", "a fig!!", "a plum"], given_split=["train", "test", "train"])
    assert held_out["cluster"].tolist() == ["001", "001", "002"]


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


# --- similar contents with different labels ---


def switch(state: str, thing: str) -> str:
    return f"would you be so kind and turn {state} the {thing} for me now, please"


def test_similar_rows_with_different_labels_stay_in_one_cluster() -> None:
    rows = [switch("on", "lamp"), switch("off", "lamp"), switch("on", "lamp").replace("now", "soon"), OTHER]
    assert likeness(rows[0], rows[1]) > 0.7
    verdicts = duplicates(rows, labels=["on", "off", "on", "on"])
    assert verdicts["reason"].tolist() == [None, None, "near_duplicate", None]
    assert verdicts["duplicate_of"].tolist() == [None, "000", "000", None]
    assert verdicts["cluster"].tolist() == ["000", "000", "000", "003"]
    assert verdicts["label_conflict"].tolist() == [True, True, True, False]


def test_each_label_keeps_a_row_of_its_own() -> None:
    """The last row is most similar to a row with another label, and goes for one with its own."""
    rows = [phrase(0), phrase(2), phrase(1, 15)]
    assert likeness(rows[2], rows[1]) > likeness(rows[2], rows[0]) > 0.7
    verdicts = duplicates(rows, labels=["a", "b", "a"])
    assert verdicts["reason"].tolist() == [None, None, "near_duplicate"]
    assert verdicts.loc["002", "duplicate_of"] == "000"


def test_a_row_that_stays_is_tied_to_all_that_it_resembles() -> None:
    """Else split could put two similar rows into two splits."""
    a, b, c = phrase(0), phrase(4), phrase(2)
    assert min(likeness(a, c), likeness(b, c)) > 0.6 > likeness(a, b)
    verdicts = duplicates([a, b, c], threshold=0.6, labels=["a", "a", "c"])
    assert verdicts["keep"].all()
    assert verdicts["cluster"].tolist() == ["000"] * 3


def test_equal_contents_with_different_labels_do_not_both_stay() -> None:
    verdicts = duplicates(["a fig", "A Fig!", OTHER], labels=["fruit", "tool", "tool"], section={"exact": False})
    assert verdicts["reason"].tolist() == [None, "near_duplicate", None]


def test_plain_images_of_different_labels_stay() -> None:
    """Their structure is the same, none, but their colours are not."""
    plain = [png(Image.new("RGB", (64, 64), colour)) for colour in ("red", "blue")]
    write_rows([*plain, png(photo(1))], ["red", "blue", "red"])
    verdicts = run("image", near_threshold=0.95)[1]
    assert verdicts["similarity"].tolist() == [None, 1.0, None]
    assert verdicts["keep"].all()


def test_a_row_that_resembles_a_held_out_one_goes_whatever_its_label() -> None:
    rows = [phrase(0), phrase(1), phrase(2), OTHER]
    given = ["test", "validation", "train", "train"]
    assert min(likeness(rows[2], rows[0]), likeness(rows[1], rows[0])) > 0.6
    verdicts = duplicates(rows, threshold=0.6, labels=["a", "b", "c", "a"], given_split=given)
    assert verdicts["reason"].tolist() == [None, "duplicate_of_held_out", "duplicate_of_held_out", None]


def test_a_validation_row_goes_for_a_test_row_though_it_resembles_its_own_split_more() -> None:
    validation, test, both = phrase(3), phrase(0), phrase(2)
    assert likeness(both, validation) > likeness(both, test) > 0.65 > likeness(validation, test)
    verdicts = duplicates([test, validation, both], threshold=0.65, given_split=["test", "validation", "validation"])
    assert verdicts["reason"].tolist() == [None, None, "duplicate_of_held_out"]


def test_numbers_that_differ_little_agree() -> None:
    from stages.targets.number.compare import agreement

    agree = agreement([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    assert agree(3.2, 3.4)
    assert not agree(3.2, 4.2)
    assert agreement([2.0, 2.0])(2.0, 2.0)


def test_tags_of_texts_with_other_numbers_of_tokens_agree() -> None:
    from stages.targets.tags.compare import agree

    assert agree(["O", "B-fruit"], ["O", "O", "B-fruit"])
    assert not agree(["O", "B-fruit"], ["O", "B-tool"])


def test_warnings_name_the_key_to_look_at() -> None:
    things = ["lamp", "fan", "radio", "heater"]
    rows = [switch(state, thing) for thing in things for state in ("on", "off")]
    write_rows([*rows, OTHER, "a fig"], [*["on", "off"] * 4, "on", "off"])
    counts = run(near_threshold=0.6)[0]
    assert counts.dropped == {"near_duplicate": 6}
    assert [(warning.message, warning.see) for warning in counts.all_warnings("dedupe")] == [
        ("60% of the rows are dropped, most of them as near_duplicate (6)", "dedupe.near_threshold"),
        ("in 1 of 1 clusters of duplicates the labels differ", "dedupe.near_threshold"),
    ]
    write_rows([*rows[::2], *map(phrase, (0, 6)), OTHER, "a fig", "a plum", "a pear"], ["on"] * 10)
    first = run(near_threshold=0.6)[0].all_warnings("dedupe")[0]
    assert first.message == (
        "3 rows (30%) are dropped as near duplicates; if they differ in what matters, raise the threshold"
    )
    assert run(near_threshold=0.95)[0].all_warnings("dedupe") == []  # the advice helps
