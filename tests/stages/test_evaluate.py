"""Scores, plots and baselines, on rows whose scores can be worked out by hand."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages import evaluate
from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.core.tables import named_columns
from stages.targets.category import score as category_score
from stages.targets.category.objective import Objective

pytestmark = pytest.mark.usefixtures("workplace")


GIVEN = ["apple", "apple", "pear", "pear"]
PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])  # the last one is wrong
COLUMNS = ["apple", "pear"]


def said(probabilities: np.ndarray) -> Conclusion:
    return Objective(COLUMNS).conclude(probabilities)


def test_score_of_four_rows() -> None:
    found = category_score.score(GIVEN, said(PROBABILITIES), 5)
    assert found == pytest.approx(
        {
            "accuracy": 3 / 4,
            "accuracy_low": 0.300642,  # Wilson's interval of 3 out of 4
            "accuracy_high": 0.954413,
            "f1_macro": (4 / 5 + 2 / 3) / 2,
            "f1_weighted": (4 / 5 + 2 / 3) / 2,
            "precision_macro": (2 / 3 + 1) / 2,
            "recall_macro": (1 + 1 / 2) / 2,
            "roc_auc": 3 / 4,
            "log_loss": -(math.log(0.9) + math.log(0.6) + math.log(0.8) + math.log(0.3)) / 4,
            # 0.6 to 0.8: confidence 0.65, accuracy 1/2; 0.8 to 1: confidence 0.85, accuracy 1
            "calibration_error": 0.15,
            "f1_of_apple": 4 / 5,
            "f1_of_pear": 2 / 3,
        },
        abs=1e-6,
    )


def test_reliability_and_confusion() -> None:
    found = category_score.plots(GIVEN, said(PROBABILITIES), 5)
    assert found["confusion"].to_numpy().tolist() == [
        ["apple", "apple"],
        ["apple", "apple"],
        ["pear", "pear"],
        ["pear", "apple"],
    ]
    assert found["reliability"].to_numpy() == pytest.approx(np.array([[0.65, 0.5, 2], [0.85, 1.0, 2]]))


def test_a_certain_and_wrong_prediction_has_a_finite_loss() -> None:
    found = category_score.score(["apple", "pear"], said(np.array([[0.0, 1.0], [0.0, 1.0]])), 5)
    assert 10 < found["log_loss"] < 40
    assert found["calibration_error"] == pytest.approx(0.5)


def predictions_of(
    ids: Sequence[str], split: str, given: Sequence[str], probabilities: np.ndarray, **more: Sequence[Any]
) -> pa.Table:
    found = {"predicted_label": said(probabilities).labels, "predictions": named_columns(probabilities, COLUMNS)}
    return pa.table({"id": ids, "split": [split] * len(ids), "given_label": given, **more, **found})


def test_model_and_baselines_are_scored_on_the_same_rows() -> None:
    """The tables come in other orders: rows are found by their ids."""
    half = np.full((4, 2), 0.5)
    ids, backwards = ["a", "b", "c", "d"], ["d", "c", "b", "a"]
    predictions = pa.concat_tables(
        [
            predictions_of(["v", "w"], "validation", ["pear", "apple"], PROBABILITIES[:2]),
            predictions_of(ids, "test", GIVEN, PROBABILITIES),
        ]
    )
    labels = pa.concat_tables(
        [
            predictions_of(
                ["t1", "t2", "t3", "t4"],
                "train",
                ["apple"] * 4,
                half,
                keep=[True] * 3 + [False],
                label=["apple", "pear", "pear", "apple"],
            ),
            predictions_of(
                backwards, "test", GIVEN[::-1], (1 - PROBABILITIES)[::-1], keep=[True] * 4, label=GIVEN[::-1]
            ),
        ]
    )
    contenders = evaluate.contenders(predictions, labels, category_score, Objective, None)
    found = evaluate.score_all(contenders, evaluate.rows_of(predictions, "validation"), category_score, 5)
    assert found["accuracy"] == 3 / 4
    assert found["validation_accuracy"] == 1 / 2
    assert found["probe_accuracy"] == 1 / 4
    assert found["majority_accuracy"] == 1 / 2
    assert found["majority_log_loss"] == pytest.approx(
        -(2 * math.log(1 / 3) + 2 * math.log(2 / 3)) / 4
    )  # of the three labels that were trained on
    assert found["majority_f1_macro"] == pytest.approx(1 / 3)


def test_majority_baseline_knows_how_common_each_class_is() -> None:
    assert category_score.constant(["apple", "pear", "apple", "apple"], ["pear", "apple"], COLUMNS).tolist() == [
        [0.75, 0.25],
        [0.75, 0.25],
    ]


def test_a_diverged_model_is_not_scored() -> None:
    probabilities = PROBABILITIES.copy()
    probabilities[2] = np.nan
    with pytest.raises(InputError, match=r"data/predictions: 1 of 4 rows have a prediction that is no finite number"):
        evaluate.conclusion(predictions_of(["a", "b", "c", "d"], "test", GIVEN, probabilities))
