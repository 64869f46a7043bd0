"""The words in which stages say what they found; those for numbers are true of no row, of one and of many."""

from collections.abc import Mapping
from textwrap import wrap

from stages.core.errors import one_line

COLUMNS = 120  # of a terminal


def wrapped(sentence: str) -> list[str]:
    """The lines of a sentence that may hold values of the input; those after the first are indented."""
    indent = " " * (len(sentence) - len(sentence.lstrip()) + 2)
    return wrap(one_line(sentence), COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def counted(count: int, noun: str) -> str:
    """Such as `1 row` and `1,143 rows`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def by_reason(dropped: Mapping[str, int], words: Mapping[str, str] | None = None) -> str:
    """Such as `15 too short, 10 empty`, the most rows first; empty if no row was dropped.

    Args:
        words: for reasons that do not read well after a number.
    """
    ordered = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{n:,} {(words or {}).get(reason, reason.replace('_', ' '))}" for reason, n in ordered if n)


def kept_rows(rows_in: int, dropped: Mapping[str, int]) -> str:
    """Such as `kept 8 of 10 rows, dropped 2: 1 empty, 1 too short`."""
    n_dropped = sum(dropped.values())
    reasons = f"dropped {n_dropped:,}: {by_reason(dropped)}" if n_dropped else "dropped none"
    return f"kept {rows_in - n_dropped:,} of {counted(rows_in, 'row')}, {reasons}"
