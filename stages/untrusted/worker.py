"""Runs a function on untrusted contents in a process of its own, which ends if one takes too much time or memory.

A decoder may hang, crash or take all memory on a content that is built for that. Then only this process ends: the
content gets a `Failure`, and the next ones are given to a new process.
"""

import signal
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import Any

from stages.core.errors import InputError
from stages.untrusted.child import MEMORY, serve

TOO_SLOW, CRASHED = "too_slow", "crashed_decoder"
# Why a content has no result, with the words for it.
FAILURES: Mapping[str, str] = {
    TOO_SLOW: "its content takes too much time of the processor",
    CRASHED: "its content crashes the program that decodes it, or needs far too much memory",
}

# A process that waits takes no time of the processor. What is run here never waits, unless it hangs.
LONGEST_WAIT = 60  # times the seconds of the processor, by the clock
# Small contents are sent together: one by one, a text takes twice the time of its cleaning on the way.
BATCH = 64  # contents
BATCH_BYTES = 2**16  # of these contents, without the last
# Batches that are sent before their results are read, so that both processes work at the same time.
AHEAD = 16
AHEAD_BYTES = 2**24  # of these batches, without the last

_START = f"import sys; sys.path[:] = sys.argv[2:]; from {serve.__module__} import serve; serve(int(sys.argv[1]))"


@dataclass(frozen=True)
class Failure:
    """Takes the place of a result."""

    reason: str  # one of FAILURES


class MachineError(InputError):
    """A content that needs another machine, or another limit of memory. The message does not name it."""


class Worker:
    """Runs `function(content, *arguments)` in another process, for one content after the other.

    The function and the arguments are pickled, so they stand in a module. So are contents and results. The process
    starts with the worker and ends with it, or when its parent does.

    `seconds` are the most for one content. They are time of the processor and not of the clock, so that a busy machine
    gives the same results.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any, seconds: float) -> None:
        self._task = (function, arguments, seconds)
        self._longest_wait = LONGEST_WAIT * seconds
        self._process = _Process(self._task)

    def map(self, contents: Iterable[Any]) -> Iterator[Any]:
        """The result or the Failure of each content, in order; contents are read ahead.

        A content whose process ends for another reason than its time is tried once more, in a new process: the system
        may have ended it, or the content before it has left a fault.

        Raises:
            Exception: what the function raises.
            InputError: no process can be started.
            MachineError: on another machine, the next content may have a result.
        """
        if not self._process.is_open:
            self._process = _Process(self._task)
        remaining = batches(contents)
        sent: deque[Batch] = deque()
        try:
            while self._send_ahead(remaining, sent):
                results = self._process.results(self._longest_wait)
                if isinstance(results, Failure) and len(sent[0].contents) > 1:  # which of them it is shows one by one
                    sent.extendleft(map(Batch.of_one, reversed(sent.popleft().contents)))
                    self._start_again(sent)
                    continue
                if results == Failure(CRASHED):
                    self._start_again(sent)
                    results = self._process.results(self._longest_wait)
                sent.popleft()
                if isinstance(results, Failure):
                    self._check_machine(results)
                    self._start_again(sent)
                    yield results
                else:
                    yield from results
        finally:
            if sent:  # the caller wants no more results
                self.close()

    def _send_ahead(self, remaining: Iterator["Batch"], sent: deque["Batch"]) -> bool:
        """Sends batches within the limits; whether results are to come."""
        while len(sent) < AHEAD and sum(batch.n_bytes for batch in sent) < AHEAD_BYTES:
            batch = next(remaining, None)
            if batch is None:
                break
            self._process.send(batch.contents)
            sent.append(batch)
        return bool(sent)

    def _start_again(self, sent: Iterable["Batch"]) -> None:
        self._process.end()
        self._process = _Process(self._task)
        for batch in sent:
            self._process.send(batch.contents)

    def _check_machine(self, failure: Failure) -> None:
        """Holds that the machine decides about no row: a good one would be missing from all later runs.

        A limit of memory that is lower than ours stops no run whose contents all keep to it.

        Raises:
            InputError: no process can be started.
            MachineError: the machine may be the cause of this failure.
        """
        process = self._process
        if not process.memory:
            raise InputError(
                f"the process that decodes contents ends while it starts ({process.status}); "
                "is there enough memory, and may this user start processes?"
            )
        if process.was_killed:
            raise MachineError(
                "the process that decodes this content was killed twice, as the system does if memory is short; "
                "end other programs, or use a machine with more memory"
            )
        if failure.reason == CRASHED and process.memory < MEMORY:
            raise MachineError(
                f"decoding this content crashes, or needs more memory than is allowed here ({in_gib(process.memory)}); "
                f"with {in_gib(MEMORY)} its row may stay: raise the limit (ulimit -d and ulimit -v)"
            )

    def close(self) -> None:
        self._process.end()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class Batch:
    """Contents that are sent together."""

    contents: list[Any]
    n_bytes: int

    @classmethod
    def of_one(cls, content: Any) -> "Batch":
        return cls([content], _size(content))


def batches(contents: Iterable[Any]) -> Iterator[Batch]:
    """The contents in batches within the limits."""
    batch = Batch([], 0)
    for content in contents:
        batch.contents.append(content)
        batch.n_bytes += _size(content)
        if len(batch.contents) == BATCH or batch.n_bytes >= BATCH_BYTES:
            yield batch
            batch = Batch([], 0)
    if batch.contents:
        yield batch


def _size(content: Any) -> int:
    """The bytes of a content, or of its parts."""
    if isinstance(content, tuple):
        return sum(map(_size, content))
    return len(content) if isinstance(content, bytes | str) else 0


def in_gib(n_bytes: int) -> str:
    return f"{n_bytes / 2**30:.3g} GiB"


class _Process:
    """One process that runs a task, as its parent sees it."""

    def __init__(self, task: tuple[Callable[..., Any], tuple[Any, ...], float]) -> None:
        self.memory = 0  # bytes that it may use; 0 until it is ready
        self._connection, connection_of_child = Pipe()
        with connection_of_child:
            number = connection_of_child.fileno()
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
                [sys.executable, "-c", _START, str(number), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[number],
                process_group=0,  # so that Ctrl-C reaches the parent alone
            )
        self.end = weakref.finalize(self, _end, self._process, self._connection)
        self.send(task)

    @property
    def is_open(self) -> bool:
        return self.end.alive

    @property
    def was_killed(self) -> bool:
        return self._process.poll() == -signal.SIGKILL

    @property
    def status(self) -> str:
        return f"exit status {self._process.poll()}"

    def send(self, message: Any) -> None:
        with suppress(OSError):  # it has ended, which `results` will notice
            self._connection.send(message)

    def results(self, seconds: float) -> Iterator[Any] | Failure:
        """The results of the next batch, or the Failure for which there are none.

        `seconds` of the clock are waited for them. The iterator raises what the function has raised.
        """
        answers = self._receive(seconds)
        if isinstance(answers, int):
            self.memory = answers
            answers = self._receive(seconds)
        return answers if isinstance(answers, Failure) else map(_result, answers)

    def _receive(self, seconds: float) -> Any:
        try:
            if self._connection.poll(seconds):
                return self._connection.recv()
        except (EOFError, OSError):
            return Failure(TOO_SLOW if self._process.wait() == -signal.SIGPROF else CRASHED)
        return Failure(TOO_SLOW)


def _result(answer: tuple[str, Any]) -> Any:
    kind, value = answer
    if kind == "error":
        raise value
    return value


def _end(process: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    process.kill()
    process.wait()
