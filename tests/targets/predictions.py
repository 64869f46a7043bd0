"""What a probe and a constant predict for the sample labels of a target."""

from collections.abc import Callable, Sequence
from typing import cast

from stages.contracts.objective import Conclusion, Learnable, load_objective
from stages.core.tables import Label, Predictions
from tests.samples.variants import outputs_of_probe, samples_of, whole_target


def concluded(name: str, outputs: Callable[[Learnable], Predictions]) -> Conclusion:
    """What the objective that the sample's labels set says of outputs, tuned on all of them."""
    labels = samples_of(name, "targets").labels
    objective = objective_of(name, labels)
    found = outputs(objective)
    return objective.tuned(labels, found).conclude(found)


def objective_of(name: str, labels: Sequence[Label]) -> Learnable:
    return cast(Learnable, load_objective(name).of(labels))


def by_probe(name: str) -> Conclusion:
    """The predictions of a probe for the rows that it was fitted on."""
    return concluded(name, lambda objective: outputs_of_probe(name, objective))


def by_constant(name: str) -> Conclusion:
    target, labels = whole_target(name), samples_of(name, "targets").labels
    return concluded(name, lambda objective: target.constant(labels, labels, objective.columns))
