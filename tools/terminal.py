"""Prints lines.

A terminal would obey control characters of the data, or show the line in another order.
"""

import os
import sys
from collections.abc import Iterable

from stages.core.errors import one_line


def write(lines: Iterable[str]) -> None:
    """Prints each line as one line, as long as somebody reads: `head` closes the pipe."""
    try:
        print(*map(one_line, lines), sep="\n", flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
