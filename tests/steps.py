"""Counts the work of code in steps, which are the same on every machine, however busy it is."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

MOST = 15  # times the steps, for ten times the input


def steps(work: Callable[[], object]) -> int:
    """The lines of Python that are executed, those of comprehensions once per element."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def grows_linearly(work_of: Callable[[int], Callable[[], object]], size: int) -> bool:
    """Whether ten times the input needs at most 15 times the steps; `work_of` prepares an input of a size."""
    small, large = work_of(size), work_of(10 * size)
    small()  # what is only done once, such as imports
    return steps(large) <= MOST * steps(small)


class CountedText(str):
    """A text that counts the characters that are copied out of it, and how often it is compared."""

    n_copied = 0
    n_compared = 0

    def __getitem__(self, place: Any) -> str:
        part = super().__getitem__(place)
        CountedText.n_copied += len(part)
        return part

    def __eq__(self, other: object) -> bool:
        CountedText.n_compared += 1
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()
