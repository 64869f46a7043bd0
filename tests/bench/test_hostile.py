"""The judge of hostile inputs sees what it is there for, and a sample of the inputs is handled."""

import json
import mmap
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bench.hostile import mutations, params, process, run
from bench.hostile import workplace as sandbox
from bench.hostile.mutations import Content, mutated, try_batch
from bench.hostile.params import NOTES, base_params
from bench.hostile.process import CPU_SECONDS, in_a_process
from bench.hostile.workplace import Hostile, Result, faults_of_process, try_input
from stages.modalities.text.clean import cleaner

SAMPLE = 12
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits and /proc are those of Linux")


# --- one process ---


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """The folder of a process, beside one that is none of its business."""
    for name in ("workplace", "tmp", "outside"):
        (tmp_path / name).mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    (tmp_path / "workplace/link").symlink_to("../outside/secret")
    return tmp_path / "workplace"


def fail() -> int:
    raise KeyError("text")


def say(text: str, stream: int = 1, status: int = 0) -> Callable[[], int]:
    def work() -> int:
        os.write(stream, text.encode())
        return status

    return work


def read(name: str) -> Callable[[], int]:
    return lambda: len(Path(name).read_text()) and 0


def write(name: str) -> Callable[[], int]:
    return lambda: Path(name).write_text("x") and 0


def connect() -> int:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", 9)) and 0


def crash() -> int:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 0


def run_a_program() -> int:
    return subprocess.run(["true"], check=False).returncode


def grow() -> int:
    return len(b"x" * 300 * 2**20) and 0


def loop() -> int:
    while True:
        pass


