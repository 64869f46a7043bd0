"""Prints lines, and asks for one.

A terminal would obey control characters of the data, or show the line in another order.
"""

import os
import sys
from collections.abc import Iterable

from stages.core.errors import one_line, tolerate


def write(lines: Iterable[str]) -> None:
    """Prints each line as one line, as long as somebody reads: `head` closes the pipe.

    Signs that the encoding of the terminal lacks are escaped.
    """
    tolerate(sys.stdout, "backslashreplace")
    try:
        print(*map(one_line, lines), sep="\n", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end


def ask(question: str) -> str | None:
    """What is typed after the question, without spaces around it; None at the end of the input or at Ctrl-C.

    Nor does anybody type if an input or an output is closed, as for some programs that start others.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):  # Python reads no line without them
        return None
    tolerate(sys.stdin, "replace")  # bytes that are not UTF-8 are a wrong answer, not the end
    try:
        return input(f"{one_line(question)} ").strip()
    except (EOFError, KeyboardInterrupt):
        write([""])
        return None
