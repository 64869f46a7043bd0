"""A stage that refuses its input prints one message and exits with status 1."""

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.refusals.bad_input import MEND, NOTES, ROOT, files, put, run, set_params


def test_the_good_line_is_taken() -> None:
    """So that the cases below fail for what they change and for nothing else."""
    assert run("collect").metrics() == {"rows_in": 2, "rows_kept": 2}
    assert run("clean").rows_kept == 2


@pytest.mark.parametrize(
    ("notes", "changes", "message"),
    [
        (
            "text,kind\na ripe apple\n",
            {},
            "data/notes.csv:1: line 2 has 1 cells, the file has 2 columns" + MEND,
        ),
        (
            NOTES,
            {"lr": "fast", "epochs": 0},
            "params.yaml:\n  epochs: input should be greater than or equal to 1, got 0\n  lr: input should be a "
            "valid number, got 'fast'",
        ),
        ("\xff\xfe", {"collect.source": "data/none.csv"}, "data/none.csv: cannot be read (No such file or directory)"),
    ],
    ids=["row", "params", "file"],
)
def test_one_message_and_status_1(notes: str, changes: Mapping[str, Any], message: str) -> None:
    put("notes.csv", notes)
    set_params(changes)
    before = files()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    stage = subprocess.run(
        [sys.executable, "-m", "stages.collect"], capture_output=True, text=True, env=environment, check=False
    )
    assert (stage.returncode, stage.stdout, stage.stderr) == (1, "", f"collect: error: {message}\n")
    assert files() == before
