"""A content that hangs, crashes or fills the memory costs its own row and nothing else."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from stages.core.errors import InputError
from stages.untrusted import child, worker
from stages.untrusted.worker import CRASHED, TOO_SLOW, Failure, MachineError, Worker
from tests.misbehaving import behave

ROOT = Path(__file__).parents[2]
needs_limits = pytest.mark.skipif(sys.platform == "darwin", reason="macOS sets no limit of memory")


def results(*contents: bytes, seconds: float = 5.0, folder: Any = "") -> list[Any]:
    with Worker(behave, str(folder), seconds=seconds) as started:
        return list(started.map(contents))


def test_results_have_the_order_of_the_contents() -> None:
    words = [f"word {number}".encode() for number in range(500)]
    assert results(*words) == [word.upper() for word in words]


def test_what_decoders_write_to_stderr_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    assert results(b"talk") == [b"TALK"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"spin", b"spin-in-c"])
def test_a_content_that_takes_too_long_is_ended(content: bytes) -> None:
    assert results(b"a", content, b"b", content, seconds=0.2) == [b"A", Failure(TOO_SLOW), b"B", Failure(TOO_SLOW)]


def test_the_system_ends_it_by_the_time_of_the_processor() -> None:
    process = worker._Process((behave, ("",), 0.2))
    process.send([b"spin"])
    assert process.results(600.0) == Failure(TOO_SLOW)
    assert process.status == f"exit status {-signal.SIGPROF}"
    process.end()


def test_each_content_of_a_batch_has_its_own_result() -> None:
    """The one that ends the process is found in the middle of many that are sent together."""
    words = [f"word {number}".encode() for number in range(worker.BATCH)]
    contents = [*words[:20], b"segfault", *words[20:40], b"spin", *words[40:]]
    expected = [word.upper() for word in contents]
    expected[20], expected[41] = Failure(CRASHED), Failure(TOO_SLOW)  # type: ignore[call-overload]
    assert results(*contents, seconds=0.3) == expected


def test_a_busy_machine_takes_no_time_from_a_content() -> None:
    """What counts is the time of the processor."""
    assert results(b"sleep 0.5", seconds=0.1) == [b"SLEEP 0.5"]


def test_each_content_has_the_whole_time() -> None:
    with Worker(behave, seconds=0.25) as started:
        process = started._process
        assert list(started.map([b"work 0.05"] * 8)) == [b"WORK 0.05"] * 8
        assert started._process is process  # a batch that fails would be tried one by one, in another


def test_a_content_that_waits_for_ever_is_ended() -> None:
    with Worker(behave, seconds=5.0) as started:
        assert list(started.map([b"a"])) == [b"A"]
        started._longest_wait = 0.5
        assert list(started.map([b"sleep 600"])) == [Failure(TOO_SLOW)]
        started._longest_wait = 60.0
        assert list(started.map([b"b"])) == [b"B"]


@pytest.mark.parametrize("content", [b"segfault", b"abort", b"fill-memory", b"exit"])
def test_a_content_that_ends_the_process_costs_its_own_row(content: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    assert results(b"a", content, b"b") == [b"A", Failure(CRASHED), b"B"]
    assert "Traceback" not in capfd.readouterr().err


@needs_limits
def test_memory_is_limited() -> None:
    assert results(b"limit") == [b"%d" % child.MEMORY]


WITH_LITTLE_MEMORY = """
import resource, sys
from stages.untrusted.worker import MachineError, Worker
from tests.misbehaving import behave
resource.setrlimit(getattr(resource, sys.argv[1]), (2**30, 2**30))
with Worker(behave, seconds=0.3) as worker:
    print(*worker.map([b"a", b"spin"]))
    try:
        print(*worker.map([b"b", sys.argv[2].encode(), b"c"]))
    except MachineError as error:
        print(error)
