"""The sentence that compares a model with its baselines."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from stages.comparison.verdict import Contenders, Verdict, judge
from stages.contracts.objective import Conclusion
from stages.core import variants
from stages.core.tables import ragged
from stages.targets._bootstrap import RESAMPLES, interval, resampled
from stages.targets.category.score import judged_by

COLUMNS = ["hungry", "tired", "ill"]


def says(labels: Sequence[Any], columns: Sequence[str] = COLUMNS) -> Conclusion:
    return Conclusion(labels, np.zeros((len(labels), len(columns))), columns)


def verdict_on(
    target: str, given: Sequence[Any], model: Conclusion, probe: Conclusion, constant: Conclusion, **more: Conclusion
) -> Verdict:
    scorer = variants.load("targets", target, "score")
    return judge(Contenders(given, model, {"probe": probe, **more, scorer.CONSTANT: constant}), scorer)


def wrong_in(given: Sequence[str], n_wrong: int, label: str = "hungry", other: str = "tired") -> list[str]:
    """The labels, of which the last `n_wrong` are wrong."""
    n_right = len(given) - n_wrong
    return [*given[:n_right], *(other if name == label else label for name in given[n_right:])]


EVEN = ["hungry", "tired"] * 100
MAJORITY = says(["hungry"] * 200)


def test_a_model_that_is_better_than_all() -> None:
    found = verdict_on("category", EVEN, says(wrong_in(EVEN, 10)), says(wrong_in(EVEN, 40)), MAJORITY)
    assert found.sentences == [
        "The model is better than every baseline: accuracy 0.950 against 0.800 of the best one, the probe, "
        "difference +0.150 (95% interval +0.105 to +0.200)"
    ]
    assert found.warnings == []
    assert found.good_news() == found.sentences


def test_scores_on_the_same_rows_are_compared_row_by_row() -> None:
    """The intervals of 0.95 and 0.90 overlap, but all rows that the probe gets right, the model gets right too."""
    (sentence,) = verdict_on("category", EVEN, says(wrong_in(EVEN, 10)), says(wrong_in(EVEN, 20)), MAJORITY).sentences
    assert sentence.startswith("The model is better than every baseline")


def test_a_model_that_cannot_be_told_from_a_baseline() -> None:
    model = says(wrong_in(EVEN, 20))
    probe = says(wrong_in(EVEN[::-1], 22)[::-1])  # wrong in other rows
    found = verdict_on("category", EVEN, model, probe, MAJORITY)
    assert found.sentences[0].startswith(
        "The model cannot be told from the probe: accuracy 0.900 against 0.890, difference +0.010 (95% interval -0.0"
    )
    assert found.warnings == []


def test_equal_answers_have_no_interval() -> None:
    """An interval from 0 to 0 would say that the difference is known exactly."""
    answers = says(wrong_in(EVEN, 20))
    (sentence,) = verdict_on("category", EVEN, answers, answers, MAJORITY).sentences
    assert sentence == (
        "The model cannot be told from the probe: accuracy 0.900 against 0.900, and no test row tells them apart"
    )


def test_a_baseline_that_is_better_is_named_with_the_key_to_look_at() -> None:
    found = verdict_on(
        "category",
        EVEN,
        says(wrong_in(EVEN, 60)),
        says(wrong_in(EVEN, 50)),
        MAJORITY,
        lexical=says(wrong_in(EVEN, 10)),
    )
    assert found.sentences[0].startswith("The lexical baseline is better than the model: accuracy 0.950 against 0.700")
    assert [warning.see for warning in found.warnings] == ["model"]
    found = verdict_on("category", EVEN, says(wrong_in(EVEN, 60)), says(wrong_in(EVEN, 10)), MAJORITY)
    assert found.sentences[0].startswith("The probe is better than the model")
    assert [warning.see for warning in found.warnings] == ["lr"]


def test_accuracy_does_not_hide_a_constant_answer() -> None:
    given = ["hungry"] * 95 + ["tired"] * 5
    model = says(["hungry"] * 100)
    found = verdict_on("category", given, model, says(wrong_in(given, 3, "tired", "hungry")), model)
    assert found.sentences == [
        "The model is no better than the majority: it says `hungry` for every row; the probe has f1_macro 0.778"
    ]
    assert [warning.see for warning in found.warnings] == ["lr"]


def test_accuracy_does_not_hide_rare_classes() -> None:
    """Wrong in three rows, all of them of the one rare class: accuracy 0.97, as that of the majority."""
    given = ["hungry"] * 97 + ["tired"] * 3
    model = says(["tired", *["hungry"] * 99])
    found = verdict_on("category", given, model, model, says(["hungry"] * 100))
    assert found.sentences[0].startswith("The model is no better than the majority: f1_macro 0.490 against 0.492")
    assert found.sentences[1] == "The model is never right about `tired` (3)"


def test_classes_that_are_never_right_are_named_the_largest_first() -> None:
    given = [*["hungry"] * 60, *["tired"] * 30, *["ill"] * 40]
    model = says([*["hungry"] * 129, "tired"])
    found = verdict_on("category", given, model, model, says(["hungry"] * 130))
    assert found.sentences[1] == "The model is never right about `ill` (40), `tired` (30)"
    assert found.warnings[-1].message == found.sentences[1]


def test_few_rows_tell_nothing() -> None:
    given = ["hungry", "tired"] * 6
    found = verdict_on("category", given, says(given), says(wrong_in(given, 3)), says(["hungry"] * 12))
    assert found.sentences == [
        "The test set has 12 rows, too few to compare the model with the probe: accuracy 1.000 against 0.750"
    ]
    assert [warning.see for warning in found.warnings] == ["split.test"]


@pytest.mark.parametrize("target", variants.names("targets"))
def test_one_row_is_judged(target: str) -> None:
    label, columns = {
        "category": ("ill", COLUMNS),
        "categories": (["ill"], COLUMNS),
        "number": (2.0, ["predicted"]),
        "tags": (["O", "B-ill"], ["O", "B-ill", "I-ill"]),
    }[target]
    one = Conclusion([label], ragged([np.zeros((2, 3))]) if target == "tags" else np.zeros((1, 3)), columns)
    (sentence,) = verdict_on(target, [label], one, one, one).sentences
    assert "has 1 row, too few" in sentence


def test_labels_are_quoted_in_one_short_line() -> None:
    given = ["hungry\nand " + "very " * 100 + "tired", "ill"] * 20
    model = says([given[0]] * 40)
    (sentence,) = verdict_on("category", given, model, model, model).sentences
    assert sentence.endswith(r"it says `hungry\nand very very very very very very very very very ...` for every row")


# --- the other targets ---


def test_numbers_that_are_nearly_the_same_for_every_row() -> None:
    given = np.random.default_rng(0).uniform(0, 5, 200).tolist()
    noise = np.random.default_rng(1).normal(0, 0.05, 200)
    model, constant = says((2.2 + noise).tolist(), ["predicted"]), says([2.5] * 200, ["predicted"])
    found = verdict_on("number", given, model, constant, constant)
    assert found.sentences[0].startswith("The model is no better than the mean: it predicts 2.0")
    assert "for labels of 0." in found.sentences[0]


def test_numbers_are_judged_by_their_errors() -> None:
    """They follow the labels perfectly, but all are far too high."""
    given = np.random.default_rng(0).uniform(0, 5, 200).tolist()
    model, constant = says([number + 9 for number in given], ["predicted"]), says([2.5] * 200, ["predicted"])
    found = verdict_on("number", given, model, constant, constant)
    assert found.sentences[0].startswith("The probe is better than the model: r2 ")


def test_the_r2_is_that_of_scikit_learn() -> None:
    from sklearn.metrics import r2_score

    from stages.targets.number.score import judged_by as by_r2

    rng = np.random.default_rng(0)
    for shift in (0, 1e6):
        given = rng.normal(shift, 2, 50)
        predicted = given + rng.normal(0, 1, 50)
        sums = by_r2(given.tolist(), says(predicted.tolist(), ["predicted"]))
        assert sums.value() == pytest.approx(r2_score(given, predicted), abs=1e-6)
    assert by_r2([3.0, 3.0], says([3.0, 4.0], ["predicted"])).value() == 0


def test_tags_of_a_model_that_finds_nothing() -> None:
    columns = ["O", "B-fruit", "I-fruit"]
    given = [["B-fruit", "O"]] * 40
    nothing = Conclusion([["O", "O"]] * 40, ragged([np.zeros((2, 3))] * 40), columns)
    found = verdict_on("tags", given, nothing, nothing, nothing)
    assert found.sentences == ["The model is no better than the majority: it finds no entity in any text"]


def test_types_and_labels_that_are_never_right() -> None:
    columns = ["O", "B-fruit", "I-fruit", "B-tool", "I-tool"]
    given = [["B-fruit", "B-tool"]] * 40
    model = Conclusion([["B-fruit", "O"]] * 40, ragged([np.zeros((2, 5))] * 40), columns)
    assert verdict_on("tags", given, model, model, model).sentences[1] == "The model is never right about `tool` (40)"
    lists = [["hungry", "ill"], ["hungry"], ["tired"]] * 20
    some = says([["hungry"], ["hungry"], ["tired"]] * 20)
    found = verdict_on("categories", lists, some, some, says([["hungry"]] * 60))
    assert found.sentences[1] == "The model is never right about `ill` (20)"
    same = says([["hungry"]] * 60)
    assert "it says `hungry` for every row" in verdict_on("categories", lists, same, some, same).sentences[0]
    none = says([[]] * 60)
    assert "it gives no row a label" in verdict_on("categories", lists, none, some, same).sentences[0]


# --- the bootstrap ---


def test_samples_are_the_same_in_every_run_and_for_every_model() -> None:
    one, other = (resampled(judged_by(EVEN, says(labels))) for labels in (EVEN, wrong_in(EVEN, 20)))
    assert one.shape == (RESAMPLES,)
    assert (one == 1).all()
    low, high = interval(one - other)
    assert 0.055 < low < 0.07
    assert 0.13 < high < 0.15
    assert (other == resampled(judged_by(EVEN, says(wrong_in(EVEN, 20))))).all()
