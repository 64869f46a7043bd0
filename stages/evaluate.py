"""Scores the predictions, beside two baselines; writes metrics/evaluate.json and the plots. Runs no model.

The baselines: one who has seen the labels and no row (the majority class, the mean), and the probe of label_audit (a linear model on the
frozen embeddings, fitted on the same training rows).
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
        ge=2, description="bins of confidence for the calibration error and the reliability diagram"
    )


class Params(Strict):
    target: str
    evaluate: Section


def rows_of(table: pa.Table, split: str) -> pa.Table:
    return table.filter(pc.equal(table["split"], split)).sort_by("id")


def conclusion(table: pa.Table) -> Conclusion:
    columns = [field.name for field in table.schema.field("predictions").type]
    return Conclusion(table["predicted_label"].to_pylist(), read_named_columns(table, "predictions"), columns)


def score_all(
    predictions: pa.Table, labels: pa.Table, scorer: Scorer, objective: type[Objective], bins: int
) -> dict[str, float]:
    """The model's metrics on test; on validation under `validation_`; the baselines' on test under `probe_` and under what the constant is."""
    test, validation, probe = rows_of(predictions, "test"), rows_of(predictions, "validation"), rows_of(labels, "test")
    truth = test["given_label"].to_pylist()
    contenders = {
        "": (truth, conclusion(test)),
        "validation_": (validation["given_label"].to_pylist(), conclusion(validation)),
        "probe_": (truth, conclusion(probe)),
        f"{scorer.CONSTANT}_": (truth, constant(labels, truth, scorer, objective)),
    }
    return {
        prefix + name: value
        for prefix, (given, concluded) in contenders.items()
        for name, value in scorer.score(given, concluded, bins).items()
    }


def constant(labels: pa.Table, truth: list[Any], scorer: Scorer, objective: type[Objective]) -> Conclusion:
    """What one concludes who has seen the training labels and no row."""
    train = labels.filter(pc.and_(pc.equal(labels["split"], "train"), labels["keep"]))["label"].to_pylist()
    naive = objective.of(train)
    naive = naive.tuned(train, scorer.constant(train, train, naive.columns))
    return naive.conclude(scorer.constant(train, truth, naive.columns))


def class_balance(target: Target) -> pd.DataFrame:
    """`stage`, `label`, `rows`: how many rows of each label were there after each stage."""
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
    rows = [(stage, label, count) for stage, labels in counts.items() for label, count in labels.items()]
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
    return Counts(test.num_rows, more=score_all(predictions, labels, scorer, load_objective(params.target), bins))


if __name__ == "__main__":
    run_stage("evaluate", Params, main)
