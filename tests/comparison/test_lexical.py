"""The baseline of texts that needs no encoder."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages.comparison import lexical
from stages.comparison.lexical import lexical_baseline
from stages.contracts.baseline import load_baseline
from stages.contracts.objective import Conclusion, load_objective
from stages.core import paths
from stages.core.tables import write_tables
from stages.modalities.text.baseline import MAX_CHARS, features
from tests import tiny

pytestmark = pytest.mark.usefixtures("workplace")


def predicted(target: str, train: Sequence[tuple[str, Any]], test: Sequence[tuple[str, Any]]) -> Conclusion:
    """For the rows of `test`, which are the validation rows too."""
    write(paths.TRAIN, train)
    for folder in paths.HELD_OUT.values():
        write(folder, test)
    found = lexical_baseline(load_baseline("text"), load_objective(target))
    assert found is not None
    return found


def write(folder: Any, rows: Sequence[tuple[str, Any]], copy: int = 0, weights: Sequence[float] = ()) -> None:
    """Ids are in the order of the contents; all rows weigh 1 by default."""
    order = {row[0]: number for number, row in enumerate(sorted(rows))}
    columns = {
        "id": [f"{order[text]:032x}" for text, _ in rows],
        "content": [text for text, _ in rows],
        "label": [label for _, label in rows],
        "copy": [copy] * len(rows),
        "weight": list(weights) or [1.0] * len(rows),
    }
    write_tables(folder, [pa.table(columns)])


def test_words_decide_and_the_order_of_rows_does_not() -> None:
    train, test = tiny.texts(60, 1), sorted(tiny.texts(20, 2))
    found = predicted("category", train, test)
    assert found.labels == [label for _, label in test]
    again = predicted("category", train[::-1], test[::-1])
    assert again.predictions.tobytes() == found.predictions.tobytes()


def test_rows_without_weight_are_not_learned() -> None:
    train, test = tiny.texts(40, 1), sorted(tiny.texts(10, 2))
    wrong = [(f"{text} again", "tool" if label == "fruit" else "fruit") for text, label in train for _ in "ab"]
    write(paths.TRAIN, [*train, *wrong], weights=[1.0] * len(train) + [1e-9] * len(wrong))
    for folder in paths.HELD_OUT.values():
        write(folder, test)
    found = lexical_baseline(load_baseline("text"), load_objective("category"))
    assert found is not None
    assert found.labels == [label for _, label in test]


def test_augmented_copies_are_not_learned() -> None:
    train, test = tiny.texts(40, 1), sorted(tiny.texts(10, 2))
    found = predicted("category", train, test)
    rows = pa.table(
        {
            "id": [f"{number:032x}" for number in range(40)] * 2,
            "content": [text for text, _ in sorted(train)] + ["anvil bolt chisel"] * 40,
            "label": [label for _, label in sorted(train)] + ["fruit"] * 40,
            "copy": [0] * 40 + [1] * 40,
            "weight": [1.0] * 80,
        }
    )
    write_tables(paths.TRAIN, [rows])
    again = lexical_baseline(load_baseline("text"), load_objective("category"))
    assert again is not None
    assert again.predictions.tobytes() == found.predictions.tobytes()


def test_a_language_without_spaces() -> None:
    good, bad = ["好吃", "很快", "喜欢", "新鲜"], ["难吃", "太慢", "讨厌", "变质"]
    fillers = ["今天的外卖", "这家店", "米饭和菜", "服务员"]
    rows = []
    for words, label in ((good, "good"), (bad, "bad")):
        rows += [
            (filler + one + other, label) for filler in fillers for one in words for other in words if one != other
        ]
    train, test = rows[::2], sorted(rows[1::2])
    labels = [label for _, label in test]
    assert (
        np.mean([one == other for one, other in zip(predicted("category", train, test).labels, labels, strict=True)])
        > 0.9
    )


def test_several_labels_and_numbers() -> None:
    rows = tiny.texts(80, 3)
    lists = [(text, [label, "long"] if len(text) > 60 else [label]) for text, label in rows]
    found = predicted("categories", lists[:60], sorted(lists[60:]))
    assert [("fruit" in labels, "tool" in labels) for labels in found.labels] == [
        ("fruit" in labels, "tool" in labels) for _, labels in sorted(lists[60:])
    ]
    numbers = [(text, 5.0 if label == "fruit" else 1.0) for text, label in rows]
    concluded = predicted("number", numbers[:60], sorted(numbers[60:]))
    assert np.corrcoef(concluded.labels, [number for _, number in sorted(numbers[60:])])[0, 1] > 0.9
    assert list(concluded.columns)[:2] == ["predicted", "q05"]


def test_pairs_are_compared_with_each_other() -> None:
    """Alike or not: no single word tells, only whether the sides share words."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(300):
        first, other = (" ".join(rng.choice(tiny.FRUIT + tiny.TOOLS, 5, replace=False)) for _ in range(2))
        rows.append((f"{first}\n{first if number % 2 else other}", "same" if number % 2 else "other"))
    found = predicted("category", rows[:200], sorted(rows[200:]))
    right = [one == other for one, (_, other) in zip(found.labels, sorted(rows[200:]), strict=True)]
    assert np.mean(right) > 0.9


@pytest.mark.parametrize("texts", [["!!!", "?"], ["😀", "😀😀"], ["a", "b"], ["\u200d", "x"], ["1", "\n2"]])
def test_texts_without_a_word(texts: list[str]) -> None:
    train, others = features(texts, ["never seen", texts[0]], 100)
    assert train.shape[0] == others.shape[0] == 2
    assert np.isfinite(train.toarray()).all()
    assert np.isfinite(others.toarray()).all()


def test_the_number_of_features_and_the_length_of_texts_are_bounded() -> None:
    texts = [" ".join(f"w{number * 7 + word}" for word in range(50)) for number in range(20)]
    train, _ = features(texts, texts, 30)
    assert train.shape == (20, 60)  # words and characters
    long = ["a b c " * MAX_CHARS, "c d"]
    cut, _ = features([text[:MAX_CHARS] for text in long], long, 100)
    assert (features(long, long, 100)[0] != cut).nnz == 0


def test_a_class_that_is_not_among_the_rows_it_is_fitted_on_is_still_one(monkeypatch: pytest.MonkeyPatch) -> None:
    train = [*tiny.texts(40, 1), ("zzz the last of all", "rare")]
    monkeypatch.setattr(lexical, "MAX_ROWS", 40)
    found = predicted("category", train, sorted(tiny.texts(10, 2)))
    assert found.columns == ["fruit", "rare", "tool"]
    assert (found.predictions[:, 1] < 1e-6).all()


def test_images_and_sounds_have_none() -> None:
    for modality in ("image", "audio"):
        assert load_baseline(modality).features is None
        assert lexical_baseline(load_baseline(modality), load_objective("category")) is None
