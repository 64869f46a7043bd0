"""Opinions about labels by other rows: the discriminant, the neighbours, the noise matrix and their mixture."""

import numpy as np
import numpy.typing as npt
import pytest

from stages.label_quality import discriminant, neighbours
from stages.label_quality.budget import affordable_share
from stages.label_quality.discriminant import Discriminant, Moments, fit_temperature
from stages.label_quality.neighbours import Voters
from stages.label_quality.noise import confident_joint, label_quality, noise_matrix, true_probabilities
from stages.label_quality.opinions import LabelledRows, Opinion, ask_training_rows
from stages.label_quality.zero_shot import ZeroShot

Ints = npt.NDArray[np.int64]


def clouds(truth: Ints, spread: float = 0.3, dim: int = 8) -> npt.NDArray[np.float32]:
    """(n_rows, dim): vectors of length 1 around the corner of each class."""
    vectors = np.random.default_rng(0).normal(0, spread, (len(truth), dim))
    vectors[np.arange(len(truth)), truth] += 1
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def names(n_rows: int) -> npt.NDArray[np.str_]:
    return np.array([f"{row:05d}" for row in range(n_rows)])


def asked(
    vectors: npt.NDArray[np.float32],
    classes: Ints,
    probe: npt.NDArray[np.float64],
    n_classes: int,
    descriptions: npt.NDArray[np.float32] | None = None,
) -> Ints:
    """(n_rows,): the rows, those with the worst label first."""
    rows = LabelledRows(vectors, classes, names(len(classes)), n_classes)
    folds = np.array([str(row % 5) for row in range(len(classes))])
    quality = ask_training_rows(rows, folds, probe, descriptions).opinions.about(classes).label_quality
    return np.argsort(quality, kind="stable")


def softmax_of(vectors: npt.NDArray[np.float32], n_classes: int, sharpness: float = 4) -> npt.NDArray[np.float64]:
    powers = np.exp(sharpness * vectors[:, :n_classes].astype(np.float64))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


# --- the discriminant ---


def test_the_discriminant_finds_the_nearest_cloud() -> None:
    truth = np.arange(300) % 3
    vectors = clouds(truth)
    fitted = Discriminant.fit(Moments.of(vectors, truth, 4))
    probabilities = np.exp(fitted.log_probabilities(vectors))
    assert (probabilities.argmax(axis=1) == truth).mean() > 0.95
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert probabilities[:, 3].max() < 1e-100  # a class without rows


def test_rows_that_are_all_equal_have_a_discriminant() -> None:
    vectors = np.ones((6, 4), dtype=np.float32) / 2
    fitted = Discriminant.fit(Moments.of(vectors, np.array([0, 0, 0, 0, 1, 1]), 2))
    assert np.exp(fitted.log_probabilities(vectors))[0] == pytest.approx([2 / 3, 1 / 3], abs=1e-3)


def test_the_temperature_cools_what_is_too_sure() -> None:
    classes = np.array([0] * 60 + [1] * 40)
    sure = np.log(np.tile([0.999, 0.001], (100, 1)))
    temperature = fit_temperature(sure, classes)
    powers = np.exp(sure[0] / temperature)
    assert powers / powers.sum() == pytest.approx([0.6, 0.4], abs=0.01)


# --- the neighbours ---


def test_the_neighbours_of_other_units_vote() -> None:
    """Row 0 has four equal rows in its own unit, and fifty near ones of another class."""
    vectors = np.tile(np.float32([1, 0]), (60, 1))
    vectors[55:] = [0, 1]
    classes = np.array([0] * 5 + [1] * 50 + [0] * 5)
    units = np.array(["one"] * 5 + [f"{row}" for row in range(55)])
    votes = Voters(vectors, classes, units).votes(vectors[:1], units[:1], np.array([0.5, 0.5]))
    assert votes.tolist() == [[0.25 / 50.5, 50.25 / 50.5]]


def test_a_row_without_neighbours_of_other_units_has_the_prior() -> None:
    voters = Voters(np.eye(2, dtype=np.float32), np.array([0, 1]), np.array(["one", "one"]))
    votes = voters.votes(np.eye(2, dtype=np.float32), np.array(["one", "one"]), np.array([0.9, 0.1]))
    assert votes == pytest.approx(np.array([[0.9, 0.1]] * 2))


