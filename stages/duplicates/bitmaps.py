"""Upper bounds of the Jaccard coefficients of many pairs of sets, to skip exact comparisons of pairs below a threshold.

A bitmap has one bit per hash value of a member. If a bit is set in one bitmap only, its member is in one set only: so
each such bit stands for at least one member that the sets do not share, and hash collisions can raise the bound but not
lower it. Texts that follow one template share MinHash buckets with all others; without these bounds, every pair of them
would be compared exactly.
"""

from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

BITS = 2_048  # 256 bytes per set


class Bitmaps:
    """Bitmaps of the sets of rows, each computed when it is first needed."""

    def __init__(self, members: Callable[[int], frozenset[str]]) -> None:
        """
        Args:
            members: the set of a row.
        """
        self._members = members
        self._position: dict[int, int] = {}  # of a row, in the arrays below
        self._bits = np.zeros((64, BITS // 64), dtype=np.uint64)
        self._sizes = np.zeros(64, dtype=np.int64)

    def bounds(self, row: int, others: Sequence[int]) -> npt.NDArray[np.float64]:
        """An upper bound of the similarity of the row to each of the others, (n_others,)."""
        position = self._find_or_add(row)
        positions = np.array([self._find_or_add(other) for other in others], dtype=np.intp)
        bits, size = self._bits[position], self._sizes[position]
        others_bits, others_sizes = self._bits[positions], self._sizes[positions]
        n_common_bits = np.bitwise_count(bits & others_bits).sum(axis=1, dtype=np.int64)
        # The least number of members that are in one of the sets only.
        only_row = np.bitwise_count(bits).sum(dtype=np.int64) - n_common_bits
        only_others = np.bitwise_count(others_bits).sum(axis=1, dtype=np.int64) - n_common_bits
        common = np.minimum(size - only_row, others_sizes - only_others)
        return np.asarray(common / (size + others_sizes - common))

    def _find_or_add(self, row: int) -> int:
        """The position of a row in the arrays."""
        if row not in self._position:
            self._position[row] = len(self._position)
            self._store(self._position[row], self._members(row))
        return self._position[row]

    def _store(self, position: int, members: frozenset[str]) -> None:
        if position == len(self._bits):
            self._bits = np.concatenate([self._bits, np.zeros_like(self._bits)])
            self._sizes = np.concatenate([self._sizes, np.zeros_like(self._sizes)])
        flags = np.zeros(BITS, dtype=bool)
        flags[[crc32(member.encode("utf-8", "replace")) % BITS for member in members]] = True
        self._bits[position] = np.packbits(flags).view(np.uint64)
        self._sizes[position] = len(members)
