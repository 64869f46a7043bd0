"""Prints lines.

A terminal would obey control characters of the data, or show the line in another order.
"""

from collections.abc import Iterable

from stages.core.errors import one_line


def write(lines: Iterable[str]) -> None:
    """Prints each line as one line."""
    print(*map(one_line, lines), sep="\n")
