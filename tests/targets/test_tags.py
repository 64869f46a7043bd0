"""Tags as labels: valid in BIO on every way in and out, aligned with the first sub-word of each token, judged by token
and scored by entity.
"""

import itertools
import json
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from stages.contracts.objective import Conclusion
from stages.core.errors import InputError
from stages.core.tables import ragged
from stages.label_audit import predict_with_probe
from stages.targets.tags import audit as tags_audit
from stages.targets.tags import label as tags_label
from stages.targets.tags import score as tags_score
from stages.targets.tags.objective import NOT_LEARNED, Objective, best_sequence
from tests import tiny
from tests.samples.token_tags import COLUMNS, is_valid


def random_tags(n_rows: int, seed: int) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    return [
        tags_label.as_valid(rng.choice(COLUMNS, int(rng.integers(1, 9)), p=[0.4, 0.2, 0.15, 0.15, 0.1]).tolist())
        for _ in range(n_rows)
    ]


def sure(labels: Sequence[Sequence[str]], confidence: float = 0.9) -> Conclusion:
    """What a model says that is this sure of each of these tags."""
    rest = (1 - confidence) / (len(COLUMNS) - 1)
    rows = [np.array([[confidence if tag == column else rest for column in COLUMNS] for tag in row]) for row in labels]
    return Conclusion(labels, ragged(rows), COLUMNS)


# --- labels ---


def label_params(**changes: Any) -> tags_label.LabelParams:
    return tags_label.LabelParams(**{**tiny.CLEAN_NAMES, "on_invalid": "repair", **changes})


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("O I-fruit I-fruit", "O B-fruit I-fruit"),
        ("B-tool I-fruit I-tool", "B-tool B-fruit B-tool"),
        ("I-fruit B-fruit I-fruit", "B-fruit B-fruit I-fruit"),
    ],
)
def test_an_inside_that_continues_nothing_begins_an_entity_or_drops_its_row(raw: str, expected: str) -> None:
    found = tags_label.clean_label(raw, "one ripe fig", label_params())
    assert (found.label, found.repairs) == (expected.split(), ("invalid_tags",))
    assert tags_label.clean_label(raw, "one ripe fig", label_params(on_invalid="drop")).reason == "invalid_tags"
    assert tags_label.clean_label(expected, "one ripe fig", label_params(on_invalid="drop")).repairs == ()


def test_validity_is_that_of_the_types_that_stay() -> None:
    params = label_params(aliases={"Obst": "fruit"}, drop=["shop"], on_invalid="drop")
    assert tags_label.clean_label("B-fruit I-Obst O", "one ripe fig", params).label == ["B-fruit", "I-fruit", "O"]
    assert tags_label.clean_label("B-shop I-shop I-fruit", "one ripe fig", params).reason == "invalid_tags"


@pytest.mark.parametrize(
    "raw",
    [
        "O X-fruit O",
        "O B- O",
        "O fruit O",
        "o o o",
        "[1, 2, 3]",
        '["O", null, "O"]',
        '["O", ["O"], "O"]',
        "[" * 100_000,
        '["O"',
    ],
)
def test_what_is_no_tag_is_not_guessed(raw: str) -> None:
    assert tags_label.clean_label(raw, "one ripe fig", label_params()).reason == "invalid_tags"
    assert tags_label.names([raw]) == [("",)]


def test_a_long_row_is_cleaned_as_any_other() -> None:
    raw = json.dumps(["B-fruit", "I-fruit"] * 5_000)
    assert (
        tags_label.clean_label(raw, " ".join(["fig"] * 10_000), label_params()).label == ["B-fruit", "I-fruit"] * 5_000
    )


def test_rows_are_spread_by_their_entity_types() -> None:
    assert tags_label.strata([["O", "B-tool", "I-tool", "B-fruit"], ["O"], ["B-fruit"]]) == [
        ("fruit", "tool"),
        ("O",),
        ("fruit",),
    ]
    assert tags_label.names([None, "", '["O", "B-fruit"]', "O"]) == [("",), ("",), ("fruit",), ("O",)]


