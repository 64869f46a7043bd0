"""Runs a function on untrusted contents in a process of its own, which ends if one takes too much time or memory.

A decoder may hang, crash or take all memory on a content that is built for that. Then only this process ends: the
content gets a `Failure`, and the next ones are given to a new process.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
import traceback
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any

from stages.core.errors import InputError

FAILURES = TOO_SLOW, CRASHED = "too_slow", "crashed_decoder"  # their reasons
READY = "ready"  # the first message of a process

# A process that waits takes no time of the processor. What is run here never waits, unless it hangs.
LONGEST_WAIT = 60  # times the seconds of the processor, by the clock
# An hour of sound at 96 kHz takes 6 GiB. macOS has no such limit.
MEMORY = 8 * 2**30  # bytes
# Small contents are sent together: one by one, a text takes twice the time of its cleaning on the way.
BATCH = 64  # contents
BATCH_BYTES = 2**16  # of these contents, without the last
# Batches that are sent before their results are read, so that both processes work at the same time.
AHEAD = 16
AHEAD_BYTES = 2**24  # of these batches, without the last

_START = "import sys; sys.path[:] = sys.argv[2:]; from stages.untrusted.worker import serve; serve(int(sys.argv[1]))"


@dataclass(frozen=True)
class Failure:
    """Takes the place of a result."""

    reason: str  # TOO_SLOW or CRASHED


class Worker:
    """Runs `function(content, *arguments)` in another process, for one content after the other.

    The function and the arguments are pickled, so they stand in a module. So are contents and results. The process
    starts with the worker and ends with it, or when its parent does. After a fork, a copy of the worker starts its own.

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
        """
        if not self._process.is_ours:
            self._process = _Process(self._task)
        remaining = batches(contents)
        sent: deque[list[Any]] = deque()
        try:
            while self._send_ahead(remaining, sent):
                results = self._process.results(self._longest_wait)
                if isinstance(results, Failure) and len(sent[0]) > 1:  # which of them it is shows one by one
                    sent.extendleft([content] for content in reversed(sent.popleft()))
                    self._start_again(sent)
                    continue
                if results == Failure(CRASHED):
                    self._start_again(sent)
                    results = self._process.results(self._longest_wait)
                sent.popleft()
                if isinstance(results, Failure):
                    self._check_is_ready()
                    self._start_again(sent)
                    yield results
                else:
                    yield from results
        finally:
            if sent:  # the caller wants no more results
                self.close()

    def _send_ahead(self, remaining: Iterator[list[Any]], sent: deque[list[Any]]) -> bool:
        """Sends batches within the limits; whether results are to come."""
        while len(sent) < AHEAD and sum(_size(batch) for batch in sent) < AHEAD_BYTES:
            batch = next(remaining, None)
            if batch is None:
                break
            self._process.send(batch)
            sent.append(batch)
        return bool(sent)

    def _start_again(self, sent: Iterable[list[Any]]) -> None:
        self._process.end()
        self._process = _Process(self._task)
        for batch in sent:
            self._process.send(batch)

    def _check_is_ready(self) -> None:
        if not self._process.is_ready:
            raise InputError(
                f"the process that decodes contents ends while it starts ({self._process.status}); "
                "is there enough memory, and may this user start processes?"
            )

    def close(self) -> None:
        self._process.end()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def batches(contents: Iterable[Any]) -> Iterator[list[Any]]:
    """The contents in lists within the limits of a batch."""
    batch: list[Any] = []
    for content in contents:
        batch.append(content)
        if len(batch) == BATCH or _size(batch) >= BATCH_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _size(batch: list[Any]) -> int:
    return sum(len(content) for content in batch if isinstance(content, bytes | str))


class _Process:
    """One process that runs a task, as its parent sees it."""

    def __init__(self, task: tuple[Callable[..., Any], tuple[Any, ...], float]) -> None:
        self.is_ready = False
        self._pid_of_parent = os.getpid()
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
        self.end = weakref.finalize(self, _end, self._process, self._connection, self._pid_of_parent)
        self.send(task)

    @property
    def is_ours(self) -> bool:
        """Whether this process of Python has started it, and has not ended it."""
        return self.end.alive and self._pid_of_parent == os.getpid()

    @property
    def status(self) -> str:
        return f"exit status {self._process.poll()}"

    def send(self, message: Any) -> None:
        with suppress(OSError):  # it has ended, which `result` will notice
            self._connection.send(message)

    def results(self, seconds: float) -> Iterator[Any] | Failure:
        """The results of the next batch, or the Failure for which there are none.

        `seconds` of the clock are waited for them. The iterator raises what the function has raised.
        """
        answers = self._receive(seconds)
        if answers == READY:
            self.is_ready = True
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


def _end(process: subprocess.Popen[bytes], connection: Connection, pid_of_parent: int) -> None:
    connection.close()
    if os.getpid() == pid_of_parent:  # after a fork, the process belongs to the other one
        process.kill()
        process.wait()


# --- the side of the child ---


def serve(number: int) -> None:
    """Runs the task that comes first over the connection with this number, on each content that follows."""
    connection = Connection(number)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with suppress(EOFError, OSError):  # the parent has ended
        function, arguments, seconds = connection.recv()
        warnings.simplefilter("ignore")  # what is wrong with a content is said by its result
        limit_memory()
        connection.send(READY)
        # libtiff and others write what is wrong with a content to stderr, without the name of the file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        waiting: SimpleQueue[list[Any]] = SimpleQueue()
        threading.Thread(target=_receive, args=(connection, waiting), daemon=True).start()
        while True:
            answers = []
            for content in waiting.get():
                signal.setitimer(signal.ITIMER_PROF, seconds)  # then the system ends the process, whatever it is doing
                answers.append(_answer(function, content, arguments))
            connection.send(answers)


def _answer(function: Callable[..., Any], content: Any, arguments: tuple[Any, ...]) -> tuple[str, Any]:
    try:
        return "result", function(content, *arguments)
    except MemoryError:
        os._exit(1)
    except Exception as error:
        error.add_note(traceback.format_exc())
        try:
            ForkingPickler.loads(ForkingPickler.dumps(error))
        except Exception:
            return "error", RuntimeError(traceback.format_exc())
        return "error", error


def _receive(connection: Connection, waiting: SimpleQueue[list[Any]]) -> None:
    """Reads batches until the parent closes the connection or ends; then nobody wants the results."""
    try:
        while True:
            waiting.put(connection.recv())
    finally:
        os._exit(1)


def limit_memory() -> None:
    _, highest = resource.getrlimit(resource.RLIMIT_DATA)
    limit = MEMORY if highest == resource.RLIM_INFINITY else min(MEMORY, highest)
    with suppress(OSError, ValueError):  # macOS
        resource.setrlimit(resource.RLIMIT_DATA, (limit, highest))
