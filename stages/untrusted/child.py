"""The process that runs a function on untrusted contents, as it sees itself; see worker.py."""

import os
import resource
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from queue import SimpleQueue
from typing import Any

# An hour of sound at 96 kHz takes 6 GiB. macOS has no such limit.
MEMORY = 8 * 2**30  # bytes


def serve(number: int) -> None:
    """Runs the task that comes first over the connection with this number, on each content that follows.

    The first message to the parent is the limit of memory: this process is ready. Then come the answers.
    """
    connection = Connection(number)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    with suppress(EOFError, OSError):  # the parent has ended
        function, arguments, seconds = connection.recv()
        warnings.simplefilter("ignore")  # what is wrong with a content is said by its result
        connection.send(limit_memory())
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


def limit_memory() -> int:
    """Limits the memory to MEMORY, or to a lower limit that the parent has; the bytes of the limit."""
    _, highest = resource.getrlimit(resource.RLIMIT_DATA)
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    limit = min(value for value in (MEMORY, highest, address_space) if value != resource.RLIM_INFINITY)
    with suppress(OSError, ValueError):  # macOS
        resource.setrlimit(resource.RLIMIT_DATA, (limit, highest))
    return limit