WRONG: Mapping[str, tuple[Callable[[], int], str]] = {
    "an exception": (fail, "traceback: KeyError: 'text'"),
    "two messages": (say("collect: error: one\ncollect: error: two\n", 2, 1), "refused, but not in one message"),
    "a message that is no error": (say("collect: half done, giving up\n", 2, 1), "refused, but not in one message"),
    "a message of nobody": (say("something failed\n", 2, 1), "refused, but not in one message"),
    "a message of 30,000 characters": (say("collect: error: " + "x" * 30_000, 2, 1), "a message of 30,016 characters"),
    "another status": (say("collect: error: one\n", 2, 3), "exit status 3"),
    "words of a library": (say("tempfile.tif: Using code not yet in table.\n", 2), "noise on stderr: tempfile.tif"),
    "a terminal code": (say("collect: \x1b[31mred\n"), "a control character (U+001B) on the terminal"),
    "a terminal code of one byte": (say("collect: \x9b31mred\n"), "a control character (U+009B) on the terminal"),
    "writing turned around": (say("collect: \u202edcba\n"), "a mark of the direction of writing (U+202E)"),
    "a file outside read": (read("../outside/secret"), "reads outside: "),
    "a link outside read": (read("link"), "reads outside: "),
    "a file outside written": (write("../outside/new"), "writes outside: "),
    "a file elsewhere written": (write("/var/tmp/hostile-new"), "writes outside: '/var/tmp/hostile-new'"),
    "a connection": (connect, "network: socket.connect"),
    "a program": (run_a_program, "program: "),
    "a crash": (crash, "ended by SIGSEGV"),
    "memory": (grow, "MB of memory, more than 100"),
    "time": (loop, "more than 20 CPU seconds"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_process_that_does_wrong(name: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "MEGABYTES", 100)
    work, fault = WRONG[name]
    cpu_seconds = 1 if work is loop else CPU_SECONDS
    faults = list(faults_of_process(in_a_process(workplace, "collect", work, cpu_seconds=cpu_seconds)))
    assert any(fault in found for found in faults), faults
    Path("/var/tmp/hostile-new").unlink(missing_ok=True)


def test_memory_is_measured_in_a_test_that_has_much_itself(workplace: Path) -> None:
    """A fork begins without what its parent has read of files."""
    size = 400 * 2**20
    (workplace / "libraries").touch()
    os.truncate(workplace / "libraries", size)
    with (workplace / "libraries").open("rb") as file, mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as pages:
        assert not any(pages[start] for start in range(0, size, mmap.PAGESIZE))
        assert 290 < in_a_process(workplace, "collect", grow).peak_mb < 350


def test_a_process_that_waits_for_ever(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WALL_SECONDS", 0.2)
    ran = in_a_process(workplace, "collect", lambda: time.sleep(60) or 0)
    assert list(faults_of_process(ran)) == ["did not end within 120 seconds"]


@pytest.mark.parametrize(
    "work",
    [
        say("collect: 2 rows in, 2 kept\n"),
        say("collect: error: params.yaml:\n  lr: missing\n  epochs: missing\n", 2, 1),
        write("new"),
        write("../tmp/new"),
        read("/etc/hostname"),
    ],
)
def test_a_process_that_does_right(work: Callable[[], int], workplace: Path) -> None:
    assert not list(faults_of_process(in_a_process(workplace, "collect", work)))


# --- one input ---

GOOD = Hostile("notes", "good", {"notes.csv": NOTES}, rows=2)


def tried(input: Hostile) -> Result:
    return try_input(input, base_params(input.base))


def after_stage(monkeypatch: pytest.MonkeyPatch, stage: str, change: Callable[[], int]) -> None:
    """Has `change` done after a stage, which decides about the exit status."""
    run_module = process.run_module

    def run_and_change(name: str, arguments: Any = ()) -> int:
        status = run_module(name, arguments)
        return change() if name == stage else status

    monkeypatch.setattr(sandbox, "run_module", run_and_change)


def test_a_good_input() -> None:
    result = tried(GOOD)
    assert (result.refused, result.dropped, result.kept, list(result.faults)) == (False, 0, 2, [])


def test_a_refused_input() -> None:
    result = tried(Hostile("notes", "bad", {"notes.csv": "text\na ripe apple\n"}))
    assert (result.refused, result.kept, list(result.faults)) == (True, 0, [])
    assert tried(Hostile("notes", "bad", {"notes.csv": ""}, good=True)).faults


def test_bad_rows_are_read_twice() -> None:
    result = tried(Hostile("notes", "bad", {"notes.csv": NOTES + "one cell\n"}, rows=3))
    assert (result.refused, result.dropped, result.kept, list(result.faults)) == (False, 1, 2, [])


def test_rows_that_vanish_in_a_reader() -> None:
    result = tried(Hostile("notes", "good", {"notes.csv": NOTES}, rows=3))
    assert list(result.faults) == ["collect: the source has 3 rows, 2 were counted"]


def refused() -> int:
    return say("collect: error: no\n", 2, 1)()


def leave_unfinished() -> int:
    Path("data/.collected.partial").mkdir()
    return refused()


def lose_a_row() -> int:
    metrics = Path("metrics/clean.json")
    values = json.loads(metrics.read_text())
    metrics.write_text(json.dumps(values | {"rows_in": values["rows_in"] + 1}))
    return 0


def write_nan() -> int:
    Path("metrics/other.json").write_text('{"loss": NaN}')
    return 0


def write_plot(cell: str) -> int:
    Path("metrics/plots").mkdir()
    Path("metrics/plots/plot.csv").write_text(f"label,value\n{cell},-0.5\n")
    return 0


def write_formula() -> int:
    return write_plot("=1+1")


def write_markup() -> int:
    return write_plot("<b>")


@pytest.mark.parametrize(
    ("stage", "change", "fault"),
    [
        ("collect", leave_unfinished, "collect: half-written: data/.collected.partial"),
        ("collect", refused, "collect: written though it was refused: data/collected"),
        ("clean", lose_a_row, "clean: rows do not reconcile: 3 in, 2 kept, 0 dropped, 2 written"),
        ("clean", write_nan, "clean: metrics/other.json is not valid JSON: it has NaN"),
        ("clean", write_formula, "clean: metrics/plots/plot.csv has the cell '=1+1'"),
        ("clean", write_markup, "clean: metrics/plots/plot.csv has the cell '<b>'"),
    ],
)
def test_a_stage_that_does_wrong(
    stage: str, change: Callable[[], int], fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_stage(monkeypatch, stage, change)
    assert fault in tried(GOOD).faults


# --- mutated files and random texts ---


def test_mutated_files_are_the_same_in_every_run() -> None:
    assert [mutated(number) for number in range(50)] == [mutated(number) for number in range(50)]
    assert len({mutated(number).content for number in range(200)}) > 190


def test_a_content_that_ends_its_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are tried all the same."""

    def clean(content: Content) -> tuple[str, list[str]]:
        if content.content == b"raises":
            raise ValueError("no")
        if content.content == b"crashes":
            crash()
        if content.content == b"talks":
            os.write(2, b"a warning\n")
        return "", []

    monkeypatch.setattr(mutations, "cleaned_twice", clean)
    texts = [b"good", b"raises", b"crashes", b"talks", b"good"]
    contents = [Content("texts", str(number), "text", text, {}) for number, text in enumerate(texts)]
    results = {result.name: list(result.faults) for result in try_batch(contents, tmp_path / "sandbox/workplace")}
    assert results == {
        "0": [],
        "1": ["raises ValueError: no"],
        "2": ["ended by SIGSEGV", "ended its process"],
        "3": [],
        "4": [],
    }


def test_a_content_that_changes_when_it_is_cleaned_again(monkeypatch: pytest.MonkeyPatch) -> None:
    content = Content("texts", "one", "text", b"a ripe apple", {"min_chars": 1})
    assert mutations.cleaned_twice(content) == ("", [])
    monkeypatch.setattr(cleaner, "repair", lambda raw, params: cleaner.Repaired(raw + "!", ()))
    assert "changes it: 'a ripe apple!" in mutations.cleaned_twice(content)[1][0]


# --- the inputs ---


@pytest.fixture(scope="module")
def inputs() -> list[Hostile]:
    return run.named_inputs()


def test_all_readers_modalities_and_settings(inputs: list[Hostile]) -> None:
    assert len(inputs) >= 500
    assert sum(bool(input.known) for input in inputs) >= 60
    assert {input.base for input in inputs} == set(params.PRESETS)
    suffixes = {Path(name).suffix for input in inputs for name in input.files}
    assert suffixes >= {".csv", ".tsv", ".json", ".jsonl", ".parquet", ".conll", ".yaml", ".png", ".wav"}
    changed = {key for input in inputs for key in input.params}
    assert changed >= set(params.keys(base_params("text_category")))


def test_a_sample_is_handled(inputs: list[Hostile]) -> None:
    results = [tried(input) for input in run.sample(inputs, SAMPLE)]
    assert not {result.name: result.faults for result in results if result.faults}


def test_a_sample_of_files_and_texts_is_handled(tmp_path: Path) -> None:
    contents = run.sample(list(mutations.all_contents(200, 200)), 100)
    results = list(try_batch(contents, tmp_path / "sandbox/workplace"))
    assert len(results) == len(contents)
    assert not {result.name: result.faults for result in results if result.faults}
