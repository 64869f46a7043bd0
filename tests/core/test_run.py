"""What every stage writes and prints at its end."""

import json
from pathlib import Path

import pytest

from stages.core import run
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage

pytestmark = pytest.mark.usefixtures("workplace")


class Params(Strict):
    seed: int


@pytest.fixture(autouse=True)
def params(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "load_params", lambda model: Params(seed=1))


def written(stage: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = json.loads(Path(f"metrics/warnings/{stage}.json").read_text())
    return entries


def test_warnings_are_printed_last_and_written(capsys: pytest.CaptureFixture[str]) -> None:
    warning = DataWarning("the rows are all alike", "collect.columns.content")
    run_stage("clean", Params, lambda _: Counts(10, {"empty": 1}, warnings=[warning]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("clean: 10 rows in, 9 kept, 1 dropped (empty 1), ")
    assert lines[1:] == ["clean: warning: the rows are all alike; see collect.columns.content"]
    assert written("clean") == [{"message": "the rows are all alike", "see": "collect.columns.content"}]


def test_a_stage_without_warnings_writes_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    run_stage("finetune", Params, lambda _: Counts(10, {"empty": 5}), metrics="training")
    assert "warning" not in capsys.readouterr().out
    assert written("finetune") == []
    assert Path("metrics/training.json").exists()


def test_more_than_half_dropped_is_a_warning_that_names_the_key_of_the_reason() -> None:
    dropped = {"empty": 2, "too_short": 4}
    message = "60% of the rows are dropped, most of them as too_short (4)"
    assert Counts(10, dropped).all_warnings("clean") == [DataWarning(message, "clean")]
    see = {"too_short": "clean.text.min_chars"}
    assert Counts(10, dropped, see=see).all_warnings("clean") == [DataWarning(message, "clean.text.min_chars")]
    assert Counts(0).all_warnings("clean") == []
