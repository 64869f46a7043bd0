"""Checks of predictions that tests of targets and of tasks share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from stages.contracts.label import Target
from stages.contracts.objective import Conclusion
from stages.core import tables
from stages.core.tables import Predictions


def same_bits(one: Any, other: Any) -> bool:
    """Of (n_rows, n) numbers, or of one array of any shape a row."""
    return [(row.dtype, row.shape, row.tobytes()) for row in one] == [
        (row.dtype, row.shape, row.tobytes()) for row in other
    ]


def check_conclusion(found: Conclusion, n_rows: int, target: Target) -> None:
    """Labels and numbers that can be stored, and read again as they were."""
    assert pa.array(found.labels, target.LABEL).to_pylist() == list(found.labels)
    assert len(found.labels) == n_rows
    check_predictions(found.predictions, n_rows, found.columns)
    stored = pa.table({"predictions": tables.named_columns(found.predictions, found.columns)})
    assert [one.name for one in stored.schema.field("predictions").type] == list(found.columns)
    assert same_bits(tables.read_named_columns(stored, "predictions"), found.predictions)


def check_predictions(predictions: Predictions, n_rows: int, columns: Sequence[str]) -> None:
    """float64, (n_rows, n_columns); of tokens (n_tokens, n_columns) a row."""
    assert len(set(columns)) == len(columns)
    assert len(predictions) == n_rows
    for row in predictions:
        assert row.dtype == np.float64
        assert row.shape[-1:] == (len(columns),)
        assert row.ndim == (2 if predictions.dtype == object else 1)
        assert np.isfinite(row).all()
