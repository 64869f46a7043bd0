"""The baseline on contents: a linear model of features that need no encoder, fitted on data/train in seconds."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages.contracts.baseline import Baseline
from stages.contracts.objective import Conclusion, Objective
from stages.core import paths
from stages.core.tables import read_table

LEXICAL = "lexical"  # the prefix of its metrics
MAX_ROWS = 50_000  # training rows that it is fitted on, those with the smallest ids: bounds its time
MAX_FEATURES = 20_000  # of one kind
MAX_WEIGHTS = 4_000_000  # features times outputs: bounds the memory of the solver, which holds some twenty copies
INVERSE_REGULARISATION = 10.0


def lexical_baseline(baseline: Baseline, objective_type: type[Objective]) -> Conclusion | None:
    """The predictions for data/test, in the order of ids; None if the modality has no features of contents.

    Thresholds are fitted on data/validation, as those of the model.
    """
    if baseline.features is None:
        return None
    originals, validation, test = read_originals(), read_rows(paths.VALIDATION), read_rows(paths.TEST)
    objective = objective_type.of(originals["label"].to_pylist())  # of all rows, so that it knows all classes
    train = originals.slice(0, MAX_ROWS)
    labels = train["label"].to_pylist()
    held_out = [*validation["content"].to_pylist(), *test["content"].to_pylist()]
    size = min(MAX_FEATURES, MAX_WEIGHTS // len(objective.columns))
    features, held_out_features = baseline.features(train["content"].to_pylist(), held_out, size)
    row_weights = train["weight"].to_numpy()
    weights, bias = objective.first_head(features, objective.targets(labels), INVERSE_REGULARISATION, row_weights)
    outputs = objective.outputs(np.asarray(held_out_features @ weights.T + bias))
    n_validation = validation.num_rows
    tuned = objective.tuned(validation["label"].to_pylist(), outputs[:n_validation])
    return tuned.conclude(outputs[n_validation:])


def read_rows(folder: Path) -> pa.Table:
    return read_table(folder, ["id", "content", "label"]).sort_by("id")


def read_originals() -> pa.Table:
    """The training rows without augmented copies."""
    table = read_table(paths.TRAIN, ["id", "copy", "content", "label", "weight"])
    return table.filter(pc.equal(table["copy"], 0)).sort_by("id")
