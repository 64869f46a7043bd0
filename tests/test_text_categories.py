"""Several categories as label: cleaned as a list, spread a class at a time, judged by their worst, concluded by a threshold a class."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
import torch
from scipy.special import expit
from sklearn import metrics

from stages.contracts.label import load_target
from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.label_audit import Params, TargetParts, audit, check_classes
from stages.split import check_labels
from stages.splits.stratify import deal
from stages.targets._probe import fit_one_vs_rest
from stages.targets.categories import audit as categories_audit
from stages.targets.categories import label as categories_label
from stages.targets.categories import score as categories_score
from stages.targets.categories.label import LabelParams
from stages.targets.categories.objective import Objective, ObjectiveParams, best_thresholds, multi_hot
from tests import tiny

NAMES = ["acid", "bitter", "hot", "salty", "sweet"]


def tastes(count: int, seed: int = 0, rates: tuple[float, ...] = (0.5, 0.3, 0.2, 0.1, 0.03)) -> npt.NDArray[np.bool_]:
    return np.random.default_rng(seed).random((count, len(rates))) < np.array(rates)


def as_labels(found: npt.NDArray[np.bool_]) -> list[list[str]]:
    return [[name for name, has in zip(NAMES, row, strict=True) if has] for row in found]


def vectors_of(found: npt.NDArray[np.bool_], noise: float = 0.1, seed: int = 0) -> npt.NDArray[np.float32]:
    """A direction for each class, and noise."""
    vectors = np.hstack([found - 0.5, np.ones((len(found), 1))]) + np.random.default_rng(seed).normal(
        0, noise, (len(found), len(NAMES) + 1)
    )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def concluded(probabilities: npt.NDArray[np.float64]) -> Conclusion:
    """With thresholds of 0.5."""
    return Objective(NAMES, thresholds=[0.5] * len(NAMES)).conclude(probabilities)


# --- labels ---


@pytest.mark.parametrize(
    ("raw", "label", "reason"),
    [
        (None, None, "missing_label"),
        ("[]", [], None),  # none of the classes: a label like any other
        ('["sweet", "acid", "sweet"]', ["acid", "sweet"], None),
        ('["Sour ", "acid"]', ["acid"], None),
        ('["?", "hot"]', ["hot"], None),
        ('["?"]', None, "unwanted_label"),
        ("hot, sweet", None, "not_a_list"),
        ('{"hot": 1}', None, "not_a_list"),
        ("[1, 2]", None, "not_a_list"),
        ("[", None, "not_a_list"),
    ],
)
def test_a_label_is_a_list_of_names(raw: str | None, label: list[str] | None, reason: str | None) -> None:
    found = categories_label.clean_label(
        raw, None, LabelParams(**tiny.CLEAN_NAMES | {"aliases": {"Sour": "acid"}, "drop": ["?"]})
    )
    assert (found.label, found.reason) == (label, reason)


def test_what_a_row_counts_as_in_the_balance_of_classes() -> None:
    assert categories_label.names([["hot"], [], '["b", "a"]', "[]", None, "hot"]) == [
        ("hot",),
        ("(none)",),
        ("b", "a"),
        ("(none)",),
        ("",),
        ("hot",),
    ]


# --- strata ---


@pytest.mark.parametrize(
    "shares", [{"train": 0.7, "validation": 0.15, "test": 0.15}, {str(fold): 0.2 for fold in range(5)}]
)
def test_every_class_is_spread_evenly(shares: dict[str, float]) -> None:
    found = tastes(1_000)
    strata = categories_label.strata(as_labels(found))
    parts = deal([f"{row:04d}" for row in range(len(found))], strata, shares, seed=1)
    by_chance = np.random.default_rng(0).choice(list(shares), len(found), p=list(shares.values()))
    columns = np.hstack([found, ~found.any(axis=1, keepdims=True)])

    def gaps(dealt: npt.NDArray[np.str_]) -> npt.NDArray[np.float64]:
        return np.abs(
            np.array(
                [columns[dealt == part].sum(axis=0) - share * columns.sum(axis=0) for part, share in shares.items()]
            )
        )

    assert gaps(parts).max() < 2
    assert gaps(parts).mean() < gaps(by_chance).mean() / 5
    for part, share in shares.items():  # and rows with many classes do not crowd in the largest part
        assert (parts == part).mean() == pytest.approx(share, abs=0.01)
        assert found[parts == part].sum(axis=1).mean() == pytest.approx(found.sum(axis=1).mean(), abs=0.05)


def test_every_class_must_be_learned_but_none_of_them_need_not() -> None:
    split = np.array(["train", "train", "validation", "test"])
    check_labels(split, categories_label.strata([["hot"], ["hot"], ["hot"], ["hot"]]), False, True)
    check_labels(split, categories_label.strata([["hot"], ["hot"], ["hot"], []]), True, True)
    with pytest.raises(InputError, match=r"no row falls into train: 'sweet' \(1 of 1 rows left\)"):
        check_labels(split, categories_label.strata([["hot"], ["hot"], ["hot", "sweet"], ["hot"]]), True, True)


# --- thresholds and the loss ---


def test_thresholds_give_the_best_f1_of_each_class() -> None:
    rng = np.random.default_rng(0)
    for seed in range(20):
        given = tastes(40, seed)
        probabilities = np.round(np.where(given, 0.6, 0.3) + rng.normal(0, 0.2, given.shape), 1).clip(
            0, 1
        )  # many rows share one
        thresholds, scores = best_thresholds(probabilities, given)
        for number in np.flatnonzero(given.any(axis=0)):
            cuts = np.unique(probabilities[:, number])
            best = max(metrics.f1_score(given[:, number], probabilities[:, number] >= cut) for cut in cuts if cut > 0)
            assert scores[number] == pytest.approx(best)
            assert metrics.f1_score(given[:, number], probabilities[:, number] >= thresholds[number]) == pytest.approx(
                best
            )


def test_a_class_without_rows_has_the_threshold_one_half() -> None:
    given = tastes(30, rates=(0.5, 0.5, 0.0, 0.5, 0.5))
    thresholds, scores = best_thresholds(np.random.default_rng(0).random(given.shape), given)
    assert (thresholds[2], scores[2]) == (0.5, 0.0)
    alike, _ = best_thresholds(np.full((30, 1), 0.2), given[:, :1])  # no threshold tells these rows apart
    assert 0 < alike[0] <= 0.2


def test_labels_are_what_reaches_its_threshold() -> None:
    objective = Objective(["hot", "sweet"], thresholds=[0.2, 0.8])
    probabilities = np.array([[0.2, 0.79], [0.19, 0.8], [0.9, 0.9], [0.0, 0.0]])
    assert objective.conclude(probabilities).labels == [["hot"], ["sweet"], ["hot", "sweet"], []]


@pytest.mark.parametrize(("power", "weights"), [(0.0, [1.0, 1.0]), (0.5, [1.0, 3.0]), (1.0, [1.0, 9.0])])
def test_rare_classes_weigh_more_in_the_loss(power: float, weights: list[float]) -> None:
    labels = [["hot", "sweet"], *[["hot"]] * 4, *[[]] * 5]
    objective = Objective.of(labels, ObjectiveParams(positive_weight=power))
    assert list(objective.positive_weights) == weights
    logits, targets = torch.randn(10, 2, generator=torch.manual_seed(0)), torch.tensor(objective.targets(labels))
    chances = torch.sigmoid(logits)
    expected = -(torch.tensor(weights) * targets * chances.log() + (1 - targets) * (1 - chances).log()).mean()
    assert objective.loss({"logits": logits}, targets).item() == pytest.approx(expected.item())


def test_the_curve_shows_what_tuned_thresholds_reach() -> None:
    given = tastes(60)
    logits = (np.where(given, 1.0, -2.0) + np.random.default_rng(1).normal(0, 2, given.shape)).astype(np.float32)
    objective = Objective.of(as_labels(given))
    labels = objective.tuned(as_labels(given), objective.outputs(logits)).conclude(objective.outputs(logits)).labels
    assert objective.measure(logits, given.astype(np.float32)) == pytest.approx(
        metrics.f1_score(given, multi_hot(labels, NAMES), average="macro")
    )


def test_labels_that_cannot_be_learned() -> None:
    with pytest.raises(InputError, match=r"training rows: none of them has a label; see clean\.label\.drop"):
        Objective.of([[], []])
    with pytest.raises(
        InputError,
        match=r"the label 'bitter' occurs in validation but not in training; merge it with another label in clean\.label\.aliases",
    ):
        Objective.of([["hot"], ["sweet"]]).targets([["hot", "bitter"]])


def test_a_probe_of_classes_that_all_rows_have_or_none() -> None:
    given = np.array([[True, False, True], [True, False, False], [True, False, True], [True, False, False]])
    vectors = np.eye(4, 3, dtype=np.float32)
    found = probabilities_of_probe(vectors, given, [1.0] * 3)
    assert found[:, 0].min() > 0.999
    assert found[:, 1].max() < 0.001
    assert 0.01 < found[:, 2].min() < found[:, 2].max() < 0.99
    even = probabilities_of_probe(vectors_of(tastes(200)), tastes(200), [1.0] * 5)
    lifted = probabilities_of_probe(vectors_of(tastes(200)), tastes(200), [9.0] * 5)
    assert (lifted.mean(axis=0) > even.mean(axis=0)).all()


def probabilities_of_probe(
    vectors: npt.NDArray[np.float32], given: npt.NDArray[np.bool_], positive_weights: Sequence[float]
) -> npt.NDArray[np.float64]:
    probe = fit_one_vs_rest(vectors, given, 1.0, positive_weights)
    return np.asarray(expit(vectors @ probe.weights.T + probe.bias))


# --- planted label errors ---


def audit_params(policy: str, max_quality: float = 1.0) -> Params:
    section = {"folds": 5, "C": 10.0, "policy": policy, "max_quality": max_quality}
    return Params.model_validate({"target": "categories", "seed": 1, "label_audit": section})


def planted(
    count: int = 600,
) -> tuple[pd.DataFrame, npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows for the audit, their vectors, their true labels, and which training rows have one class too many or too few."""
    truth = tastes(count, rates=(0.4, 0.4, 0.3, 0.3, 0.2))
    given = truth.copy()
    wrong = np.zeros(count, dtype=np.bool_)
    wrong[5 : count * 4 // 5 : 10] = True
    given[wrong, np.arange(wrong.sum()) % len(NAMES)] ^= True
    split = np.where(np.arange(count) < count * 4 // 5, "train", "test")
    ids = [f"{row:04d}" for row in range(count)]
    rows = pd.DataFrame(
        {"id": ids, "label": as_labels(given), "split": split, "unit": ids, "reviewed": False, "reason": None}
    )
    return rows, vectors_of(truth), truth, wrong


def test_planted_label_errors_are_found_and_mended() -> None:
    rows, vectors, truth, wrong = planted()
    verdicts = audit(rows, vectors, TargetParts.load("categories"), audit_params("relabel")).to_pandas()
    issues = verdicts["is_label_issue"].to_numpy()
    assert issues[wrong].mean() > 0.9
    assert issues[~wrong].mean() < 0.02
    assert metrics.average_precision_score(wrong, -verdicts["label_quality"]) > 0.95
    mended = multi_hot([list(label) for label in verdicts["label"]], NAMES)
    assert (mended[wrong] == truth[wrong]).all(axis=1).mean() > 0.9
    assert (verdicts["label"].map(list) == verdicts["given_label"].map(list))[verdicts["split"] == "test"].all()
    dropped = audit(rows, vectors, TargetParts.load("categories"), audit_params("drop")).to_pandas()
    assert (~dropped["keep"].to_numpy() == issues & (rows["split"] == "train").to_numpy()).all()


def test_the_policy_leaves_rows_of_every_class_but_may_drop_all_that_have_none() -> None:
    judged = pd.DataFrame(
        {"given_label": [["hot"], ["sweet"], []], "label": [["hot"], ["sweet"], []], "keep": [True, True, False]}
    )
    check_classes(judged, load_target("categories"))
    with pytest.raises(InputError, match="no training row with the label 'sweet'"):
        check_classes(judged.assign(keep=[True, False, False]), load_target("categories"))


def test_a_row_is_worth_as_much_as_its_worst_answer() -> None:
    """Half of the rows have each class, so that no answer is the rarer one."""
    probabilities = np.full((4, 5), 0.5)
    probabilities[0, :2], probabilities[1, :2] = [0.8, 0.1], [0.95, 0.3]
    judged = categories_audit.audit(
        [["acid", "bitter"], ["bitter"], ["acid", *NAMES[2:]], NAMES[2:]], concluded(probabilities)
    )
    assert judged.label_quality == pytest.approx([0.1, 0.05, 0.5, 0.5])


def test_rare_classes_are_not_the_worst_for_being_rare() -> None:
    given = np.arange(1_000)[:, None] < [10, 500]
    probabilities = np.where(given, [0.05, 0.9], [0.01, 0.1])
    quality = categories_audit.answer_quality(given, probabilities)
    assert quality[0] == pytest.approx([0.83, 0.9], abs=0.01)  # 0.05 is a lot, where one row of a hundred has the class
    assert quality[999] == pytest.approx([0.99, 0.9])
    assert categories_audit.answer_quality(given[:1], probabilities[:1]).min() > 0


# --- metrics ---


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


# --- training and serving ---


@pytest.mark.parametrize("pooling", ["mean", "model"])
def test_what_is_served_is_what_was_trained(pooling: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the saved folder come the labels that the model in memory gave on validation, by the thresholds that were tuned there."""
    from stages.tasks.text_categories.learn import FinetuneParams, finetune, predict

    monkeypatch.chdir(tmp_path)
    tiny.write_text_model(tmp_path / "tiny")
    own = {
        "max_length": 32,
        "pooling": pooling,
        "head_init": "probe" if pooling == "mean" else "random",
        "probe_C": 1.0,
        "frozen_layers": 0,
    }
    section = SimpleNamespace(
        weight_decay=0.0, warmup=0.0, patience=5, of=lambda _: FinetuneParams(**own, dropout=0.0, positive_weight=0.5)
    )
    params = SimpleNamespace(model=str(tmp_path / "tiny"), lr=1e-3, epochs=2, batch_size=8, seed=0, finetune=section)
    pairs = zip(tiny.texts(60, 1), tiny.texts(60, 9)[::-1], strict=True)
    contents = [text + (f" {other}" if number % 3 else "") for number, ((text, _), (other, _)) in enumerate(pairs)]
    labels = [
        [name for name, words in (("fruit", tiny.FRUIT), ("tool", tiny.TOOLS)) if {*words} & {*text.split()}]
        for text in contents
    ]
    rows = pa.table({"content": contents, "label": labels, "copy": pa.array([0] * len(labels), pa.int32())})
    (tmp_path / "model").mkdir()
    measured = finetune(rows[20:], rows[:20], params, {"modality": "text"}, tmp_path / "model")
    found = predict(tmp_path / "model", contents, 4)
    given = multi_hot(labels, found.columns)
    assert metrics.f1_score(given[:20], multi_hot(found.labels[:20], found.columns), average="macro") == pytest.approx(
        measured["validation_f1_macro"]
    )
    assert pooling == "model" or measured["validation_f1_macro"] > 0.7
    thresholds = json.loads((tmp_path / "model/whetstone.json").read_text())["thresholds"]
    assert thresholds == pytest.approx(best_thresholds(found.predictions[:20], given[:20])[0])
    alone = [predict(tmp_path / "model", [content], 4) for content in contents[:3]]
    assert np.concatenate([one.predictions for one in alone]).tobytes() == found.predictions[:3].tobytes()
    assert [one.labels[0] for one in alone] == found.labels[:3]
