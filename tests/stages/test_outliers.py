"""Rows unlike all others are outliers; rows unlike their class are reported."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages import outliers

pytestmark = pytest.mark.usefixtures("workplace")


def judge(
    vectors: np.ndarray, names: Sequence[str] = (), classes: Sequence[str] = (), parts: int = 1, **section: Any
) -> pd.DataFrame:
    """The verdict on every row by id; the vectors come in `parts`."""
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = np.array(names or [f"{number:04d}" for number in range(len(vectors))], dtype=object)
    own = {row: (name,) for row, name in zip(ids, classes or ["fruit"] * len(ids), strict=True)}
    pieces = list(zip(np.array_split(ids, parts), np.array_split(vectors, parts), strict=True))
    return outliers.find_outliers(
        own, lambda: pieces, outliers.Section(**{"neighbours": 5, "threshold": 3.5, **section})
    ).set_index("id")


def cloud(n_rows: int, seed: int = 0, dim: int = 16, spread: float = 0.2) -> np.ndarray:
    """(n_rows, dim), around the first axis."""
    return np.eye(dim)[0] + np.random.default_rng(seed).normal(0, spread, (n_rows, dim))


def test_the_car_among_the_fruit() -> None:
    names = ["apple", "pear", "plum", "cherry", "car", "lemon", "mango", "quince"]
    vectors = np.array([[1, 0], [0.99, 0.1], [0.98, -0.1], [0.99, 0.05], [0, 1], [1, 0.02], [0.97, 0.12], [0.98, 0.08]])
    found = judge(vectors, names)
    assert found["reason"].dropna().to_dict() == {"car": "far_from_all"}
    assert found.index[~found["keep"]].tolist() == ["car"]
    assert found["score"].idxmax() == "car"
    assert found.loc["apple", "nearest"] == "lemon"


def test_the_order_and_the_parts_of_rows_do_not_matter() -> None:
    vectors, order = cloud(300), np.random.default_rng(1).permutation(300)
    found = judge(vectors)
    again = judge(vectors[order], [f"{number:04d}" for number in order], parts=7)
    assert again.sort_index().equals(found)


def test_clean_rows_are_no_outliers_and_scores_compare_between_data_sets() -> None:
    narrow, wide = judge(cloud(1000), neighbours=30), judge(cloud(1000, spread=0.5), neighbours=30)
    assert narrow["keep"].mean() > 0.985
    assert wide["keep"].mean() > 0.985
    assert abs(narrow["score"].quantile(0.99) - wide["score"].quantile(0.99)) < 0.5


@pytest.mark.parametrize(("neighbours", "found"), [(5, 0), (15, 10)])
def test_members_of_a_small_group_vouch_for_each_other_unless_k_is_larger(neighbours: int, found: int) -> None:
    group = np.eye(16)[1] + np.random.default_rng(1).normal(0, 0.02, (10, 16))
    assert (~judge(np.vstack([cloud(300), group]), neighbours=neighbours)["keep"][300:]).sum() == found


def test_rows_that_say_the_same_are_no_outliers_and_hide_none() -> None:
    same = np.repeat(np.eye(4)[:1], 200, axis=0)
    assert judge(same)["keep"].all()
    assert judge(np.vstack([same, [[1, 0.01, 0, 0]]]))["keep"].all()  # a difference that is none
    found = judge(np.vstack([same, np.eye(4)[1:2]]))
    assert found.index[~found["keep"]].tolist() == ["0200"]
    assert found.loc["0000", "nearest"] == "0001"
    assert found.loc["0007", "nearest"] == "0000"  # of equally near ones the first


def test_many_rows_are_compared_with_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.vstack([cloud(600), np.eye(16)[1:2]])
    monkeypatch.setattr(outliers, "SAMPLE", 100)
    found = judge(vectors, neighbours=10, parts=3)
    assert not found.loc["0600", "keep"]
    assert (~found["keep"]).sum() < 5
    assert set(found["nearest"]) <= set(found.index[:100])
    assert (found["nearest"] != found.index).all()


def test_a_row_far_from_its_class_is_reported_and_stays() -> None:
    corners = np.eye(16)[:2]
    vectors = np.repeat(corners, 60, axis=0) + np.random.default_rng(0).normal(0, 0.1, (120, 16))
    classes = ["fruit"] * 60 + ["tool"] * 60
    classes[7] = "tool"
    found = judge(vectors, classes=classes)
    assert found["class_score"].idxmax() == "0007"
    assert found.loc["0007", "class_score"] > 10
    assert found.index[found["far_from_class"]].tolist() == ["0007"]
    assert found.loc["0007", "class_nearest"] >= "0060"
    assert found["keep"].all()
    assert found[["score", "keep"]].equals(judge(vectors)[["score", "keep"]])  # whatever the labels


def test_the_scale_of_a_small_class_is_shrunk_towards_that_of_all() -> None:
    tool = np.eye(16)[1]
    vectors = np.vstack([cloud(200), np.repeat([tool], 5, axis=0), [tool + 0.8 * np.eye(16)[3]], np.eye(16)[2:3]])
    found = judge(vectors, classes=["fruit"] * 200 + ["tool"] * 6 + ["book"], threshold=None)
    assert found.loc["0205", "class_score"] < 3.5  # by the spread of its own six it would lie far off
    assert pd.isna(found.loc["0206", "class_score"])  # none of its class to compare with
    assert pd.isna(found.loc["0206", "class_nearest"])


def test_of_several_classes_that_counts_which_a_row_fits_best() -> None:
    vectors = np.repeat(np.eye(16)[:2], 60, axis=0) + np.random.default_rng(0).normal(0, 0.1, (120, 16))
    own = {f"{number:04d}": (("fruit",) if number < 60 else ("tool",)) for number in range(120)} | {
        "0007": ("tool", "fruit")
    }
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = outliers.find_outliers(
        own, lambda: [(np.array(list(own), dtype=object), vectors)], outliers.Section(neighbours=5, threshold=3.5)
    ).set_index("id")
    assert found.loc["0007", "class_score"] < 3
    assert found.loc["0007", "class_nearest"] < "0060"


def test_without_a_threshold_none_is_an_outlier() -> None:
    vectors = np.vstack([cloud(100), -np.eye(16)[:1]])
    assert judge(vectors)["keep"].tolist() == [True] * 100 + [False]
    assert judge(vectors, threshold=None)["keep"].all()


def test_one_row_is_no_outlier() -> None:
    found = judge(np.eye(1))
    assert found["keep"].tolist() == [True]
    assert found["nearest"].tolist() == [None]


def test_many_outliers_of_one_class_give_a_warning() -> None:
    classes = {f"{number:03d}": ("fruit",) if number < 80 else ("tool",) for number in range(100)}
    verdicts = pd.DataFrame({"id": list(classes), "keep": [number < 90 for number in range(100)]})
    see = "outliers.threshold"
    assert [(one.message, one.see) for one in outliers.warnings(verdicts, classes, closed=True)] == [
        ("10 rows (10%) are outliers", see),
        ("10 of the 20 rows with the label 'tool' are outliers", see),
    ]
    assert len(outliers.warnings(verdicts, classes, closed=False)) == 1
    assert outliers.warnings(verdicts.assign(keep=[number < 96 for number in range(100)]), classes, closed=True) == []
