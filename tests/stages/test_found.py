"""What stages say they found: true of no row, of one and of many."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from stages import dedupe, evaluate, finetune, outliers, split
from stages.cleaning.tally import Tally
from stages.contracts._coverage import Coverage


def test_clean_says_what_it_repaired_and_noticed() -> None:
    tally = Tally(["pii"], rows_in=4, dropped=Counter(empty=1))
    assert list(tally.sentences()) == ["kept 3 of 4 rows, dropped 1: 1 empty"]
    tally.repaired, tally.listed = Counter(spaces=2, rare_label=1), Counter(pii_email=3, pii_phone=4)
    assert list(tally.sentences())[1:] == [
        "repaired spaces in 2 rows, rare label in 1 row",
        "noticed in the contents: 4 phone, 3 email",
    ]


def labels_counted(rows: Sequence[tuple[str | None, str | float | None, bool]]) -> Tally:
    """Of each row the label of the source, the cleaned one (None: the row is dropped), and whether it is reviewed."""
    tally = Tally([])
    for given, label, reviewed in rows:
        reason = "unwanted_label" if label is None else None
        verdict = {"id": "1", "keep": not reason, "reason": reason, "given_label": given, "reviewed": reviewed}
        tally.add({**verdict, "repairs": []})
        if label is not None:
            tally.add_cleaned({"label": label, "content": "a text"})
    return tally


def test_clean_says_how_many_spellings_of_labels_became_how_many_labels() -> None:
    """Those of rows that are dropped, or labelled by people, do not count."""
    rows = [("pos", "positive", False), ("Positive", "positive", False), ("negative", "negative", False)]
    others = [(" ", None, False), ("mixed", None, False), (None, "negative", True)]
    (_, sentence) = labels_counted([*rows, *others]).sentences()
    assert sentence == "repaired 3 spellings of labels, which are 2 now"
    assert len(list(labels_counted([*rows[1:], *others]).sentences())) == 1  # each label has one spelling
    numbers = labels_counted([("0.5", 0.5, False), (".50", 0.5, False)])  # they are written in many ways
    assert len(list(numbers.sentences())) == 1


@pytest.mark.parametrize(
    ("dropped", "clusters", "conflicts", "words"),
    [
        ({}, 0, 0, "found 0 clusters of duplicates"),
        ({"exact_duplicate": 1}, 1, 0, "found 1 cluster of duplicates, dropped 1 row: 1 exact"),
        (
            {"exact_duplicate": 30, "near_duplicate": 1_040, dedupe.LEAK: 2, dedupe.CONFLICT: 1},
            67,
            3,
            "found 67 clusters of duplicates (3 with different labels), dropped 1,073 rows: 1,040 near, 30 exact, "
            "2 repeating held-out rows, 1 with other labels than their duplicates",
        ),
    ],
)
def test_dedupe(dropped: dict[str, int], clusters: int, conflicts: int, words: str) -> None:
    more = {"clusters": clusters, "clusters_with_label_conflict": conflicts}
    assert dedupe.in_words(dropped, more) == words
    assert {*dedupe.WORDS} == {*dedupe.REASONS.values(), dedupe.LEAK, dedupe.CONFLICT}


def test_outliers() -> None:
    verdicts = pd.DataFrame({"keep": [True, True], "far_from_class": [False, False]})
    assert list(outliers.sentences(verdicts)) == ["marked 0 of 2 rows as unlike all others"]
    verdicts = pd.DataFrame({"keep": [True, False], "far_from_class": [True, False]})
    assert list(outliers.sentences(verdicts)) == [
        "marked 1 of 2 rows as unlike all others; split drops those that are training rows",
        "found 1 of 2 rows far from the rows with the same label, which stay",
    ]


def test_split() -> None:
    sizes = {"train": 1, "validation": 1_200, "test": 3}
    dealt = "put 1 row into train, 1,200 into validation and 3 into test"
    assert list(split.sentences(sizes, {})) == [dealt]
    dropped = {"duplicate": 70, "outlier": 21, "gap": 1, "group_of_held_out": 2}
    assert list(split.sentences(sizes, dropped)) == [
        dealt,
        "dropped 94 rows: 70 repeating others, 21 unlike all others, 2 of groups that are held out, "
        "1 too close in time to held-out rows",
    ]
    assert {*split.WORDS} == {*split.SEE}


def test_finetune_and_what_it_does_not_read() -> None:
    metrics = {"steps": 66, "epochs": 3, "best_epoch": 1, "train_loss": 0.3578}
    metrics |= {"validation_loss": 0.7628, "validation_f1_macro": 0.6538}
    assert list(finetune.sentences(metrics, 676)) == [
        "trained on 676 rows for 3 epochs (66 steps), with a mean loss of 0.358",
        "kept epoch 1, which has the lowest loss on validation: loss 0.763, f1_macro 0.654",
    ]
    assert Coverage().found(676) == Coverage({"cut_rows": 0.0}).found(676) == []
    assert Coverage({"cut_rows": 0.5}).found(676) == ["cut 338 of 676 rows to the length that the model reads"]


def test_evaluate() -> None:
    metrics = {"pearson": 0.9, "pearson_low": 0.8, "pearson_high": 0.95}
    words = "scored 155 rows of test: pearson 0.900 (95% interval 0.800 to 0.950)"
    assert evaluate.in_words(metrics, "pearson", 155) == words
    metrics = dict.fromkeys(metrics, np.nan)
    assert evaluate.in_words(metrics, "pearson", 1) == "scored 1 row of test: pearson cannot be computed"
