"""The summary of the last run."""

from pathlib import Path

import pytest

from tools import summary


def test_a_stage_that_has_not_run_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"summary: error: metrics/collect\.json does not exist: collect has not run"):
        summary.main()
