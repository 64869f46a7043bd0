"""Runs networks on batches of fixed shapes, so that the bits of a row's output do not depend on the other rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from stages.contracts._network import Encoded, Frontend, Inputs, Network
from stages.core.tables import Content

Shape = tuple[tuple[str, tuple[int, ...]], ...]


def run(
    network: Network, frontend: Frontend, contents: Sequence[Content], batch_size: int, title: str
) -> list[npt.NDArray[np.float32]]:
    """The output of a network for each content.

    Every batch has `batch_size` windows of one shape, because kernels choose their order of summation by shape: a short
    last batch is filled up with copies of its first window. For the place of a row in its batch see core/__init__.py.

    Args:
        title: the title of the progress bar.
    """
    waiting: dict[Shape, list[tuple[int, int, Inputs]]] = {}  # windows by shape, each with its content and number
    unfinished: dict[int, Unfinished] = {}  # by the number of the content
    outputs: dict[int, npt.NDArray[np.float32]] = {}
    with tqdm(total=len(contents), desc=title, unit=" rows", disable=None) as progress:

        def run_batch(shape: Shape) -> None:
            batch = waiting.pop(shape)
            rows = [inputs for _, _, inputs in batch]
            rows += rows[:1] * (batch_size - len(batch))
            for (content, number, _), output in zip(batch, network(stacked(rows)), strict=False):
                unfinished[content].outputs[number] = output
                if unfinished[content].is_complete:
                    outputs[content] = unfinished.pop(content).joined()
                    progress.update()

        for content, encoded in enumerate(frontend.encode(contents)):
            unfinished[content] = Unfinished(encoded)
            for number, inputs in enumerate(encoded.windows):
                shape = tuple((name, values.shape) for name, values in inputs.items())
                waiting.setdefault(shape, []).append((content, number, inputs))
                if len(waiting[shape]) == batch_size:
                    run_batch(shape)
        for shape in sorted(waiting):
            run_batch(shape)
    return [outputs[content] for content in range(len(contents))]


@dataclass
class Unfinished:
    """A content, some of whose windows were run."""

    encoded: Encoded
    outputs: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict)  # by the number of the window

    @property
    def is_complete(self) -> bool:
        return len(self.outputs) == len(self.encoded.windows)

    def joined(self) -> npt.NDArray[np.float32]:
        return self.encoded.join([self.outputs[number] for number in range(len(self.outputs))])


def stacked(rows: Sequence[Inputs]) -> Inputs:
    """One batch out of rows with equal shapes."""
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
