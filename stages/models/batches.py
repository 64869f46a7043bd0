"""Models run over batches of fixed shapes, so that the bits of a row's output do not depend on the other rows."""

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
    """What `forward` gives for each row, over batches of `batch_size` prepared rows of one shape.

    Kernels choose their order of summation by shape: a short last batch is filled up, and a row's shape must follow from the row alone.
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
