"""What is measured about the label audit is what the stage does."""

import numpy as np

from bench.audit import Rows, audited


def test_rows_are_judged_by_the_stage() -> None:
    true = np.array(["round", "square"] * 60, dtype=object)
    given = true.copy()
    given[[7, 30]] = ["round", "square"]
    vectors = np.random.default_rng(0).normal(0, 0.1, (120, 8)).astype(np.float32)
    vectors[np.arange(120), np.arange(120) % 2] += 1
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    worst = audited("digits", Rows(vectors, given, true)).rows.sort_values("label_quality")
    assert {*worst["id"][:2]} == {"00000007", "00000030"}
