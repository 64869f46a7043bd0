"""Rows with similar vectors, and duplicates between splits."""

import numpy as np
import pytest

from stages.duplicates import near_duplicates, vector_index
from tests.duplicates.rows import OTHER, directions, run, write_rows, write_vectors
from tests.tiny import phrase

pytestmark = pytest.mark.usefixtures("workplace")


# --- leaks ---


def test_leaks_are_counted_by_kind() -> None:
    write_rows(
        ["a fig", phrase(0), "A fig", phrase(1), "a fig?", OTHER],
        ["fruit"] * 6,
        given_split=["test", "validation", "train", "train", "test", "train"],
    )
    counts = run()[0]
    assert counts.dropped == {"duplicate_of_held_out": 2}
    assert {name: value for name, value in counts.more.items() if name.startswith("leaks")} == {
        "leaks_exact": 1,
        "leaks_near": 1,
        "leaks_semantic": 0,
    }


# --- semantic ---


def test_semantic_duplicates_are_found_from_the_threshold_on() -> None:
    write_rows(["a fig", "one ripe fruit of a tree", OTHER, "the fruit of the fig tree", "a Fig"], ["fruit"] * 5)
    write_vectors(directions(0, 20, 90, 30, 1))
    counts, found = run(semantic=True, semantic_threshold=0.9)  # 25.8 degrees
    assert counts.dropped == {"exact_duplicate": 1, "semantic_duplicate": 1}
    assert found["kind"].tolist() == [
        None,
        "semantic",
        None,
        None,
        "exact",
    ]  # the fourth is near the second, which does not stay
    assert found.loc["001", "duplicate_of"] == "000"
    assert found.loc["001", "similarity"] == pytest.approx(np.cos(np.radians(20)), abs=1e-6)
    assert run(semantic=True, semantic_threshold=0.95)[0].dropped == {
        "exact_duplicate": 1,
        "semantic_duplicate": 1,
    }  # the fourth for the second
    assert run()[0].dropped == {"exact_duplicate": 1}


def by_brute_force(vectors: np.ndarray, threshold: float) -> list[bool]:
    """Whether each row stays, if rows go one by one."""
    kept: list[int] = []
    for row, vector in enumerate(vectors):
        if not kept or (vectors[kept] @ vector).max() < threshold:
            kept.append(row)
    return [row in kept for row in range(len(vectors))]


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("block", [7, 64, 1_000])
def test_vectors_are_compared_with_all_that_stay(graph: bool, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a block and before it, as one by one would."""
    monkeypatch.setattr(near_duplicates, "BLOCK", block)
    monkeypatch.setattr(vector_index, "FLAT_ROWS", 10 if graph else 10_000)
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 8)).repeat(5, axis=0) + rng.normal(0, 0.15, (300, 8))
    vectors = vectors[rng.permutation(300)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_rows([f"{number:05d} {number * 7919 % 1000}" for number in range(300)], ["fruit"] * 300)
    write_vectors(vectors)
    found = run(exact=False, near=False, semantic=True, semantic_threshold=0.95)[1]
    assert 60 < found["keep"].sum() < 250
    assert found["keep"].tolist() == by_brute_force(vectors.astype(np.float32).astype(np.float64), 0.95)
