"""The labels of the nearest rows as an opinion about a row."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from stages.core.tables import Vectors
from stages.vectors.nearest import nearest_neighbours

NEIGHBOURS = 50
SEARCHED = 100  # nearest rows among which neighbours of other units are looked for
PRIOR_VOTES = 0.5  # shared among all classes as they are in the data
SAMPLE = 15_000  # rows that can vote; more change the votes little and cost time
BATCH = 10_000  # rows that are searched at a time, so that memory is bounded


@dataclass(frozen=True)
class Voters:
    """The rows that vote."""

    vectors: Vectors  # (n_voters, dim), of length 1
    classes: npt.NDArray[np.int64]  # (n_voters,)
    units: npt.NDArray[np.str_]  # (n_voters,): the cluster or group of each

    def votes(
        self, vectors: Vectors, units: npt.NDArray[np.str_], prior: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        """(n_rows, n_classes): the shares of classes among the nearest voters that are not of the row's own unit.

        Args:
            prior: (n_classes,), the share of each class; it counts half a vote.
        """
        parts = []
        for start in range(0, len(vectors), BATCH):
            batch = slice(start, start + BATCH)
            parts.append(self._counts(vectors[batch], units[batch], len(prior)))
        counts = np.concatenate(parts)
        return np.asarray((counts + PRIOR_VOTES * prior) / (counts.sum(axis=1, keepdims=True) + PRIOR_VOTES))

    def _counts(self, vectors: Vectors, units: npt.NDArray[np.str_], n_classes: int) -> npt.NDArray[np.int64]:
        """(n_rows, n_classes): how many of the nearest voters have each class."""
        _, nearest = nearest_neighbours(self.vectors, vectors, min(SEARCHED, len(self.vectors)))
        is_other = self.units[nearest] != units[:, None]
        votes = is_other & (is_other.cumsum(axis=1) <= NEIGHBOURS)
        rows, columns = votes.nonzero()
        counts = np.zeros((len(vectors), n_classes), dtype=np.int64)
        np.add.at(counts, (rows, self.classes[nearest[rows, columns]]), 1)
        return counts
