"""Every objective does what its Protocol promises."""

import json
import warnings
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest

from stages.contracts.objective import Learnable
from stages.targets._probe import fit_probe
from tests.samples.checks import same_bits
from tests.samples.variants import names, outputs_of_probe, samples_of
from tests.targets.predictions import objective_of

objectives = pytest.mark.parametrize("name", names("targets"))


@objectives
def test_objective_says_the_same_after_it_was_saved(name: str) -> None:
    """`from_recipe` of what stands in the model's folder, after JSON."""
    samples = samples_of(name, "targets")
    objective = objective_of(name, samples.labels)
    outputs = outputs_of_probe(name, objective)
    tuned = objective.tuned(samples.labels, outputs)
    again = cast(type[Learnable], type(tuned)).from_recipe(json.loads(json.dumps(tuned.recipe())))
    one, other = tuned.conclude(outputs), again.conclude(outputs)
    assert list(again.columns) == list(tuned.columns)
    assert list(one.columns) == list(other.columns)
    assert list(one.labels) == list(other.labels)
    assert same_bits(one.predictions, other.predictions)
    assert tuned.tunable or list(objective.conclude(outputs).labels) == list(one.labels)


@objectives
def test_objective_does_not_depend_on_the_order_of_labels(name: str) -> None:
    labels = samples_of(name, "targets").labels
    objective = objective_of(name, labels)
    assert list(objective.columns) == list(objective_of(name, labels[::-1]).columns)
    assert len(set(objective.columns)) == len(objective.columns)
    assert objective.config()["num_labels"] == len(objective.columns)


@objectives
def test_objective_gives_what_a_trainer_needs(name: str) -> None:
    samples = samples_of(name, "targets")
    objective = objective_of(name, samples.labels)
    assert objective.metric.isidentifier()
    assert 0 <= objective.label_smoothing < 1
    assert objective.loss is None or callable(objective.loss)
    targets = objective.targets(samples.labels)
    assert len(targets) == len(samples.labels)
    assert objective.targets(samples.labels[:1]) == targets[:1]


@objectives
def test_a_row_without_weight_does_not_matter_to_the_probe(name: str) -> None:
    """Half of the rows have the labels of other ones."""
    samples = samples_of(name, "targets")
    objective = objective_of(name, samples.labels)
    targets, others = objective.targets(samples.labels), objective.targets(samples.labels[::-1])
    if name == "tags":  # one for each token
        others = [[0] * len(row) for row in targets]
    twice = np.concatenate([samples.vectors, samples.vectors])
    n_rows = len(targets)

    def head(weight: float) -> npt.NDArray[np.float64]:
        row_weights = np.repeat([1.0, weight], n_rows)
        return np.concatenate(objective.first_head(twice, [*targets, *others], 10.0, row_weights), axis=None)

    without = np.concatenate(objective.first_head(samples.vectors, targets, 10.0), axis=None)
    assert head(0.0) == pytest.approx(without, abs=1e-3)
    assert np.abs(head(0.5) - without).max() > 0.1


def test_many_classes_of_few_rows_are_no_remark_of_a_library() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_probe(np.eye(30, dtype=np.float32), np.arange(30) // 2, 15, 1.0)
