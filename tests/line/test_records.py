"""Params that are edited between the end of a stage and the moment in which DVC records them."""

from pathlib import Path

import pytest

from tests import tiny
from tests.line.changes import edit, replace_in, set_param
from tools.freshness import outdated


def test_a_wrong_record_is_found(copy_of_text_line: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC calls the old result up to date; the next stage and the summary do not."""
    folder = copy_of_text_line
    monkeypatch.chdir(folder)
    before = Path("params.yaml").read_text()
    set_param("outliers.neighbours", 3)(folder)
    Path("edited.yaml").write_text(Path("params.yaml").read_text())
    Path("params.yaml").write_text(before)
    # The params are edited when the stage has ended, and DVC has not read them yet.
    command = "python -m stages.outliers"
    replace_in("dvc.yaml", command, f"{command} && cp edited.yaml params.yaml")(folder)
    edit("stages/split.py")(folder)  # so that a later stage runs
    done = tiny.dvc(folder, "repro", "split", check=False)
    assert tiny.stages_run(done.stdout) == {"outliers", "split"}
    problem = (
        "dvc.lock: outliers ran with another outliers.neighbours than is recorded here, which was edited as the stage "
        "ended; run `dvc repro --force --single-item outliers`, then `dvc repro`"
    )
    assert f"split: error: {problem}\n" in done.stderr
    assert "outliers" not in tiny.dvc(folder, "status", "outliers").stdout
    assert outdated()["outliers"] == problem
