"""Lines for a terminal, which would obey control characters of the data, or be reordered by them."""

from collections.abc import Iterable

from stages.core.errors import printable


def one_line(text: str) -> str:
    """The text without line ends, and with escapes for what cannot be seen."""
    return printable(text).replace("\n", r"\n").replace("\t", r"\t")


def write(lines: Iterable[str]) -> None:
    """Prints each line as one line."""
    print(*map(one_line, lines), sep="\n")
