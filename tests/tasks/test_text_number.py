"""A number as label: standardised, spread by quantile, judged by its residual, given with where the truth may lie."""

import math
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.label_audit import predict_with_probe
from stages.serving.predictor import load_predictor
from stages.splits.stratify import deal
from stages.targets.number import audit as number_audit
from stages.targets.number import label as number_label
from stages.targets.number import score as number_score
from stages.targets.number.label import LabelParams
from stages.targets.number.objective import LEVELS, Objective, ObjectiveParams
from tests import tiny

ANY = LabelParams(minimum=None, maximum=None)


def numbers(count: int, seed: int = 0) -> list[float]:
    return np.random.default_rng(seed).normal(10.0, 4.0, count).tolist()


def concluded(labels: list[float], truth: list[float]) -> Conclusion:
    """What a model says of rows that says `labels`, and has seen its errors on them."""
    outputs = np.array(labels).reshape(-1, 1)
    return Objective.of(truth).tuned(truth, outputs).conclude(outputs)


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        (" 2.5\n", 2.5),
        ("-1e3", -1000.0),
        ("007", 7.0),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("1,5", None),
        ("five", None),
    ],
)
def test_a_label_is_a_finite_number_or_refused(raw: str, label: float | None) -> None:
    found = number_label.clean_label(raw, None, ANY)
    assert (found.label, found.reason) == (label, None if label is not None else "not_a_number")


def test_labels_out_of_range_are_refused() -> None:
    params = LabelParams(minimum=0.0, maximum=5.0)
    assert [number_label.clean_label(raw, None, params).reason for raw in ("-0.1", "0", "5", "5.1")] == [
        "out_of_range",
        None,
        None,
        "out_of_range",
    ]
    with pytest.raises(ValueError, match="minimum must be less than maximum"):
        LabelParams(minimum=5.0, maximum=5.0)


def test_strata_are_tenths_by_size() -> None:
    labels = numbers(200)
    strata = number_label.strata(labels)
    assert set(Counter(strata).values()) == {20}
    by_size = [strata[row] for row in np.argsort(labels)]
    assert len(list(dict.fromkeys(by_size))) == 10
    assert by_size == sorted(by_size)
    assert len(set(number_label.strata([1.0] * 30 + [2.0]))) <= 2  # equal labels are never told apart


def test_splits_see_small_and_large_numbers_alike() -> None:
    labels = np.array(numbers(400))
    split = deal(
        [str(row) for row in range(400)],
        number_label.strata(labels.tolist()),
        {"train": 0.7, "validation": 0.15, "test": 0.15},
        seed=1,
    )
    for part in ("validation", "test"):
        assert (
            abs(labels[split == part].mean() - labels.mean()) < 0.3
        )  # of a spread of 4; a tenth is at most one row off its share
        assert Counter(split)[part] == 60


def test_what_is_learned_is_standardised_and_turned_back() -> None:
    labels = numbers(50)
    objective = Objective.of(labels)
    targets = np.array(objective.targets(labels), dtype=np.float32)
    assert targets.mean() == pytest.approx(0, abs=1e-6)
    assert targets.std() == pytest.approx(1, abs=1e-6)
    assert objective.outputs(targets.reshape(-1, 1))[:, 0] == pytest.approx(labels, abs=1e-4)
    assert Objective.from_recipe(objective.recipe()).outputs(targets.reshape(-1, 1)) == pytest.approx(
        objective.outputs(targets.reshape(-1, 1))
    )


def test_a_number_that_never_differs_cannot_be_learned() -> None:
    with pytest.raises(InputError, match=r"all labels are 3.0"):
        Objective.of([3.0, 3.0])


@pytest.mark.parametrize(
    ("loss", "expected"), [("mse", (0.25 + 9.0) / 2), ("mae", (0.5 + 3.0) / 2), ("huber", (0.125 + 2.5) / 2)]
)
def test_losses(loss: Any, expected: float) -> None:
    import torch

    objective = Objective.of([0.0, 1.0], ObjectiveParams(loss=loss))
    found = objective.loss({"logits": torch.tensor([[0.5], [3.0]])}, torch.tensor([0.0, 0.0]))
    assert float(found) == pytest.approx(expected)


def test_quantiles_cover_what_they_promise() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(0, 3, 4000)
    outputs = (truth + rng.normal(1.0, 2.0, 4000)).reshape(-1, 1)  # a model that says too much, by one
    fitted = Objective.of(truth.tolist()).tuned(truth[:2000].tolist(), outputs[:2000])
    found = number_score.score(truth[2000:].tolist(), fitted.conclude(outputs[2000:]), 10)
    assert found["coverage_90"] == pytest.approx(0.9, abs=0.03)
    assert found["interval_width_90"] == pytest.approx(2 * 1.645 * 2.0, rel=0.05)
    assert found["calibration_error"] < 0.02
    table = number_score.plots(truth[2000:].tolist(), fitted.conclude(outputs[2000:]), 10)["reliability"]
    assert table["confidence"].tolist() == list(LEVELS.values())
    assert table["accuracy"].to_numpy() == pytest.approx(list(LEVELS.values()), abs=0.03)


