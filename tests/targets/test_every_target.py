"""Every target, found by its file name, does what its Protocols promise."""

from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.label import CleanedLabel, Target
from tests.samples.checks import check_conclusion, check_predictions, same_bits
from tests.samples.variants import outputs_of_probe, samples_of, targets, whole_target
from tests.targets.predictions import by_constant, by_probe, objective_of

UNDEFINED_FOR_ONE_LABEL = {"roc_auc", "pearson", "pearson_low", "pearson_high", "spearman", "r2"}


@targets
def test_labels_can_be_shown(name: str) -> None:
    samples = samples_of(name, "targets")
    shown = [whole_target(name).preview(label, "a b c d e f g h") for label in samples.labels]
    assert all(isinstance(line, str) and line and "\n" not in line for line in shown)
    assert len(set(shown)) > 1


@targets
def test_labels_of_the_target(name: str) -> None:
    target, samples = whole_target(name), samples_of(name, "targets")
    labels, params = samples.labels, target.LabelParams(**samples.params)
    assert pa.array(labels, target.LABEL).to_pylist() == list(labels)
    found = {given: target.clean_label(given, samples.content, params) for given in samples.cleaned}
    assert {given: cleaned.label for given, cleaned in found.items()} == samples.cleaned
    assert all(cleaned.reason is None for cleaned in found.values())
    assert all(isinstance(repair, str) for cleaned in found.values() for repair in cleaned.repairs)
    raws = [*samples.cleaned, *samples.reasons.values(), None]
    assert all(
        isinstance(target.clean_label(given, None, params), CleanedLabel) for given in raws
    )  # beside content that cannot be used
    for words, n_rows in (
        (target.strata(labels), len(labels)),
        (target.names(labels), len(labels)),
        (target.names(raws), len(raws)),
    ):
        assert len(words) == n_rows
        assert all(isinstance(row, tuple) and all(type(word) is str for word in row) for row in words)
    assert all(target.strata(labels)), "a row of no stratum cannot be dealt out"
    assert target.strata(labels[::-1]) == target.strata(labels)[::-1]


@targets
def test_probe_and_audit(name: str) -> None:
    target, samples = whole_target(name), samples_of(name, "targets")
    objective = objective_of(name, samples.labels)
    predictions = outputs_of_probe(name, objective)
    check_predictions(predictions, len(samples.labels), objective.columns)
    assert same_bits(outputs_of_probe(name, objective), predictions)
    judged = target.audit(samples.labels, by_probe(name))
    check_judged(judged, len(samples.labels), target)
    assert not judged.is_label_issue.any()
    assert target.reliability(samples.labels, by_probe(name)).of_all > 0.5
    assert target.reliability(samples.labels, by_constant(name)).of_all <= 0.01


def check_judged(judged: Any, n_rows: int, target: Target) -> None:
    assert judged.label_quality.shape == judged.is_label_issue.shape == (n_rows,)
    assert judged.is_label_issue.dtype == np.bool_
    assert ((judged.label_quality >= 0) & (judged.label_quality <= 1)).all()
    assert pa.array(judged.suggested, target.LABEL).to_pylist() == list(judged.suggested)
    assert len(judged.suggested) == len(judged.doubted) == n_rows


@targets
def test_scores_and_plots(name: str) -> None:
    target, labels = whole_target(name), samples_of(name, "targets").labels
    model, constant = by_probe(name), by_constant(name)
    check_conclusion(model, len(labels), target)
    check_conclusion(constant, len(labels), target)
    one, other = (target.score(labels, contender, 5) for contender in (model, constant))
    assert list(one) == list(other)
    assert all(type(value) is float for value in [*one.values(), *other.values()])
    assert np.isfinite(list(one.values())).all()
    undefined = {metric for metric, value in other.items() if not np.isfinite(value)}
    assert undefined <= {"pearson", "pearson_low", "pearson_high", "spearman"}  # of a constant
    first = target.HEADLINE[0]
    assert {*target.HEADLINE, f"{first}_low", f"{first}_high"} <= one.keys()
    assert one[f"{first}_low"] <= one[first] <= one[f"{first}_high"]
    plots = target.plots(labels, model, 5)
    assert plots.keys() == {"confusion", "reliability"}  # dvc.yaml names their files
    assert list(plots["confusion"]) == ["actual", "predicted"]
    assert list(plots["reliability"]) == ["confidence", "accuracy", "rows"]
    assert all(len(table) for table in plots.values())


@targets
def test_few_held_out_rows_can_be_judged_and_scored(name: str) -> None:
    """A small test set lacks some classes and has one row of others."""
    target, labels = whole_target(name), samples_of(name, "targets").labels
    objective = objective_of(name, labels)
    objective = objective.tuned(labels, outputs_of_probe(name, objective))
    for rows in ([0], [0, 1], [0, 8], [0, 1, 8]):
        few = [labels[row] for row in rows]
        found = objective.conclude(outputs_of_probe(name, objective, rows))
        check_conclusion(found, len(rows), target)
        check_judged(target.audit(few, found), len(rows), target)
        scores = target.score(few, found, 5)
        undefined = {metric for metric, value in scores.items() if not np.isfinite(value)}
        one_label = all(label == few[0] for label in few)
        assert undefined <= (UNDEFINED_FOR_ONE_LABEL if one_label else set())
        assert all(len(table) for table in target.plots(few, found, 5).values())
        constant = objective.conclude(target.constant(labels, few, objective.columns))
        assert target.score(few, constant, 5).keys() == target.score(few, found, 5).keys()
