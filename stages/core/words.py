"""Numbers of rows in words, for what a stage says at its end. Each is true of no row, of one and of many."""

from collections.abc import Mapping


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