def test_votes_do_not_depend_on_how_rows_are_batched(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.arange(90) % 3
    vectors, units = clouds(truth), names(90)
    voters = Voters(vectors, truth, units)
    whole = voters.votes(vectors, units, np.full(3, 1 / 3))
    monkeypatch.setattr(neighbours, "BATCH", 7)
    assert (voters.votes(vectors, units, np.full(3, 1 / 3)) == whole).all()


# --- the noise matrix ---


def test_the_joint_has_the_given_numbers_and_finds_who_takes_whom_for_whom() -> None:
    predictions = np.array([[0.9, 0.1]] * 6 + [[0.1, 0.9]] * 4)
    classes = np.array([0] * 4 + [1] * 2 + [1] * 4)  # two zeros are called one
    joint = confident_joint(predictions, classes)
    assert joint.sum(axis=0).tolist() == [4, 6]
    assert joint[0, 1] == pytest.approx(2)
    assert joint[1, 0] == 0


def test_rows_of_the_noise_matrix_add_up_to_one_and_rare_classes_are_like_the_others() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [2_000, 2_000, 3])
    classes = np.where((truth < 2) & (rng.random(len(truth)) < 0.2), 1 - truth.clip(max=1), truth)
    noise = noise_matrix(np.eye(3)[truth] * 0.94 + 0.02, classes)
    assert noise.sum(axis=1) == pytest.approx(1)
    assert np.diag(noise)[:2] == pytest.approx(0.8, abs=0.03)
    assert noise[2, 2] == pytest.approx(0.8, abs=0.03)  # its three rows are all right


def test_the_deconvolution_undoes_the_noise() -> None:
    noise = np.array([[0.9, 0.1], [0.45, 0.55]])
    truth = np.eye(2)
    found = true_probabilities(truth @ noise, noise)
    assert found.argmax(axis=1).tolist() == [0, 1]  # the predictions alone would say 0, 1 hardly
    assert found[1, 1] > 0.6 > (truth @ noise)[1, 1]


def test_a_label_that_the_truth_seldom_becomes_is_of_low_quality() -> None:
    noise = np.array([[0.7, 0.2, 0.1], [0.01, 0.98, 0.01], [0.01, 0.01, 0.98]])
    true = np.array([[0.8, 0.1, 0.1]] * 3)
    quality = label_quality(true, noise, np.array([0, 1, 2]))
    assert quality[0] > quality[2] and quality[0] > quality[1]
    assert quality[1] == pytest.approx(0.098 / (0.16 + 0.098 + 0.001))


# --- the mixture ---


def test_a_label_is_judged_even_if_no_row_is_surely_wrong() -> None:
    """If labels were never wrong, every given one would be the true one."""
    classes = np.arange(40) % 2
    predictions = np.where(np.eye(2, dtype=bool)[classes], 0.9, 0.1)
    predictions[0] = [0.45, 0.55]
    noise = noise_matrix(predictions, classes)
    assert confident_joint(predictions, classes).trace() == 40
    assert noise.sum(axis=1) == pytest.approx(1)
    quality = label_quality(true_probabilities(predictions, noise), noise, classes)
    assert quality[0] < quality[1:].min() - 0.01


def test_a_class_of_one_row_does_not_make_the_discriminant_unsure() -> None:
    """No other fold has its class, so no model could be right about it."""
    truth = np.append(np.arange(600) % 3, 3)
    rows = LabelledRows(clouds(truth), truth, names(601), 4)
    folds = np.array([str(row % 5) for row in range(601)])
    probe = np.full((601, 4), 0.25)
    without = ask_training_rows(rows.where(slice(600)), folds[:600], probe[:600]).model.temperature
    assert ask_training_rows(rows, folds, probe).model.temperature == pytest.approx(without, rel=0.05)


def test_classes_that_are_in_one_fold_each_are_no_error() -> None:
    truth = np.arange(60) % 3
    rows = LabelledRows(clouds(truth), truth, names(60), 3)
    probe = np.full((60, 3), 1 / 3)
    opinions = ask_training_rows(rows, truth.astype(str), probe).opinions
    assert np.isfinite(opinions.about(truth).label_quality).all()


def test_errors_that_people_make_alike_are_found_better_than_by_the_probe() -> None:
    """A third of class 0 is called 1. A probe that has learned this doubts none of them."""
    truth = np.arange(600) % 3
    vectors = clouds(truth, spread=0.25)
    wrong = (truth == 0) & (np.arange(600) % 9 < 3)
    classes = np.where(wrong, 1, truth)
    probe = softmax_of(vectors, 3)
    probe[truth == 0] = [0.5, 0.48, 0.02]
    worst = asked(vectors, classes, probe, 3)[: wrong.sum()]
    assert wrong[worst].mean() > 0.95


def test_descriptions_tell_classes_apart_that_labels_mix_up() -> None:
    """Half of classes 0 and 1 are called by the other's name: without descriptions nobody can tell which half."""
    truth = np.arange(900) % 3
    vectors = clouds(truth, spread=0.25)
    wrong = (truth < 2) & (np.random.default_rng(1).random(900) < 0.5)
    classes = np.where(wrong, 1 - truth, truth)
    probe = np.full((900, 3), [0.49, 0.49, 0.02])
    probe[truth == 2] = [0.01, 0.01, 0.98]
    corners = np.eye(3, vectors.shape[1], dtype=np.float32)
    without, described = (asked(vectors, classes, probe, 3, told)[: wrong.sum()] for told in (None, corners))
    assert wrong[without].mean() < 0.6
    assert wrong[described].mean() > 0.65