def test_scores_of_numbers_that_can_be_worked_out_by_hand() -> None:
    found = number_score.score([1.0, 2.0, 3.0, 4.0], concluded([2.0, 2.0, 3.0, 6.0], [1.0, 2.0, 3.0, 4.0]), 5)
    assert found["mae"] == 0.75
    assert found["rmse"] == pytest.approx(math.sqrt(5 / 4))
    assert found["r2"] == pytest.approx(1 - 5 / 5)
    assert found["pearson"] == pytest.approx(6.5 / math.sqrt(5 * 10.75))
    assert found["pearson_low"] < found["pearson"] < found["pearson_high"]
    assert found["spearman"] == pytest.approx(0.9486832980505138)


def test_a_constant_far_off_explains_less_than_nothing() -> None:
    found = number_score.score([1.0, 2.0, 3.0, 4.0], concluded([100.0] * 4, [1.0, 2.0, 3.0, 4.0]), 5)
    assert found["r2"] < -100
    assert np.isnan([found["pearson_low"], found["pearson"], found["pearson_high"]]).all()  # there is none


def test_the_audit_finds_planted_errors() -> None:
    """60 of 600 labels are drawn anew; what lies far from what the rows say has a low quality."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(600, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    labels = vectors @ rng.normal(size=8) * 10 + rng.normal(0, 0.3, 600)
    planted = np.zeros(600, dtype=bool)
    planted[:60] = True
    given = np.where(planted, rng.permutation(labels), labels)
    objective = Objective.of(given.tolist())
    outputs = predict_with_probe(objective, given[60:].tolist(), vectors[60:], vectors, 10.0)
    judged = number_audit.audit(given.tolist(), objective.conclude(outputs))
    far = planted & (np.abs(given - labels) > 3)
    assert far.sum() > 30
    assert judged.is_label_issue[far].all()
    assert judged.is_label_issue[~planted].mean() < 0.02
    assert np.abs(np.array(judged.suggested)[far] - labels[far]).mean() < 1


def test_ranges_of_the_class_balance() -> None:
    assert number_label.names([0.0, 2.6, 5.0, "4.99", "x", None]) == [
        ("0 to 0.5",),
        ("2.5 to 3",),
        ("5 to 5.5",),
        ("4.5 to 5",),
        ("",),
        ("",),
    ]
    assert number_label.names([-30.0, 30.0]) == [("-30 to -20",), ("30 to 40",)]
    assert number_label.names([]) == []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny.write_text_model(folder)
    return folder


def finetuned(
    folder: Path, model: Path, contents: list[str], labels: list[float], monkeypatch: pytest.MonkeyPatch
) -> dict[str, float | int]:
    from stages.tasks.text_number.learn import FinetuneParams, finetune

    monkeypatch.chdir(folder)
    own = FinetuneParams(
        max_length=32, pooling="mean", head_init="probe", probe_C=1.0, frozen_layers=0, dropout=0.0, loss="mse"
    )
    section = SimpleNamespace(weight_decay=0.0, warmup=0.0, patience=5, of=lambda _: own)
    params = SimpleNamespace(model=str(model), lr=1e-3, epochs=2, batch_size=8, seed=0, threads=1, finetune=section)
    rows = pa.table({"content": contents, "label": labels, "copy": pa.array([0] * len(labels), pa.int32())})
    (folder / "model").mkdir()
    return finetune(rows.slice(8), rows.slice(0, 8), params, {"modality": "text", "target": "number"}, folder / "model")


@pytest.mark.parametrize("pairs", [False, True])
def test_what_is_served_is_what_was_trained(
    pairs: bool, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts, and pairs of texts: the probe's start is better than the mean, and a row's bits do not depend on its
    neighbours.
    """
    contents = [
        text + (f"\n{other}" if pairs else "")
        for (text, _), (other, _) in zip(tiny.texts(56, 1), tiny.texts(56, 2), strict=True)
    ]
    labels = [100.0 + sum(word in tiny.FRUIT for word in content.split()) for content in contents]
    measured = finetuned(tmp_path, model, contents, labels, monkeypatch)
    assert measured["validation_pearson"] > 0.5
    predict = load_predictor(tmp_path / "model").predict
    found = predict(contents, 4)
    assert np.corrcoef(found.labels, labels)[0, 1] > 0.5
    assert np.mean(found.labels) == pytest.approx(np.mean(labels), abs=1)
    assert list(found.columns) == ["predicted", *LEVELS]
    assert (found.predictions[:, 1] < found.predictions[:, -1]).all()
    alone = np.concatenate([predict([content], 4).predictions for content in contents[:3]])
    assert alone.tobytes() == found.predictions[:3].tobytes()
