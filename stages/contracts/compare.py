"""How duplicates are compared: their contents by stages/modalities/<name>/compare.py, their labels by
stages/targets/<name>/compare.py.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from stages.core import variants
from stages.core.tables import Content, Label


class Comparer(Protocol):
    """Keys for exact duplicates; fingerprints and their similarity for near duplicates."""

    signatures: Callable[[Sequence[Content], float], npt.NDArray[np.uint64]] | None
    """Set if fingerprints are sets of strings and `similarity` is Jaccard's coefficient.
    None if fingerprints are vectors of length 1 and `similarity` is their cosine.

    Returns (n_rows, n_buckets): near duplicates at the given threshold very likely share a value in some column.
    """

    def exact_key(self, content: Content) -> bytes:
        """16 bytes, equal for two contents if and only if they are exact duplicates."""

    def size(self, content: Content) -> int:
        """The length that `keep: longest` compares."""

    def fingerprint(self, content: Content) -> Any:
        """The input of `similarity`."""

    def similarity(self, one: Any, other: Any) -> float:
        """The exact similarity of two fingerprints, 0 to 1."""


def load_comparer(modality: str) -> Comparer:
    return cast(Comparer, variants.load("modalities", modality, "compare"))


class LabelComparer(Protocol):
    """Says which labels contradict each other."""

    def agreement(self, labels: Sequence[Any]) -> Callable[[Label, Label], bool]:
        """A function that says whether the labels of two duplicates agree; `labels` are those of all rows."""


def load_label_comparer(target: str) -> LabelComparer:
    return cast(LabelComparer, variants.load("targets", target, "compare"))
