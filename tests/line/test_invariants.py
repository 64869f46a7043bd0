"""The invariants of docs/design.md that speak of the whole line, held with real `dvc` commands on a tiny project."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from stages.core import paths
from stages.core.tables import read_frame
from tests import stages_in_place, tiny
from tests.line.changes import set_param
from tests.network import check_silence, watched_repro


def other_surroundings() -> dict[str, str]:
    """Another hash seed, locale and time zone, and no word about the number of threads."""
    surroundings = {"PYTHONHASHSEED": "7", "LC_ALL": other_locale(), "TZ": "Asia/Kathmandu"}
    return {name: value for name, value in tiny.environment().items() if name != "OMP_NUM_THREADS"} | surroundings


def other_locale() -> str:
    """Turkish if it is installed: it has an i of its own, and a comma in its numbers."""
    installed = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=True).stdout.split()
    return next((name for name in installed if name.lower() in ("tr_tr.utf8", "tr_tr.utf-8")), "C")


@pytest.mark.parametrize("line", ["text_line", "image_line", "audio_line"])
def test_two_forced_runs_give_the_same_bytes(line: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The second one elsewhere, by a user with other settings of the system, without a cache and without a network."""
    folder = Path(shutil.copytree(request.getfixturevalue(line), tmp_path / "another folder, çok", symlinks=True))
    before = (folder / "dvc.lock").read_text()
    shutil.rmtree(folder / ".cache")
    ran = watched_repro(folder, "--force", "--no-run-cache", environment=other_surroundings(), umask=0o077)
    assert ran == set(lock_entries(folder))
    assert (folder / "dvc.lock").read_text() == before
    check_silence(folder)


def test_nothing_to_do_runs_nothing(copy_of_text_line: Path) -> None:
    assert tiny.stages_run(tiny.dvc(copy_of_text_line, "repro").stdout) == set()


# A stage -> what is there once its work has begun.
BEGUN = {"collect": "data/.collected.partial", "embed": ".cache/vectors.sqlite", "finetune": "models/.checkpoints"}


@pytest.mark.parametrize("stage", BEGUN)
def test_a_killed_stage_leaves_no_trace(stage: str, copy_of_text_line: Path) -> None:
    """Killed in the middle, run again: the same entries in dvc.lock as without."""
    expected = lock_entries(copy_of_text_line)
    forget(copy_of_text_line, stage)
    kill_inside(copy_of_text_line, stage, copy_of_text_line / BEGUN[stage])
    assert tiny.stages_run(tiny.dvc(copy_of_text_line, "repro", stage).stdout) == {stage}
    assert lock_entries(copy_of_text_line) == expected
    assert not list(copy_of_text_line.rglob("*.partial"))


def lock_entries(folder: Path) -> dict[str, object]:
    """What dvc.lock says of each stage."""
    entries: dict[str, object] = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    return entries


def forget(folder: Path, stage: str) -> None:
    """As if the stage had never run, and no vector had been computed."""
    entries = lock_entries(folder)
    del entries[stage]
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": entries}))
    shutil.rmtree(folder / ".dvc/cache/runs")
    shutil.rmtree(folder / ".cache")


def kill_inside(folder: Path, stage: str, sign: Path) -> None:
    """Runs `dvc repro` and kills it, unasked, when `sign` of the stage's work is there, or two seconds after the stage
    has taken its lock.
    """
    environment = {**tiny.environment(), "PYTHONUNBUFFERED": "1"}
    line = subprocess.Popen(
        ["dvc", "repro"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert line.stdout is not None
    assert any(f"Running stage '{stage}'" in printed for printed in line.stdout), "the stage never ran"
    while not (folder / ".cache/locks" / stage).exists() and line.poll() is None:
        time.sleep(0.002)
    deadline = time.monotonic() + 2
    while not sign.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    assert line.poll() is None, "the line ended before it could be killed"
    os.killpg(line.pid, signal.SIGKILL)
    line.communicate()


def test_flipping_held_out_labels_leaves_the_training_set_alone(
    copy_of_text_line: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(copy_of_text_line)
    set_param("label_audit.C", 100.0)(copy_of_text_line)
    set_param("label_audit.budget", 0.2)(copy_of_text_line)
    stages_in_place.repro("augment")
    assert tiny.read_json(Path("metrics/label_audit.json"))["dropped_label_issue"] > 0
    train = digests(Path("data/train"))
    test = Path("data/tiny/test.csv")
    test.write_text(test.read_text().replace(",fruit", ",TOOL").replace(",tool", ",fruit").replace(",TOOL", ",tool"))
    assert "augment" in stages_in_place.repro("augment")
    assert digests(Path("data/train")) == train


def digests(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("line", ["text_data", "image_data", "audio_data"])
def test_no_cluster_spans_two_splits(line: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(line) / "data/verdicts"
    rows = read_frame(folder / "split").merge(read_frame(folder / "duplicates")[["id", "cluster"]], on="id")
    kept = rows[rows["keep"]]
    assert (kept.groupby("cluster")["split"].nunique() == 1).all()
    assert (kept.groupby("unit")["split"].nunique() == 1).all()
    assert set(kept["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("line", ["text_line", "image_line"])
def test_no_row_disappears(line: str, request: pytest.FixtureRequest) -> None:
    """Every stage says what became of each row, and the next one gets what it kept."""
    folder: Path = request.getfixturevalue(line)
    metrics = {path.stem: tiny.read_json(path) for path in (folder / "metrics").glob("*.json")}
    for name, counts in metrics.items():
        reasons = sum(count for key, count in counts.items() if key.startswith("dropped_"))
        assert counts["rows_in"] == counts["rows_kept"] + reasons, name
    assert metrics["collect"]["rows_kept"] == metrics["clean"]["rows_in"]
    assert (
        metrics["clean"]["rows_kept"]
        == metrics["embed"]["rows_in"]
        == metrics["dedupe"]["rows_in"]
        == metrics["split"]["rows_in"]
    )
    assert metrics["dedupe"]["rows_kept"] == metrics["outliers"]["rows_in"]
    assert metrics["split"]["rows_kept"] == metrics["label_audit"]["rows_in"]
    assert (
        metrics["split"]["rows_train"] - metrics["label_audit"].get("dropped_label_issue", 0)
        == metrics["augment"]["rows_in"]
    )
    assert metrics["augment"]["rows_out"] == metrics["training"]["rows_in"]
    for verdicts in map(folder.joinpath, paths.VERDICTS_OF.values()):
        table = read_frame(verdicts)
        assert (table["reason"].notna() == ~table["keep"].astype(bool)).all(), verdicts.name
        assert table["id"].is_unique, verdicts.name
