"""Does work in a fork of this process, with limits, and tells all that it did. Linux only."""

import faulthandler
import json
import os
import resource
import runpy
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import BYTES_PER_RSS_UNIT, ROOT

# The limits of one stage on one input of at most a few MB.
CPU_SECONDS = 20
MEGABYTES = 1_000  # beside the libraries
ADDRESS_SPACE = 4 * 2**30  # likewise
FILE_BYTES = 2**30
WALL_SECONDS = 120  # a stage that waits for ever, for example for a FIFO, uses no CPU
NOBODY = 65534  # the user who has no right that was not given to all
FEW = 5  # notes of what a process did outside of its workplace


@dataclass(frozen=True)
class Ran:
    """What a process did."""

    stage: str
    status: int  # the exit status; negative: the signal that ended it
    out: str
    err: str
    cpu_seconds: float
    peak_mb: float  # beside the libraries
    touched: Sequence[str]  # what it did outside of the workplace
    timed_out: bool


class Watch:
    """Notes what a process does outside of its workplace: files, programs, network."""

    CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.symlink", "os.link", "os.chmod")
    NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto")
    PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn")

    def __init__(self, workplace: Path) -> None:
        self.sandbox = os.path.realpath(workplace.parent) + os.sep
        self.allowed = tuple(os.path.realpath(path) + os.sep for path in (workplace, workplace.parent / "tmp"))
        self.touched: list[str] = []
        self.is_on = True

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event == "open":
            path, _, flags = arguments
            self.use(path, isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR)))
        elif event in self.CHANGES:
            for path in arguments[:2]:
                self.use(path, True)
        elif event in self.NETWORK:
            self.note(f"network: {event} {arguments[1:]!r:.80}")
        elif event in self.PROGRAMS and os.fsdecode(arguments[0] or b"") != sys.executable:
            self.note(f"program: {arguments[0]!r:.80}")

    def use(self, path: Any, writes: bool) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        self.is_on = False  # a watch must not watch itself
        with suppress(ValueError):  # a NUL in the path: nothing will be opened
            real = os.path.realpath(os.fsdecode(path))
            is_inside = (real + os.sep).startswith(self.allowed) or real.startswith("/dev/")
            if not is_inside and (writes or real.startswith(self.sandbox)):
                self.note(f"{'writes' if writes else 'reads'} outside: {real!r:.120}")
        self.is_on = True

    def note(self, what: str) -> None:
        if what not in self.touched and len(self.touched) < FEW:
            self.touched.append(what)


@dataclass(frozen=True)
class Size:
    """Of a process, in bytes."""

    address_space: int
    resident: int

    @classmethod
    def now(cls) -> "Size":
        size, resident, *_ = map(int, Path("/proc/self/statm").read_text().split())
        return cls(size * resource.getpagesize(), resident * resource.getpagesize())


def in_a_process(
    workplace: Path,
    stage: str,
    work: Callable[[], int],
    as_nobody: bool = False,
    cpu_seconds: int | None = CPU_SECONDS,
) -> Ran:
    """Does some work, which returns an exit status, in a fork of this process.

    A fork starts in a hundredth of the time of `python -m`: all libraries are imported.

    Args:
        workplace: where it works; beside it is a folder `tmp`.
        as_nobody: whether a user without rights does it, if this process may choose.
        cpu_seconds: the limit; None: the work sets it.
    """
    with tempfile.TemporaryDirectory(prefix="ran-") as name:
        folder = Path(name)
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            be_the_child(folder, workplace, work, as_nobody, cpu_seconds)
        status, usage, timed_out = wait_for(child)
        notes, libraries = read(folder / "notes"), int(read(folder / "libraries") or 0)
        return Ran(
            stage=stage,
            status=status,
            out=read(folder / "out"),
            err=read(folder / "err"),
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            peak_mb=max(0.0, (usage.ru_maxrss * BYTES_PER_RSS_UNIT - libraries) / 2**20),
            touched=json.loads(notes) if notes else [],
            timed_out=timed_out,
        )


def be_the_child(
    folder: Path, workplace: Path, work: Callable[[], int], as_nobody: bool, cpu_seconds: int | None
) -> None:
    """Does the work and ends this process; what it says and does is written to `folder`."""
    status = 1
    try:
        os.setsid()
        # Not those of the parent: a fork begins without the pages of files that it has not used.
        (folder / "libraries").write_text(str(Size.now().resident))
        redirect(folder)
        notes = (folder / "notes").open("w")
        os.chdir(workplace)
        tempfile.tempdir = str(workplace.parent / "tmp")
        if as_nobody and os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        set_limits(cpu_seconds)
        sys.dont_write_bytecode = True  # what Python compiles on first import lies outside
        watch = Watch(workplace)
        sys.addaudithook(watch)
        status = work()
        watch.is_on = False
        json.dump(watch.touched, notes)
        notes.close()
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def redirect(folder: Path) -> None:
    """Sends all that this process and its libraries say to files; it reads nothing."""
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT), stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdout = open(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr)


def set_limits(cpu_seconds: int | None) -> None:
    address_space = Size.now().address_space + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    if cpu_seconds is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def wait_for(child: int) -> tuple[int, resource.struct_rusage, bool]:
    """(exit status, usage, whether it had to be ended); the workers that a process leaves behind end with it."""
    end, timed_out, pause = time.monotonic() + WALL_SECONDS, False, 0.002
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > end:
            timed_out = True
            os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(status), usage, timed_out


def read(path: Path) -> str:
    """At most 1 MB of what a process said."""
    return path.read_bytes()[: 2**20].decode("utf-8", "surrogateescape") if path.exists() else ""


def run_module(name: str, arguments: Sequence[str] = ()) -> int:
    """Runs stages/<name>.py or tools/<name>.py as `python -m` would, and returns its exit status."""
    folder = "stages" if (ROOT / "stages" / f"{name}.py").exists() else "tools"
    sys.argv = [name, *arguments]
    try:
        runpy.run_path(str(ROOT / folder / f"{name}.py"), run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0
