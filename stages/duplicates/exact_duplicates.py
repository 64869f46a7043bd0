"""Finds exact duplicates, and says how duplicates of any kind are found.

Each way is a `Finder`. Rows are passed to it one at a time, first to `matches`, and then to `add` if the row is kept.
So a row is only ever matched with kept rows. An index yields the candidates; then their similarity to the row is
computed exactly.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Match:
    """A kept row of which another row is a duplicate."""

    row: int
    similarity: float
    kind: str
    is_equal: bool = False  # whether the contents are equal; 1 is also the similarity of two plain images


class Finder(Protocol):
    """Finds duplicates of one kind."""

    def matches(self, row: int) -> list[Match]:
        """The kept rows whose similarity to this row reaches the threshold, the most similar first."""

    def add(self, row: int) -> None:
        """Records that a row is kept: the row that was last passed to `matches`, if any was."""


class ExactFinder:
    """Finds rows of the same content."""

    def __init__(self, content: npt.NDArray[np.intp], kind: str) -> None:
        """
        Args:
            content: (n_rows,) numbers, equal for rows of the same content.
        """
        self._content = content
        self._kind = kind
        self._kept = np.full(content.max(initial=-1) + 1, -1, dtype=np.intp)  # the kept row of each content; -1: none

    def matches(self, row: int) -> list[Match]:
        """The first kept row of the same content."""
        kept = int(self._kept[self._content[row]])
        return [Match(kept, 1.0, self._kind, is_equal=True)] if kept >= 0 else []

    def add(self, row: int) -> None:
        content = self._content[row]
        if self._kept[content] < 0:
            self._kept[content] = row
