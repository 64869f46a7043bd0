"""Scores the predictions of the model and of two baselines; writes metrics/evaluate.json and the plots. Runs no model.

The baselines are a constant prediction (such as the majority class or the mean of the training labels), and
the probe of label_audit, a linear model on frozen embeddings that is fitted on the same training rows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.contracts.label import Target, load_target
from stages.contracts.objective import Conclusion, Objective, load_objective
from stages.contracts.score import Scorer, load_scorer
from stages.core import paths
from stages.core.atomic import write_text
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import iter_rows, read_frame, read_named_columns, read_table
from stages.labels.balance import count_names


class Section(Strict):
    calibration_bins: int = Field(
        ge=2, description="number of confidence bins of the calibration error and the reliability diagram"
    )


class Params(Strict):
    target: str
    evaluate: Section


def rows_of(table: pa.Table, split: str) -> pa.Table:
    """The rows of a split, in the order of ids."""
    return table.filter(pc.equal(table["split"], split)).sort_by("id")


def conclusion(table: pa.Table) -> Conclusion:
    """The predictions of these rows."""
    columns = [field.name for field in table.schema.field("predictions").type]
    return Conclusion(table["predicted_label"].to_pylist(), read_named_columns(table, "predictions"), columns)


def score_all(
    predictions: pa.Table, labels: pa.Table, scorer: Scorer, objective: type[Objective], bins: int
) -> dict[str, float]:
    """The metrics of the model on test; with a prefix, those of the model on validation and of the baselines on test.

    The prefixes are `validation_`, `probe_` and the name of the constant baseline, such as `majority_`.
    """
    test, validation = rows_of(predictions, "test"), rows_of(predictions, "validation")
    given = test["given_label"].to_pylist()
    scores = {
        "": scorer.score(given, conclusion(test), bins),
        "validation_": scorer.score(validation["given_label"].to_pylist(), conclusion(validation), bins),
        "probe_": scorer.score(given, conclusion(rows_of(labels, "test")), bins),
        f"{scorer.CONSTANT}_": scorer.score(given, constant(labels, given, scorer, objective), bins),
    }
    metrics = {}
    for prefix, values in scores.items():
        metrics.update({prefix + name: value for name, value in values.items()})
    return metrics


def constant(labels: pa.Table, given: list[Any], scorer: Scorer, objective: type[Objective]) -> Conclusion:
    """The predictions of the constant baseline for rows with the labels `given`."""
    in_train = pc.and_(pc.equal(labels["split"], "train"), labels["keep"])
    train = labels.filter(in_train)["label"].to_pylist()
    of_train = objective.of(train)
    tuned = of_train.tuned(train, scorer.constant(train, train, of_train.columns))
    return tuned.conclude(scorer.constant(train, given, tuned.columns))


def class_balance(target: Target) -> pd.DataFrame:
    """`stage`, `label`, `rows`: the number of rows with each label after each stage."""
    cleaned = read_frame(paths.CLEANED, ["id", "label"])
    split = read_frame(paths.SPLIT_VERDICTS, ["id", "keep", "split"]).merge(cleaned, on="id")
    split = split[split["keep"]]
    stages = {
        "1 collected": [row["label"] for row in iter_rows(paths.COLLECTED, ["label"])],
        "2 cleaned": cleaned["label"].tolist(),
        "3 split": split["label"].tolist(),
        "4 to train on": split.loc[split["split"] == "train", "label"].tolist(),
        "5 trained on": [row["label"] for row in iter_rows(paths.TRAIN, ["label"])],
    }
    counts = count_names(target, stages)
    rows = []
    for stage, labels in counts.items():
        rows += [(stage, label, count) for label, count in labels.items()]
    return pd.DataFrame(rows, columns=["stage", "label", "rows"])


def write_plots(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))


def main(params: Params) -> Counts:
    scorer, bins = load_scorer(params.target), params.evaluate.calibration_bins
    predictions, labels = read_table(paths.PREDICTIONS), read_table(paths.LABEL_VERDICTS)
    test = rows_of(predictions, "test")
    plots = scorer.plots(test["given_label"].to_pylist(), conclusion(test), bins)
    write_plots({**plots, "class_balance": class_balance(load_target(params.target))}, paths.PLOTS)
    metrics = score_all(predictions, labels, scorer, load_objective(params.target), bins)
    return Counts(test.num_rows, more=metrics)


if __name__ == "__main__":
    run_stage("evaluate", Params, main)
