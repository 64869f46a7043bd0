"""Upper bounds of Jaccard's coefficient, for many sets at a time: what cannot reach the threshold need not be compared in full.

A member whose bit is not set in the other set's bitmap is not in the other set. So each bit that only one of two bitmaps has is a member that they do
not share, and the bound never falls below the coefficient, whatever bits collide. Texts made from one template all meet in some bucket of MinHash;
without this their cost would be the full comparison of every pair.
"""

from collections.abc import Callable, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

BITS = 2_048  # 256 bytes a set


class Bitmaps:
    """Of the sets that were asked about, each made once."""

    def __init__(self, members: Callable[[int], frozenset[str]]) -> None:
        self._members = members
        self._place: dict[int, int] = {}
        self._bits = np.zeros((64, BITS // 64), dtype=np.uint64)
        self._sizes = np.zeros(64, dtype=np.int64)

    def bounds(self, row: int, others: Sequence[int]) -> npt.NDArray[np.float64]:
        """(n_others,): no similarity of the row to one of the others is larger."""
        one, places = self._at(row), np.array([self._at(other) for other in others], dtype=np.intp)
        bits, others_bits = self._bits[one], self._bits[places]
        both = np.bitwise_count(bits & others_bits).sum(axis=1, dtype=np.int64)
        alone = np.bitwise_count(bits).sum(dtype=np.int64) - both  # at least so many members are in the one alone
        others_alone = np.bitwise_count(others_bits).sum(axis=1, dtype=np.int64) - both
        size, sizes = self._sizes[one], self._sizes[places]
        common = np.minimum(size - alone, sizes - others_alone)
        return np.asarray(common / (size + sizes - common))

    def _at(self, row: int) -> int:
        if row not in self._place:
            place = self._place[row] = len(self._place)
            if place == len(self._bits):
                self._bits = np.concatenate([self._bits, np.zeros_like(self._bits)])
                self._sizes = np.concatenate([self._sizes, np.zeros_like(self._sizes)])
            members = self._members(row)
            flags = np.zeros(BITS, dtype=bool)
            flags[[crc32(member.encode("utf-8", "replace")) % BITS for member in members]] = True
            self._bits[place], self._sizes[place] = np.packbits(flags).view(np.uint64), len(members)
        return self._place[row]
