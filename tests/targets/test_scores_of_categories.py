"""Metrics of several classes for each row, against scikit-learn's."""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import expit
from sklearn import metrics

from stages.contracts.objective import Conclusion
from stages.targets.categories import score as categories_score
from stages.targets.categories.objective import Objective
from tests.samples.name_lists import NAMES, as_labels, concluded, tastes


@pytest.fixture(scope="module")
def judged() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Conclusion]:
    given = tastes(300, seed=2)
    probabilities = expit(np.where(given, 0.5, -1.5) + np.random.default_rng(3).normal(0, 1.5, given.shape))
    return given, probabilities >= 0.5, concluded(probabilities)


def test_metrics_are_those_of_scikit_learn(judged: Any) -> None:
    given, predicted, conclusion = judged
    found = categories_score.score(as_labels(given), conclusion, 10)
    options: dict[str, Any] = {"zero_division": 0.0}
    expected = {
        "f1_micro": metrics.f1_score(given, predicted, average="micro", **options),
        "f1_macro": metrics.f1_score(given, predicted, average="macro", **options),
        "f1_samples": metrics.f1_score(given, predicted, average="samples", zero_division=1.0),
        "precision_micro": metrics.precision_score(given, predicted, average="micro", **options),
        "precision_macro": metrics.precision_score(given, predicted, average="macro", **options),
        "recall_micro": metrics.recall_score(given, predicted, average="micro", **options),
        "recall_macro": metrics.recall_score(given, predicted, average="macro", **options),
        "map": metrics.average_precision_score(given, conclusion.predictions, average="macro"),
        "subset_accuracy": metrics.accuracy_score(given, predicted),
        "hamming_loss": metrics.hamming_loss(given, predicted),
        "log_loss": np.mean([metrics.log_loss(*one) for one in zip(given.T, conclusion.predictions.T, strict=True)]),
        **{
            f"f1_of_{name}": score
            for name, score in zip(NAMES, metrics.f1_score(given, predicted, average=None, **options), strict=True)
        },
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)
    assert found.keys() - expected.keys() == {
        "calibration_error",
        *(f"f1_{average}_{end}" for average in ("micro", "macro") for end in ("low", "high")),
    }


def test_intervals_shrink_with_the_rows(judged: Any) -> None:
    given, _, conclusion = judged
    many = Conclusion(list(conclusion.labels) * 16, np.tile(conclusion.predictions, (16, 1)), NAMES)
    few, more = (
        categories_score.score(as_labels(given), conclusion, 10),
        categories_score.score(as_labels(given) * 16, many, 10),
    )
    for name in ("f1_micro", "f1_macro"):
        assert few[f"{name}_low"] < few[name] < few[f"{name}_high"]
        assert more[f"{name}_high"] - more[f"{name}_low"] == pytest.approx(
            (few[f"{name}_high"] - few[f"{name}_low"]) / 4, rel=0.2
        )


def test_intervals_are_those_of_the_bootstrap(judged: Any) -> None:
    given, predicted, conclusion = judged
    rng = np.random.default_rng(5)
    drawn = [rng.integers(len(given), size=len(given)) for _ in range(400)]
    found = categories_score.score(as_labels(given), conclusion, 10)
    for average in ("micro", "macro"):
        scores = [metrics.f1_score(given[rows], predicted[rows], average=average, zero_division=0.0) for rows in drawn]
        low, high = np.quantile(scores, [0.025, 0.975])
        assert (found[f"f1_{average}_low"], found[f"f1_{average}_high"]) == pytest.approx(
            (low, high), abs=(high - low) / 8
        )


def test_average_precision_is_of_classes_that_occur() -> None:
    predictions = np.array([[0.9, 0.5, 0.4, 0.3, 0.2], [0.1, 0.5, 0.6, 0.7, 0.8]])
    assert categories_score.score([["acid"], []], concluded(predictions), 5)["map"] == 1


def test_one_class_is_enough() -> None:
    objective = Objective.of([["hot"], [], ["hot"], []])
    found = categories_score.score([["hot"], []], objective.conclude(np.array([[0.9], [0.2]])), 5)
    assert (found["f1_macro"], found["f1_samples"], found["map"], found["subset_accuracy"]) == (1, 1, 1, 1)


def test_calibration_is_of_all_decisions() -> None:
    given = [["acid"]] * 3 + [[]]
    found = categories_score.reliability(given, concluded(np.tile([0.75, 0.0, 0.0, 0.0, 0.0], (4, 1))), 10)
    assert found.to_dict("list") == {"confidence": [0.0, 0.75], "accuracy": [0.0, 0.75], "rows": [16, 4]}


def test_confusions_set_what_was_missed_beside_what_was_wrong() -> None:
    given = [["hot", "sweet"], ["hot"], ["hot", "sweet"], [], [], ["acid", "hot"]]
    predicted = [["hot", "sweet"], ["acid"], ["hot"], ["hot"], [], ["bitter", "salty"]]
    found = categories_score.plots(given, Conclusion(predicted, np.zeros((6, 5)), NAMES), 5)["confusion"]
    assert Counter(zip(found["actual"], found["predicted"], strict=True)) == {
        ("hot", "hot"): 2,
        ("sweet", "sweet"): 1,
        ("hot", "acid"): 1,
        ("sweet", "(none)"): 1,
        ("(none)", "hot"): 1,
        ("(none)", "(none)"): 1,
        **{(missed, wrong): 1 for missed in ("acid", "hot") for wrong in ("bitter", "salty")},
    }