def test_labels_only_say_how_sure_descriptions_are() -> None:
    truth = np.arange(300) % 3
    vectors = clouds(truth)
    corners = np.eye(3, vectors.shape[1], dtype=np.float32)
    shuffled = np.random.default_rng(0).permutation(truth)
    sure, unsure = (ZeroShot.fit(corners, vectors, classes).probabilities(vectors) for classes in (truth, shuffled))
    for probabilities in (sure, unsure):
        assert probabilities.sum(axis=1) == pytest.approx(1)
        assert (probabilities.argmax(axis=1) == truth).mean() > 0.95
    assert sure.max(axis=1).mean() > 0.9
    assert unsure.max(axis=1).mean() < 0.5
    assert ZeroShot.fit(corners, vectors, np.zeros(300, dtype=np.int64)).probabilities(vectors)[:, 0].min() > 0.9


def test_moments_of_parts_add_up_to_those_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discriminant, "BATCH", 70)
    truth = np.arange(300) % 3
    vectors = clouds(truth)
    whole = Discriminant.fit(Moments.of(vectors, truth, 3))
    parts = [Moments.of(vectors[part], truth[part], 3) for part in (slice(100), slice(100, 100), slice(100, None))]
    of_parts = Discriminant.fit(Moments.sum(parts))
    assert of_parts.log_probabilities(vectors) == pytest.approx(whole.log_probabilities(vectors))
    means = np.stack([vectors[truth == number].mean(axis=0) for number in range(3)])
    scatter = np.cov((vectors - means[truth]).T, bias=True)
    shrunk = 0.9 * scatter + 0.1 * np.trace(scatter) / 8 * np.eye(8)
    assert whole.weights == pytest.approx(np.linalg.solve(shrunk, means.T).T, rel=1e-4)


def test_neighbours_are_not_asked_if_they_know_less_than_the_probe() -> None:
    truth = np.arange(300) % 3
    vectors = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = LabelledRows(vectors, truth, names(300), 3)
    folds = np.array([str(row % 5) for row in range(300)])
    knowing = np.eye(3)[truth] * 0.9 + 0.1 / 3
    assert not ask_training_rows(rows, folds, knowing).model.asks_neighbours
    assert ask_training_rows(rows, folds, np.full((300, 3), 1 / 3)).model.asks_neighbours


def test_other_rows_are_judged_as_training_rows_are() -> None:
    truth = np.arange(300) % 3
    vectors = clouds(truth)
    classes = np.where(np.arange(300) % 20 == 0, (truth + 1) % 3, truth)
    rows = LabelledRows(vectors, classes, names(300), 3)
    asked_rows = ask_training_rows(rows, np.array([str(row % 5) for row in range(300)]), softmax_of(vectors, 3))
    others = np.array([0, 1, 2, 1])
    vectors = clouds(np.array([0, 1, 2, 0]), spread=0.1)
    units = np.array(["a", "b", "c", "d"])
    opinion = asked_rows.model.opinions(rows, softmax_of(vectors, 3), vectors, units).about(others)
    assert opinion.true.argmax(axis=1).tolist() == [0, 1, 2, 0]
    assert opinion.label_quality[:3].min() > opinion.label_quality[3]


# --- the budget ---


def share_of(vectors: npt.NDArray[np.float32], classes: Ints, n_classes: int) -> float:
    rows = LabelledRows(vectors, classes, names(len(classes)), n_classes)
    folds = np.array([str(row % 5) for row in range(len(classes))])
    probe = softmax_of(vectors, n_classes)
    return affordable_share(rows, folds, ask_training_rows(rows, folds, probe).opinions.about(classes))


def test_random_errors_can_go() -> None:
    truth = np.arange(2_000) % 8
    flipped = np.where(np.arange(2_000) % 10 == 3, (truth + 3) % 8, truth)
    assert 0.075 <= share_of(clouds(truth, spread=0.1, dim=16), flipped, 8) <= 0.125


def test_rows_that_say_something_stay() -> None:
    """A tenth of each class is in a small cloud of its own: the worst rows by their quality, but only they know it."""
    truth = np.arange(2_000) % 8
    is_apart = np.arange(2_000) // 8 % 10 == 0
    vectors = clouds(np.where(is_apart, truth + 8, truth), spread=0.1, dim=16)
    assert share_of(vectors, truth, 8) < 0.05


def test_a_class_that_is_doubted_as_a_whole_does_not_go() -> None:
    """A twentieth of the rows are a class of their own. A model can do without half of them, or any other rows."""
    truth = np.where(np.arange(2_000) % 20 == 11, 7, np.arange(2_000) % 7)
    rows = LabelledRows(clouds(truth, spread=0.1, dim=16), truth, names(2_000), 8)
    folds = np.array([str(row // 20 % 5) for row in range(2_000)])
    suggested = np.eye(8)[np.where(np.arange(2_000) % 3 == 0, (truth + 1) % 8, truth)]  # a third are doubted

    def share(quality: npt.NDArray[np.float64]) -> float:
        return affordable_share(rows, folds, Opinion(suggested, quality))

    assert share(np.where(truth == 7, 0.0, 1.0)) == 0.025
    assert share(np.arange(2_000) / 2_000) == 0.2