# --- the most probable tags ---


def test_best_sequence_is_the_best_of_all_that_are_valid() -> None:
    rng = np.random.default_rng(0)
    valid = [path for path in itertools.product(range(5), repeat=4) if is_valid([COLUMNS[number] for number in path])]
    assert 0 < len(valid) < 5**4
    for _ in range(200):
        scores = np.log(rng.dirichlet(np.ones(5), 4))
        best = max(valid, key=lambda path: sum(scores[token, number] for token, number in enumerate(path)))
        assert best_sequence(scores) == list(best)


def test_concluded_tags_are_valid_whatever_the_outputs() -> None:
    objective = Objective(COLUMNS)
    rng = np.random.default_rng(1)
    logits = ragged(
        [rng.normal(0, 5, (int(rng.integers(1, 20)), 5)).astype(np.float32) for _ in range(40)]
        + [np.array([[0, -99, 900, 0, 0]], np.float32)]
    )
    found = objective.conclude(objective.outputs(logits))
    assert all(is_valid(row) for row in found.labels)
    assert any(not is_valid([COLUMNS[number] for number in row.argmax(1)]) for row in found.predictions)
    assert found.labels[-1] == ["O"]
    assert all(row.sum(axis=1) == pytest.approx(np.ones(len(row))) for row in found.predictions)


def test_long_texts_are_concluded_fast() -> None:
    start = time.perf_counter()
    assert len(best_sequence(np.log(np.random.default_rng(0).dirichlet(np.ones(13), 50_000)))) == 50_000
    assert time.perf_counter() - start < 10


def test_what_cannot_be_learned_is_refused() -> None:
    with pytest.raises(InputError, match="training rows: every token has the tag O"):
        Objective.of([["O", "O"], ["O"]])
    objective = Objective.of([["I-tool"], ["B-fruit"], ["O"]])
    assert objective.columns == COLUMNS
    with pytest.raises(
        InputError,
        match=r"the entity type 'shop' occurs in validation but not in training; merge it with another type in "
        r"clean\.label\.aliases",
    ):
        objective.targets([["B-fruit"], ["O", "B-shop"]])


def test_the_curve_shows_f1_of_tags() -> None:
    targets = np.array([[1, 2, 0, NOT_LEARNED], [3, 0, 0, NOT_LEARNED]])
    predicted = np.array([[1, 0, 0, 1], [3, 3, 0, 1]])
    assert Objective(COLUMNS).measure(np.eye(5, dtype=np.float32)[predicted], targets) == pytest.approx(2 * 2 / (3 + 3))
    assert Objective(COLUMNS).measure(np.eye(5, dtype=np.float32)[targets * 0], targets * 0) == 0


# --- scores ---


