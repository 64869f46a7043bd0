"""Starts the output layer of a classifier of transformers from a linear probe (LP-FT: Kumar et al. 2022)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from tqdm import tqdm

from stages.contracts.objective import Learnable, RowWeights
from stages.core.errors import InputError
from stages.core.tables import Content, Vectors
from stages.models import pretrained
from stages.training.trainer import row_weights

Batch = Mapping[str, torch.Tensor]  # inputs of a model, by the name of its argument


def start_head(
    model: Any,
    as_batch: Callable[[Sequence[Content]], Batch],
    train: pa.Table,
    batch_size: int,
    objective: Learnable,
    C: float,
) -> None:
    """Starts the output layer from a probe of the training rows, without their copies.

    Args:
        as_batch: makes contents the inputs of the model.
        C: the inverse of the regularisation strength.
    """
    originals = train.filter(pc.equal(train["copy"], 0))
    contents = originals["content"].to_pylist()
    model.to(pretrained.device())

    def batches() -> Iterator[Batch]:
        for start in tqdm(range(0, len(contents), batch_size), desc="probe", unit=" batches", disable=None):
            batch = as_batch(contents[start : start + batch_size])
            yield {name: values.to(model.device) for name, values in batch.items()}

    targets = objective.targets(originals["label"].to_pylist())
    start_from_probe(model, batches(), targets, objective, C, row_weights(originals))


def start_from_probe(
    model: Any,
    batches: Iterable[Batch],
    targets: Sequence[Any],
    objective: Learnable,
    C: float,
    row_weights: RowWeights = None,
) -> None:
    """Fits a probe on what the output layer of `model` reads, and copies its weights into that layer.

    The vectors are scaled to a mean length of 1, so that C means the same for every model.

    Args:
        batches: inputs of the model, on its device: of all rows of `targets`, in their order.
        C: the inverse of the regularisation strength.
        row_weights: how much each row counts in the fit.
    """
    layer, vectors = output_layer(model, batches)
    length = float(np.linalg.norm(vectors, axis=1).mean())
    weights, bias = objective.first_head(vectors.astype(np.float64) / length, targets, C, row_weights)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weights / length))
        layer.bias.copy_(torch.from_numpy(bias))


def output_layer(model: Any, batches: Iterable[Batch]) -> tuple[torch.nn.Linear, Vectors]:
    """The linear layer whose output is the logits, and its inputs, (n_rows, dim).

    Raises:
        InputError: the logits come from something else.
    """
    calls: list[tuple[torch.nn.Linear, torch.Tensor, torch.Tensor]] = []  # a layer, its input and its output
    hooks = [
        layer.register_forward_hook(lambda layer, inputs, output: calls.append((layer, inputs[0], output)))
        for layer in model.modules()
        if isinstance(layer, torch.nn.Linear) and layer.out_features == model.config.num_labels
    ]
    model.eval()
    vectors = []
    try:
        with torch.inference_mode():
            for batch in batches:
                calls.clear()
                logits = model(**batch).logits
                last = [(layer, read) for layer, read, output in calls if output is logits]
                if len(last) != 1 or last[0][0].bias is None or logits.ndim != 2:
                    raise InputError(
                        "head_init: probe, but the model's logits are not the output of one linear layer with a bias; "
                        "set it to random"
                    )
                layer, read = last[0]
                vectors.append(read.float().cpu().numpy())
    finally:
        for hook in hooks:
            hook.remove()
    return layer, np.concatenate(vectors)
