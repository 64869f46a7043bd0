"""One class out of several."""

import numpy as np
import pytest

from stages.core.errors import InputError
from tests.samples.targets.category import CATEGORIES
from tests.samples.variants import samples_of, whole_target
from tests.targets.predictions import by_constant, by_probe, objective_of


def test_no_category_is_guessed_from_the_labels_of_others() -> None:
    with pytest.raises(
        InputError,
        match=r"training rows: a category needs at least two classes, got \['apple'\]; see clean\.label and ",
    ):
        objective_of("category", ["apple"] * 5)
    with pytest.raises(
        InputError,
        match=r"the label 'fig' occurs in validation or test but not in training; merge it with another label in "
        r"clean\.label\.aliases, or drop ",
    ):
        objective_of("category", CATEGORIES).targets(["apple", "fig"])


def test_category_is_the_class_of_the_largest_output() -> None:
    objective = objective_of("category", CATEGORIES)
    assert objective == objective_of("category", CATEGORIES[::-1])
    assert objective.columns == ["apple", "pear", "plum"]
    logits = np.array([[0.0, 2.0, 1.0], [800.0, 0.0, -800.0]], dtype=np.float32)
    probabilities = objective.outputs(logits)
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(2))
    assert probabilities[0] == pytest.approx(np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum())
    assert objective.conclude(probabilities).labels == ["pear", "apple"]
    assert objective.measure(logits, np.array([1, 2])) == 1 / 2
    assert objective.targets(["plum", "apple"]) == [2, 0]
    assert objective.config() == {
        "num_labels": 3,
        "id2label": {0: "apple", 1: "pear", 2: "plum"},
        "label2id": {"apple": 0, "pear": 1, "plum": 2},
    }


def test_head_of_categories_starts_as_the_probe() -> None:
    from sklearn.linear_model import LogisticRegression

    objective, vectors = objective_of("category", CATEGORIES), samples_of("category", "targets").vectors
    weights, bias = objective.first_head(vectors, objective.targets(CATEGORIES), 10.0)
    assert (weights.shape, bias.shape) == ((3, vectors.shape[1]), (3,))
    expected = LogisticRegression(C=10.0, max_iter=1_000).fit(vectors, CATEGORIES).predict_proba(vectors)
    logits = (vectors @ weights.T + bias).astype(np.float32)
    assert objective.outputs(logits) == pytest.approx(expected, abs=1e-4)


def test_probe_and_audit_of_clean_categories() -> None:
    target, found = whole_target("category"), by_probe("category")
    assert list(target.audit(CATEGORIES, found).suggested) == list(found.labels) == CATEGORIES
    assert target.score(CATEGORIES, found, 5)["accuracy"] == 1.0
    constant = by_constant("category")
    assert (constant.predictions == constant.predictions[0]).all()
    assert target.score(CATEGORIES, constant, 5)["accuracy"] == pytest.approx(1 / 3)


def test_strata_and_names_of_categories() -> None:
    target = whole_target("category")
    assert target.strata(["pear", "apple"]) == target.names(["pear", "apple"]) == [("pear",), ("apple",)]
    assert target.names([None, "Pear"]) == [("",), ("Pear",)]
