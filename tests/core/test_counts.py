"""What a stage writes to its metrics file."""

import json
from pathlib import Path

from stages.core.atomic import write_json
from stages.core.run import Counts


def test_a_number_that_json_does_not_have_is_null(tmp_path: Path) -> None:
    counts = Counts(3, {"empty": 1}, {"pearson": float("nan"), "loss": float("inf"), "mae": 0.5, "steps": 12})
    write_json(tmp_path / "metrics.json", counts.metrics())
    text = (tmp_path / "metrics.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = {"rows_in": 3, "rows_kept": 2, "dropped_empty": 1, "pearson": None, "loss": None, "mae": 0.5, "steps": 12}
    assert json.loads(text) == found