def test_scores_are_those_of_seqeval() -> None:
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    given, predicted = random_tags(80, 1), random_tags(80, 1)
    for row, other in zip(predicted[::2], random_tags(80, 2)[::2], strict=True):
        row[:] = tags_label.as_valid((other * 9)[: len(row)])
    expected = classification_report(given, predicted, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
    found = tags_score.score(given, sure(predicted), 5)
    assert (found["precision"], found["recall"], found["f1"]) == pytest.approx(
        [expected["micro avg"][name] for name in ("precision", "recall", "f1-score")]
    )
    assert found["f1_macro"] == pytest.approx(expected["macro avg"]["f1-score"])
    assert [found["f1_of_fruit"], found["f1_of_tool"]] == pytest.approx(
        [expected[name]["f1-score"] for name in ("fruit", "tool")]
    )
    assert found["f1_low"] < found["f1"] < found["f1_high"]
    assert found["recall"] + sum(
        found[name] for name in ("wrong_type", "wrong_boundary", "wrong_both", "missed")
    ) == pytest.approx(1)


def test_kinds_of_errors_are_told_apart() -> None:
    pairs = [
        ("B-fruit I-fruit O", "B-fruit I-fruit O"),  # found
        ("B-fruit I-fruit O", "B-tool I-tool O"),  # wrong type
        ("B-fruit I-fruit O", "B-fruit O O"),  # wrong boundary
        ("B-fruit I-fruit O", "B-tool O O"),  # wrong both
        ("B-fruit I-fruit O", "O O B-fruit"),  # missed, and a spurious one
    ]
    given, predicted = ([row.split() for row in side] for side in zip(*pairs, strict=True))
    found = tags_score.score(given, sure(predicted), 5)
    assert [found[name] for name in ("recall", "wrong_type", "wrong_boundary", "wrong_both", "missed", "spurious")] == [
        0.2
    ] * 6
    confusion = tags_score.plots(given, sure(predicted), 5)["confusion"].value_counts().to_dict()
    assert confusion == {
        ("fruit", "fruit"): 1,
        ("fruit", "tool"): 1,
        ("fruit", "(none)"): 3,
        ("(none)", "fruit"): 2,
        ("(none)", "tool"): 1,
    }


def test_texts_without_entities_can_be_scored() -> None:
    nothing = [["O", "O"], ["O"]]
    found = tags_score.score(nothing, sure(nothing), 5)
    assert (found["f1"], found["token_accuracy"], found["spurious"]) == (0, 1, 0)
    assert found["calibration_error"] == pytest.approx(0.1)
    assert tags_score.plots(nothing, sure(nothing), 5)["confusion"].to_numpy().tolist() == [["(none)", "(none)"]]


def test_the_interval_narrows_with_rows() -> None:
    counts = np.random.default_rng(0).integers(0, 3, (400, 3))
    counts[:, 0] = counts.min(axis=1)
    few, many = (np.subtract(*tags_score.f1_interval(rows)[::-1]) for rows in (counts[:40], counts))
    assert 2 < few / many < 5
    assert tags_score.f1_interval(counts) == tags_score.f1_interval(counts)


# --- the audit ---


def test_planted_wrong_tags_are_found() -> None:
    """Types, boundaries and whole entities that are wrong, among tokens from which a probe can tell the tag."""
    rng = np.random.default_rng(0)
    truth = random_tags(400, 3)
    vectors = ragged(
        [
            np.eye(6, dtype=np.float32)[[COLUMNS.index(tag) for tag in row]]
            + rng.normal(0, 0.15, (len(row), 6)).astype(np.float32)
            for row in truth
        ]
    )
    given = [list(row) for row in truth]
    planted = [row for row in range(400) if "B-fruit" in given[row]][:20]
    for number, row in enumerate(planted):
        place = given[row].index("B-fruit")
        given[row] = tags_label.as_valid(
            [("O", "B-tool")[number % 2] if token == place else tag for token, tag in enumerate(given[row])]
        )
    objective = Objective.of(given)
    halves = np.arange(400) % 2 == 0
    outputs = np.empty(400, dtype=object)
    for half in (halves, ~halves):
        learned = [row for row, inside in zip(given, half, strict=True) if inside]
        outputs[~half] = predict_with_probe(objective, learned, vectors[half], vectors[~half], 10.0)
    judged = tags_audit.audit(given, objective.conclude(outputs))
    assert set(planted) <= set(np.flatnonzero(judged.is_label_issue))
    assert set(np.argsort(judged.label_quality)[:20]) == set(planted)
    assert sum(judged.suggested[row] == truth[row] for row in planted) >= 19
    assert all(is_valid(row) for row in judged.suggested)
    unflagged = np.flatnonzero(~judged.is_label_issue)
    assert [judged.suggested[row] for row in unflagged] == [given[row] for row in unflagged]


def test_common_types_weigh_less() -> None:
    """Of 4 tokens O and 1 of fruit, a probe says: as likely the one as the other, or O for sure."""
    numbers = [np.array([0, 0, 0, 0, 1])]
    even, surely = ([0.5, 0.3, 0.2], [1.0, 0.0, 0.0])
    (found,) = tags_audit.type_confidence(numbers, ragged([np.array([surely, surely, surely, even, even])]))
    assert found == pytest.approx([1, 1, 1, 1 / 3, 2 / 3])
