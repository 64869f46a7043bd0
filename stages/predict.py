"""Runs the model on data/validation and data/test; writes data/predictions, one prediction per row, keyed by id."""

from collections.abc import Iterator

import pyarrow as pa
from pydantic import Field

from stages.core import paths
from stages.core.params import Strict
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import PART_ROWS, count_rows, iter_rows, iter_tables, named_columns, write_tables
from stages.core.words import counted
from stages.models.threads import set_threads
from stages.serving.predictor import Predictor, load_predictor


class Section(Strict):
    batch_size: int = Field(ge=1, le=256, description="rows per batch; an incomplete last batch is padded to this size")


class Params(Strict):
    modality: str
    target: str
    threads: int = Field(ge=1)
    predict: Section


def predicted(predictor: Predictor, batch_size: int) -> Iterator[pa.Table]:
    """The predictions for held-out rows, part by part, so that memory is bounded by a part."""
    for split, folder in paths.HELD_OUT.items():
        for rows in iter_tables(folder, ["id", "content", "label"], PART_ROWS):
            concluded = predictor.predict(rows["content"].to_pylist(), batch_size)
            yield pa.table(
                {
                    "id": rows["id"],
                    "split": pa.array([split] * rows.num_rows),
                    "given_label": rows["label"],
                    "predicted_label": pa.array(concluded.labels, rows.schema.field("label").type),
                    "predictions": named_columns(concluded.predictions, concluded.columns),
                }
            )


def warnings(given: list[str], predicted: list[str]) -> list[DataWarning]:
    """A warning if the model says the same for every row, though the rows have several labels."""
    if len(set(given)) > 1 and len(set(predicted)) == 1:
        return [DataWarning(f"all {len(predicted):,} predictions are {predicted[0][:40]}", "lr")]
    return []


def main(params: Params) -> Counts:
    set_threads(params.threads)
    write_tables(paths.PREDICTIONS, predicted(load_predictor(paths.MODEL), params.predict.batch_size))
    rows = list(iter_rows(paths.PREDICTIONS, ["given_label", "predicted_label"]))
    given, predicted_labels = ([repr(row[name]) for row in rows] for name in ("given_label", "predicted_label"))
    sizes = " and ".join(f"{counted(count_rows(folder), 'row')} of {name}" for name, folder in paths.HELD_OUT.items())
    return Counts(len(rows), warnings=warnings(given, predicted_labels), found=[f"predicted {sizes}"])


if __name__ == "__main__":
    run_stage("predict", Params, main)
