"""Each test works in a folder with what the line needs to start."""

import shutil
from pathlib import Path

import pytest

from tests.refusals.bad_input import LEDGER_HEADER, NOTES, ROOT, put, set_params


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contents_in_this_process: None) -> Path:
    """A folder with what the line needs to start, which the test works in."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    put("ledger.csv", LEDGER_HEADER)
    put("notes.csv", NOTES)
    set_params({})
    return tmp_path
