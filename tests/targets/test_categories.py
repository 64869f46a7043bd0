"""Several categories as label: cleaned as a list, spread a class at a time, judged by their worst, concluded by a
threshold a class.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import torch
from scipy.special import expit
from sklearn import metrics

from stages.contracts.label import load_target
from stages.core.errors import InputError
from stages.label_audit import TargetParts, audit
from stages.label_quality.policy import check_classes
from stages.split import check_labels
from stages.splits.stratify import deal
from stages.targets._probe import fit_one_vs_rest
from stages.targets.categories import audit as categories_audit
from stages.targets.categories import label as categories_label
from stages.targets.categories.label import LabelParams
from stages.targets.categories.objective import Objective, ObjectiveParams, best_thresholds, multi_hot
from tests import tiny
from tests.rows import audit_params
from tests.samples.name_lists import NAMES, as_labels, concluded, tastes


def vectors_of(found: npt.NDArray[np.bool_], noise: float = 0.1, seed: int = 0) -> npt.NDArray[np.float32]:
    """A direction for each class, and noise."""
    vectors = np.hstack([found - 0.5, np.ones((len(found), 1))]) + np.random.default_rng(seed).normal(
        0, noise, (len(found), len(NAMES) + 1)
    )
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


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


def test_no_class_is_called_as_rows_without_one_are() -> None:
    params = LabelParams(**tiny.CLEAN_NAMES)
    with pytest.raises(InputError, match=r"3 rows with the label '\(none\)', .*rename it in clean\.label\.aliases"):
        categories_label.check({'["(none)", "fruit"]': 3, "[]": 5, '["fruit"]': 60}, params)
    renamed = LabelParams(**tiny.CLEAN_NAMES | {"aliases": {"(none)": "no"}})
    assert not categories_label.check({'["(none)", "fruit"]': 3, "[]": 5, '["fruit"]': 60}, renamed)


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
    with pytest.raises(InputError, match=r"labels without a row in train: 'sweet' \(1 of 1 rows are kept\)"):
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
        match=r"the label 'bitter' occurs in validation but not in training; merge it with another label in "
        r"clean\.label\.aliases",
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


def planted(
    count: int = 600,
) -> tuple[pd.DataFrame, npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows for the audit, their vectors, their true labels, and which training rows have one class too many or too
    few.
    """
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
    rows = rows.assign(collected_label=rows["label"], was_wrong=False, has_source_label=True, note=None)
    return rows, vectors_of(truth), truth, wrong


def test_planted_label_errors_are_found_and_mended() -> None:
    rows, vectors, truth, wrong = planted()
    verdicts = audit(
        rows,
        vectors,
        TargetParts.load("categories"),
        audit_params("categories", C=10.0, policy="relabel", max_share=1.0),
    ).verdicts.to_pandas()
    issues = verdicts["is_label_issue"].to_numpy()
    assert issues[wrong].mean() > 0.9
    assert issues[~wrong].mean() < 0.02
    assert metrics.average_precision_score(wrong, -verdicts["label_quality"]) > 0.95
    mended = multi_hot([list(label) for label in verdicts["label"]], NAMES)
    assert (mended[wrong] == truth[wrong]).all(axis=1).mean() > 0.9
    assert (verdicts["label"].map(list) == verdicts["given_label"].map(list))[verdicts["split"] == "test"].all()
    dropped = audit(
        rows, vectors, TargetParts.load("categories"), audit_params("categories", C=10.0, policy="drop", max_share=1.0)
    ).verdicts.to_pandas()
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
