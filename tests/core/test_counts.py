"""What a stage writes to its metrics file."""

import json
from pathlib import Path

import pytest

from stages.core.atomic import write_json
from stages.core.run import Counts
from stages.core.words import by_reason, counted, kept_rows


def test_a_number_that_json_does_not_have_is_null(tmp_path: Path) -> None:
    counts = Counts(3, {"empty": 1}, {"pearson": float("nan"), "loss": float("inf"), "mae": 0.5, "steps": 12})
    write_json(tmp_path / "metrics.json", counts.metrics())
    text = (tmp_path / "metrics.json").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    found = {"rows_in": 3, "rows_kept": 2, "dropped_empty": 1, "pearson": None, "loss": None, "mae": 0.5, "steps": 12}
    assert json.loads(text) == found


def test_words_are_true_of_no_row_of_one_and_of_many() -> None:
    assert [counted(count, "row") for count in (0, 1, 1143)] == ["0 rows", "1 row", "1,143 rows"]
    assert by_reason({"empty": 10, "too_short": 1_500, "pii": 0}) == "1,500 too short, 10 empty"
    assert by_reason({"outlier": 2, "gap": 2}, {"outlier": "unlike all others"}) == "2 gap, 2 unlike all others"
    assert by_reason({}) == ""


@pytest.mark.parametrize(
    ("rows_in", "dropped", "words"),
    [
        (0, {}, "kept 0 of 0 rows, dropped none"),
        (1, {"empty": 0}, "kept 1 of 1 row, dropped none"),
        (1, {"empty": 1}, "kept 0 of 1 row, dropped 1: 1 empty"),
        (1143, {"empty": 10, "too_short": 25}, "kept 1,108 of 1,143 rows, dropped 35: 25 too short, 10 empty"),
    ],
)
def test_a_stage_that_says_no_more_says_what_it_kept(rows_in: int, dropped: dict[str, int], words: str) -> None:
    assert kept_rows(rows_in, dropped) == words
    assert list(Counts(rows_in, dropped).sentences()) == [words]