"""


@needs_limits
@pytest.mark.parametrize("limit", ["RLIMIT_DATA", "RLIMIT_AS"])
@pytest.mark.parametrize("content", [f"allocate {2**30}", "segfault"])
def test_a_lower_limit_of_memory_drops_no_row(limit: str, content: str) -> None:
    """A content that is too slow is so with any memory."""
    done = subprocess.run(
        [sys.executable, "-c", WITH_LITTLE_MEMORY, limit, content],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"{b'A'!r} {Failure(TOO_SLOW)}",
        "decoding this content crashes, or needs more memory than is allowed here (1 GiB); with 8 GiB its row may "
        "stay: raise the limit (ulimit -d and ulimit -v)",
    ]


def test_a_process_that_somebody_kills_loses_nothing(tmp_path: Path) -> None:
    contents = [b"a", b"killed-once x", b"b", b"killed-once y", b"c"]
    assert results(*contents, folder=tmp_path) == [content.upper() for content in contents]


def test_a_process_that_is_killed_again_and_again_drops_no_row() -> None:
    """A system that runs out of memory does so."""
    with pytest.raises(MachineError, match="was killed twice, as the system does if memory is short; end other"):
        results(b"a", b"kill", b"b")


def test_a_process_that_is_killed_between_two_contents_loses_nothing() -> None:
    with Worker(behave, seconds=5.0) as started:
        pids = []
        for _ in range(3):
            (pid,) = started.map([b"pid"])
            os.kill(int(pid), signal.SIGKILL)
            pids.append(pid)
    assert len(set(pids)) == 3


def test_exceptions_are_raised_where_the_results_are_read(capfd: pytest.CaptureFixture[str]) -> None:
    with Worker(behave, seconds=5.0) as started:
        mapped = started.map([b"a", b"raise no such word", b"b"])
        assert next(mapped) == b"A"
        with pytest.raises(ValueError, match="no such word") as error:
            next(mapped)
        assert "in behave" in "".join(error.value.__notes__)
        with pytest.raises(FileNotFoundError, match="no such file"):  # no sign that the process has ended
            list(started.map([b"raise-os-error no such file"]))
        assert list(started.map([b"c"])) == [b"C"]
    assert capfd.readouterr().err == ""


def test_results_that_nobody_read_are_not_those_of_the_next_contents() -> None:
    with Worker(behave, seconds=5.0) as started:
        assert next(started.map([b"a", b"b", b"c"])) == b"A"
        assert list(started.map([b"d"])) == [b"D"]


def test_large_contents_and_results_pass() -> None:
    contents = [b"x" * 5_000_000] * 12
    assert results(*contents) == [content.upper() for content in contents]


@pytest.mark.parametrize(("size", "most"), [(10, worker.AHEAD * worker.BATCH), (worker.AHEAD_BYTES // 4, 5)])
@pytest.mark.parametrize("in_a_call", [False, True])
def test_contents_are_read_ahead_within_limits(size: int, most: int, in_a_call: bool) -> None:
    """Also those that are sent with the name of what is done to them."""
    n_read = 0

    def contents() -> Iterator[bytes | tuple[str, bytes]]:
        nonlocal n_read
        for _ in range(2_000):
            n_read += 1
            yield ("sizes", b"x" * size) if in_a_call else b"x" * size

    with Worker(len, seconds=5.0) as started:
        next(started.map(contents()))
        assert 1 < n_read <= most


def test_a_process_that_cannot_start_is_no_fault_of_the_content() -> None:
    def local(content: bytes) -> bytes:
        return content

    with pytest.raises(Exception, match="local"):
        Worker(local, seconds=5.0)
    with Worker(behave, seconds=5.0) as started:
        started._task = (Unreadable(), (), 5.0)
        started._process.end()
        with pytest.raises(InputError, match="the process that decodes contents ends while it starts"):
            list(started.map([b"a"]))


class Unreadable:
    """Ends the process that reads it from a pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


# --- the end of the parent ---

PARENT = """
import sys
from stages.untrusted.worker import Worker
from tests.misbehaving import behave
with Worker(behave, seconds=60.0) as worker:
    try:
        print(int(next(worker.map([b"pid"]))), flush=True)
        list(worker.map([sys.argv[1].encode()]))
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def start_parent(content: str) -> tuple[subprocess.Popen[str], int]:
    """A parent in a group of its own whose worker is busy, and the worker's process."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, content],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert parent.stdout
    return parent, int(parent.stdout.readline())


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_for_end(pid: int) -> None:
    until = time.monotonic() + 20
    while not has_ended(pid):
        assert time.monotonic() < until, f"process {pid} has outlived its parent"
        time.sleep(0.02)


@pytest.mark.parametrize("content", ["sleep 600", "spin"])
def test_no_process_outlives_its_parent(content: str) -> None:
    parent, pid = start_parent(content)
    assert not has_ended(pid)
    parent.kill()
    try:
        wait_for_end(pid)
    finally:
        if not has_ended(pid):
            os.kill(pid, signal.SIGKILL)
        parent.communicate()


def test_ctrl_c_reaches_the_parent_alone() -> None:
    parent, pid = start_parent("sleep 600")
    os.killpg(parent.pid, signal.SIGINT)
    output, errors = parent.communicate(timeout=30)
    assert (output, errors) == ("stopped\n", "")
    wait_for_end(pid)
