"""What every stage writes and prints at its end."""

import errno
import hashlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from safetensors import SafetensorError

from stages.core import inputs, paths, run
from stages.core.atomic import new_folder, write_text
from stages.core.errors import InputError
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage

ROOT = Path(__file__).parents[2]
DVC_YAML = """
stages:
  clean:
    params: [seed, "clean.${modality}"]
    deps: [stages/clean.py, stages/cleaning, "data/${modality}", data/ledger.csv]
  finetune:
    params: [lr]
    deps: [data/train]
"""


class Params(Strict):
    seed: int


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch, workplace: None) -> None:
    """A line of two stages with their inputs."""
    monkeypatch.setattr(run, "load_params", lambda model: Params(seed=1))
    Path("dvc.yaml").write_text(DVC_YAML)
    Path("params.yaml").write_text("modality: text\nseed: 1\nlr: 2e-5\nclean:\n  text: {min_chars: 3}\n")
    for name in (
        "stages/clean.py",
        "stages/cleaning/code.py",
        "data/ledger.csv",
        "data/text/a.txt",
        "data/text/b.txt",
        "data/train/part-00000.parquet",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(name)


def written(stage: str) -> list[dict[str, str]]:
    entries: list[dict[str, str]] = json.loads(Path(f"metrics/warnings/{stage}.json").read_text())
    return entries


def test_warnings_are_printed_last_and_written(capsys: pytest.CaptureFixture[str]) -> None:
    warning = DataWarning("the rows are all alike", "collect.columns.content")
    run_stage("clean", Params, lambda _: Counts(10, {"empty": 1}, warnings=[warning]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("clean: kept 9 of 10 rows, dropped 1: 1 empty (")
    assert lines[1:] == ["clean: warning: the rows are all alike; see collect.columns.content"]
    assert written("clean") == [{"message": "the rows are all alike", "see": "collect.columns.content"}]


def test_a_stage_without_warnings_writes_an_empty_list(capsys: pytest.CaptureFixture[str]) -> None:
    run_stage("finetune", Params, lambda _: Counts(10, {"empty": 4}), metrics="training")
    assert "warning" not in capsys.readouterr().out
    assert written("finetune") == []
    assert Path("metrics/training.json").exists()


def test_what_a_stage_found_is_printed_in_place_of_its_counts(capsys: pytest.CaptureFixture[str]) -> None:
    found = ["read \x1b[31m.csv", "word " * 40 + "end"]
    run_stage("clean", Params, lambda _: Counts(1, found=found))
    first, *others = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"clean: read \\x1b\[31m\.csv \(\d+\.\d s\)", first)
    assert [line.split("word")[0] for line in others] == ["clean: ", "  "]
    assert max(map(len, others)) <= 120
    assert written("clean") == []  # nothing of it is a warning


def test_half_of_the_rows_dropped_is_a_warning_that_names_the_key_of_the_reason() -> None:
    dropped = {"empty": 2, "too_short": 4}
    message = "60% of the rows are dropped, most of them as too_short (4)"
    assert Counts(10, dropped).all_warnings("clean") == [DataWarning(message, "clean")]
    see = {"too_short": "clean.text.min_chars"}
    assert Counts(10, dropped, see=see).all_warnings("clean") == [DataWarning(message, "clean.text.min_chars")]
    assert Counts(2, {"empty": 1}).all_warnings("clean") != []
    assert Counts(0).all_warnings("clean") == []


# --- one line for every failure ---

FAILURES = [
    (
        OSError(errno.ENOSPC, "no room", "data/train"),
        "data/train: No space left on device; free space on the disk, then run `dvc repro` again",
    ),
    (PermissionError(errno.EACCES, "denied", "data"), "data: Permission denied; allow this user to read and write it"),
    (OSError(errno.ENOTDIR, "no folder", "data/x"), "data/x: Not a directory"),
    (
        SafetensorError("I/O error: No space left on device (os error 28)"),
        "No space left on device; free space on the disk, then run `dvc repro` again",
    ),
]
NO_MEMORY = (
    "not enough memory; nothing is wrong with the data: end other programs, lower a batch_size, "
    "or use a machine with more memory"
)
MEMORY_ERRORS = [
    MemoryError(),
    pa.ArrowMemoryError("malloc of size 64 failed"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("std::bad_alloc"),
]


@pytest.mark.parametrize(
    ("error", "message"), [*FAILURES, *((error, NO_MEMORY) for error in MEMORY_ERRORS)], ids=lambda value: repr(value)
)
def test_a_failing_machine_gives_one_line(error: Exception, message: str) -> None:
    with pytest.raises(SystemExit) as stop:
        run_stage("clean", Params, failing(error))
    assert stop.value.code == f"clean: error: {message}"
    assert not Path("metrics").exists()


def failing(error: BaseException) -> Callable[[Params], Counts]:
    def main(params: Params) -> Counts:
        raise error

    return main


def clean_with(library: str, code: str, folder: Path) -> tuple[int, str, str]:
    """(status, stdout, stderr) of the stage clean with this code, written to `folder`, in place of a library."""
    (folder / f"{library}.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    stage = subprocess.run(
        [sys.executable, "-m", "stages.clean"], capture_output=True, text=True, env=environment, check=False
    )
    return stage.returncode, stage.stdout, stage.stderr


def test_control_c_gives_one_line(tmp_path: Path) -> None:
    """Already while a stage imports its libraries, which takes seconds."""
    assert clean_with("pyarrow", "raise KeyboardInterrupt", tmp_path) == (-signal.SIGINT, "", "stopped\n")


def test_control_c_leaves_all_files_as_they_were(copy_of_text_data: Path, tmp_path: Path) -> None:
    """While rows are written."""
    before = files()
    code = "def tqdm(rows, **_):\n    yield next(rows)\n    raise KeyboardInterrupt"
    assert clean_with("tqdm", code, tmp_path) == (-signal.SIGINT, "", "stopped\n")
    assert files() == before


def files() -> dict[str, bytes | None]:
    """Files and folders here, apart from locks and what is kept for later runs."""
    paths = (path for path in Path().rglob("*") if path.parts[0] != ".cache")
    return {str(path): path.read_bytes() if path.is_file() else None for path in paths}


def test_a_mistake_in_the_code_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run_stage("clean", Params, failing(ZeroDivisionError()))


def test_signs_that_the_terminal_lacks_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", write_through=True)
    monkeypatch.setattr(sys, "stdout", terminal)
    run_stage("clean", Params, lambda _: Counts(1, warnings=[DataWarning("the label é 😀", "clean.label")]))
    printed = terminal.buffer.getvalue().decode("latin-1")  # type: ignore[attr-defined]
    assert printed.endswith("clean: warning: the label é \\U0001f600; see clean.label\n")


def test_messages_cannot_act_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run_stage("clean", Params, failing(OSError(errno.ENOENT, "", "\x1b[2Jname\u202e")))
    assert stop.value.code == r"clean: error: \x1b[2Jname\u202e: No such file or directory"
    run_stage("clean", Params, lambda _: Counts(1, warnings=[DataWarning("\x1b[31mred", "clean.label")]))
    assert capsys.readouterr().out.splitlines()[-1] == r"clean: warning: \x1b[31mred; see clean.label"


def test_a_long_message_keeps_its_start_and_its_advice() -> None:
    with pytest.raises(SystemExit) as stop:
        run_stage("clean", Params, failing(InputError(f"a.csv:2: no column {'x' * 100_000}; see collect.columns")))
    message = str(stop.value.code)
    assert message.startswith("clean: error: a.csv:2: no column xxx")
    assert message.endswith("xxx; see collect.columns")
    assert len(message) < 1_100


# --- what a stage reads must not change while it runs ---


def replace_param(params: Params) -> None:
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("min_chars: 3", "min_chars: 4"))


def save_again(path: str) -> None:
    """With the same content, a second later."""
    content, changed = Path(path).read_bytes(), Path(path).stat().st_mtime + 1
    Path(path).unlink()
    Path(path).write_bytes(content)
    os.utime(path, (changed, changed))


def test_files_that_are_saved_again_as_they_were_have_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    def main(_: Params) -> Counts:
        for path in saved:
            save_again(path)
        return Counts(1)

    saved = ["params.yaml", "stages/clean.py", "stages/cleaning/code.py", "data/ledger.csv"]
    run_stage("clean", Params, main)
    saved = ["data/text/b.txt"]  # of the many contents only the time is looked at
    with pytest.raises(SystemExit, match=r"clean: error: data/text/b\.txt was changed while this stage ran"):
        run_stage("clean", Params, main)
    saved = ["data/ledger.csv"]
    monkeypatch.setattr(inputs, "SMALL", 5)
    with pytest.raises(SystemExit, match=r"clean: error: data/ledger\.csv was changed while this stage ran"):
        run_stage("clean", Params, main)


def test_a_file_that_is_gone_while_files_are_listed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Path("data/text/4913")  # vim makes and deletes it to see whether it can write
    files_of = inputs.files_of
    monkeypatch.setattr(inputs, "files_of", lambda path: [*files_of(path), gone])
    run_stage("clean", Params, lambda _: Counts(1))


CHANGES: list[tuple[Callable[[Params], object], str]] = [
    (replace_param, "params.yaml: clean.text.min_chars"),
    (lambda _: Path("data/text/b.txt").write_text("another text"), "data/text/b.txt"),
    (lambda _: Path("data/text/c.txt").write_text("a new text"), "data/text/c.txt"),
    (lambda _: Path("data/text/a.txt").unlink(), "data/text/a.txt"),
    (lambda _: Path("stages/clean.py").write_text("# other code"), "stages/clean.py"),
]


@pytest.mark.parametrize(("change", "name"), CHANGES, ids=[name for _, name in CHANGES])
@pytest.mark.parametrize("out", ["folder", "file"])
def test_nothing_appears_if_the_inputs_changed(change: Callable[[Params], object], name: str, out: str) -> None:
    """So a stage that outlived its `dvc repro` does not overwrite newer results."""

    def main(params: Params) -> Counts:
        if out == "folder":
            with new_folder(Path("data/out")) as folder:
                (folder / "part").write_text("old")
                change(params)
        else:
            change(params)
            write_text(Path("data/out/part"), "old")
        return Counts(1)

    Path("data/out").mkdir()
    Path("data/out/part").write_text("newer")
    with pytest.raises(SystemExit) as stop:
        run_stage("clean", Params, main)
    assert stop.value.code == (
        f"clean: error: {name} was changed while this stage ran, so its results are not kept; run `dvc repro` again"
    )
    assert Path("data/out/part").read_text() == "newer"
    assert [path.name for path in Path("data/out").iterdir()] == ["part"]
    assert not Path("metrics").exists()


def test_other_changes_do_not_matter() -> None:
    """Params and files of other stages, and what editors write beside the files."""

    def main(params: Params) -> Counts:
        Path("params.yaml").write_text(Path("params.yaml").read_text().replace("2e-5", "1e-5"))
        for name in ("data/train/part-00000.parquet", "data/text/.a.txt.swp", "data/text/a.txt~"):
            Path(name).write_text("edited")
        return Counts(1)

    run_stage("clean", Params, main)
    assert json.loads(Path("metrics/params/clean.json").read_text()) == {
        "params": {"seed": 1, "clean.text": {"min_chars": 3}},
        "files": {name: digest(name.encode()) for name in ("stages/clean.py", "data/ledger.csv")},
    }


# --- one run at a time ---


def test_a_second_run_of_a_stage_is_refused() -> None:
    def main(params: Params) -> Counts:
        run_stage("finetune", Params, lambda _: Counts(1))  # another stage may run
        with pytest.raises(SystemExit) as stop:
            run_stage("clean", Params, lambda _: Counts(2))
        assert stop.value.code == (
            "clean: error: another run of this stage is still at work in this folder; wait until it ends, or end it"
        )
        return Counts(1)

    run_stage("clean", Params, main)
    assert json.loads(Path("metrics/clean.json").read_text())["rows_in"] == 1


def test_the_lock_of_a_run_ends_with_its_process() -> None:
    code = """
from stages.core.run import one_run_at_a_time
with one_run_at_a_time("clean"):
    print("working", flush=True)
    input()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"working\n"
        with pytest.raises(SystemExit, match="another run of this stage"):
            run_stage("clean", Params, lambda _: Counts(1))
        other.kill()
    run_stage("clean", Params, lambda _: Counts(1))


# --- what a stage ran with ---


@pytest.mark.parametrize(
    ("edited", "name"), [({"min_chars": 4}, "clean.text.min_chars"), ({"code": "# other code"}, "stages/clean.py")]
)
def test_what_was_edited_before_dvc_recorded_it_stops_the_next_stage(edited: dict[str, Any], name: str) -> None:
    run_stage("clean", Params, lambda _: Counts(1))
    record = Path("metrics/params/clean.json").read_bytes()
    lock(record)
    run_stage("finetune", Params, lambda _: Counts(1))
    lock(record, **edited)
    run_stage("clean", Params, lambda _: Counts(1))  # the stage itself may run
    with pytest.raises(SystemExit) as stop:
        run_stage("finetune", Params, lambda _: Counts(1))
    assert stop.value.code == (
        f"finetune: error: dvc.lock: clean ran with another {name} than is recorded here, which was edited as the "
        "stage ended; run `dvc repro --force --single-item clean`, then `dvc repro`"
    )
    lock(b"of another run", **edited)  # such as after `git checkout`, before `dvc checkout`
    run_stage("finetune", Params, lambda _: Counts(1))


def lock(record: bytes, min_chars: int = 3, code: str = "stages/clean.py") -> None:
    """Writes dvc.lock as DVC does after the stage clean."""
    out = {"path": str(paths.RAN_WITH / "clean.json"), "hash": "md5", "md5": digest(record)}
    deps = [{"path": "stages/clean.py", "md5": digest(code.encode())}, {"path": "data/text", "md5": "1.dir"}]
    params = {"params.yaml": {"seed": 1, "clean.text": {"min_chars": min_chars}}}
    entry = {"outs": [out], "deps": deps, "params": params}
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"clean": entry}}))


def digest(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
