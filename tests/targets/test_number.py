"""A number as the label."""

import numpy as np
import pandas as pd
import pytest

from stages import label_audit
from stages.core.errors import InputError
from tests.rows import audit_params
from tests.samples.variants import whole_target
from tests.targets.predictions import objective_of


def test_one_who_has_seen_no_row_is_related_to_nothing() -> None:
    """The mean of labels is the same for every row, whatever the rounding of its sum: it has no correlation."""
    target = whole_target("number")
    for n_rows in range(5, 60):
        labels = np.random.default_rng(n_rows).integers(0, 50, n_rows) / 10
        objective = objective_of("number", labels.tolist())
        found = target.score(
            labels.tolist(), objective.conclude(target.constant(labels.tolist(), labels.tolist(), objective.columns)), 5
        )
        assert np.isnan([found[name] for name in ("pearson", "pearson_low", "pearson_high", "spearman")]).all()
        assert found["r2"] == pytest.approx(0, abs=1e-9), n_rows


@pytest.mark.parametrize(("noise", "n_changed"), [(0.1, 12), (300.0, 0)])
def test_wild_numbers_are_changed_if_the_probe_knows_the_others(noise: float, n_changed: int) -> None:
    """All of them are in one decile, of which they are more than half."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 8)).astype(np.float32)
    numbers = vectors[:, 0] + rng.normal(0, noise, 200)
    numbers[:12] = 5_000.0 if noise > 1 else 50.0
    rows = pd.DataFrame({"id": [f"{row:03d}" for row in range(200)], "label": numbers, "reviewed": False})
    rows = rows.assign(unit=rows["id"], split=["train"] * 180 + ["test"] * 20)
    rows = rows.assign(collected_label=numbers, was_wrong=False, has_source_label=True, note=None)
    params = audit_params("number")
    verdicts = label_audit.audit(rows, vectors, label_audit.TargetParts.load("number"), params).verdicts.to_pandas()
    assert verdicts.index[~verdicts["keep"]].tolist() == list(range(n_changed))


def test_ranges_of_numbers_that_are_far_apart() -> None:
    for labels in (["1", "2", "1e300"], ["-1e200", "", "3"], ["2.5"] * 4, ["1e-30", "2e-30"], [None, "ripe"]):
        found = whole_target("number").names(labels)
        assert [row == ("",) for row in found] == [label in (None, "", "ripe") for label in labels]


def test_numbers_that_do_not_differ_cannot_be_learned() -> None:
    for number in (0.1, 2.3, 1e9 + 0.1):
        with pytest.raises(InputError, match="training rows: all labels are"):
            objective_of("number", [number] * 7)


@pytest.mark.parametrize(
    "labels", [[-1e308, 1e308, 1e308], [0.0, 1e200, 2e200], [0.0, 1e-310, 5e-310], [0.0, 1e-170, 3e-170]]
)
def test_numbers_whose_squares_do_not_exist_cannot_be_learned(labels: list[float]) -> None:
    with pytest.raises(InputError, match="cannot be computed with"):
        objective_of("number", labels)


def test_large_and_small_numbers_are_learned() -> None:
    for unit in (1e100, 1e-100):
        objective = objective_of("number", [0.0, unit, 2 * unit])
        assert objective.targets([0.0, 2 * unit]) == pytest.approx([-np.sqrt(1.5), np.sqrt(1.5)])
