"""A copy of a reproduced line that each test may damage."""

from pathlib import Path

import pytest

from tests.stages_in_place import copy_data


@pytest.fixture
def data_of_line(
    text_line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contents_in_this_process: None
) -> Path:
    """Where the test then is."""
    copy_data(text_line, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path
