"""Runs models on batches of fixed shapes, so that the bits of a row's output do not depend on the other rows."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

Row = TypeVar("Row")


def run_by_shape(
    shapes: Sequence[int],
    batch_size: int,
    prepare: Callable[[int], Row],
    forward: Callable[[list[Row], int], torch.Tensor],
    title: str,
) -> list[npt.NDArray[np.float32]]:
    """The output of `forward` for each row, in the order of `shapes`.

    Every batch has `batch_size` rows of one shape, because kernels choose their order of summation by shape: a short
    last batch is filled up with copies of its first row. For the place of a row in its batch see core/__init__.py.

    Args:
        shapes: the shape of each row, such as its padded length; it must follow from the row alone.
        batch_size: the number of rows of every batch.
        prepare: prepares the row of this number for `forward`.
        forward: runs the model on prepared rows of a shape; returns one output per row.
        title: the title of the progress bar.
    """
    groups: dict[int, list[int]] = {}
    for row, shape in enumerate(shapes):
        groups.setdefault(shape, []).append(row)
    outputs: dict[int, npt.NDArray[np.float32]] = {}
    with torch.inference_mode(), tqdm(total=len(shapes), desc=title, unit=" rows", disable=None) as progress:
        for shape, rows in sorted(groups.items()):
            for start in range(0, len(rows), batch_size):
                batch = rows[start : start + batch_size]
                prepared = [prepare(row) for row in batch]
                prepared += prepared[:1] * (batch_size - len(batch))
                result = forward(prepared, shape)[: len(batch)].float().cpu().numpy()
                outputs.update(zip(batch, result, strict=True))
                progress.update(len(batch))
    return [outputs[row] for row in range(len(shapes))]
