"""What networks read, and what they give: arrays of numpy, whatever library runs them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stages.core.tables import Content

Inputs = Mapping[str, npt.NDArray[Any]]  # by the name of a network's argument, (n_rows, ...) each
Outputs = npt.NDArray[np.float32]  # (n_rows, ...)
Network = Callable[[Inputs], Outputs]


def only(outputs: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """The output of a content that has one window."""
    (output,) = outputs
    return output


@dataclass(frozen=True)
class Encoded:
    """A content as a network reads it. Most contents are one window; a long text may be several."""

    windows: Sequence[Inputs]  # of one row each; their shapes depend on this content alone
    join: Callable[[Sequence[npt.NDArray[np.float32]]], npt.NDArray[np.float32]] = only  # the outputs of its windows


class Frontend(Protocol):
    """Converts cleaned contents into the inputs of a network. It needs no torch."""

    def encode(self, contents: Sequence[Content]) -> Iterator[Encoded]:
        """What the network reads of each content, in their order."""
