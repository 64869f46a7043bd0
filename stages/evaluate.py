"""Scores the predictions, beside two baselines; writes metrics/evaluate.json and the plots. Runs no model.

The baselines: the majority class, and the probe of label_audit (logistic regression on the frozen embeddings, fitted on the same training rows).
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages import paths
from stages.atomic import write_text
from stages.contracts import Predictions, Target, load_target
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.tables import iter_rows, read_frame, read_named_columns, read_table


class Section(Strict):
    calibration_bins: int = Field(ge=2, description="bins of confidence for the calibration error and the reliability diagram")


class Params(Strict):
    target: str
    evaluate: Section


def rows_of(table: pa.Table, split: str) -> pa.Table:
    return table.filter(pc.equal(table["split"], split)).sort_by("id")


def column_names(table: pa.Table) -> list[str]:
    return [field.name for field in table.schema.field("predictions").type]


def score_all(predictions: pa.Table, labels: pa.Table, target: Target, bins: int) -> dict[str, float]:
    """The model's metrics on test; on validation under `validation_`; the baselines' on test under `probe_` and `majority_`."""
    columns = column_names(predictions)
    given, probe = rows_of(predictions, "test"), rows_of(labels, "test")
    truth = given["given_label"].to_pandas()
    train = labels.filter(pc.and_(pc.equal(labels["split"], "train"), labels["keep"]))["label"].to_pandas()
    validation = rows_of(predictions, "validation")
    contenders: dict[str, tuple[pd.Series, Predictions]] = {
        "": (truth, read_named_columns(given, "predictions")),
        "validation_": (validation["given_label"].to_pandas(), read_named_columns(validation, "predictions")),
        "probe_": (truth, read_named_columns(probe, "predictions")),
        "majority_": (truth, target.majority(train, len(truth), columns)),
    }
    return {
        prefix + name: value
        for prefix, (labels_given, predicted) in contenders.items()
        for name, value in target.score(labels_given, predicted, columns, bins).items()
    }


def class_balance() -> pd.DataFrame:
    """`stage`, `label`, `rows`: how many rows of each label were there after each stage."""
    stages: dict[str, Counter[str]] = {"1 collected": Counter(row["label"] or "" for row in iter_rows(paths.COLLECTED, ["label"]))}
    cleaned = read_frame(paths.CLEANED, ["id", "label"])
    stages["2 cleaned"] = Counter(cleaned["label"])
    split = read_frame(paths.SPLIT_VERDICTS, ["id", "keep", "split"]).merge(cleaned, on="id")
    split = split[split["keep"]]
    stages["3 split"] = Counter(split["label"])
    stages["4 to train on"] = Counter(split.loc[split["split"] == "train", "label"])
    stages["5 trained on"] = Counter(row["label"] for row in iter_rows(paths.TRAIN, ["label"]))
    rows = [(stage, label, count) for stage, labels in stages.items() for label, count in sorted(labels.items())]
    return pd.DataFrame(rows, columns=["stage", "label", "rows"])


def write_plots(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))


def main(params: Params) -> Counts:
    target, bins = load_target(params.target), params.evaluate.calibration_bins
    predictions, labels = read_table(paths.PREDICTIONS), read_table(paths.LABEL_VERDICTS)
    test = rows_of(predictions, "test")
    plots = target.plots(test["given_label"].to_pandas(), read_named_columns(test, "predictions"), column_names(test), bins)
    write_plots({**plots, "class_balance": class_balance()}, paths.PLOTS)
    return Counts(test.num_rows, more=score_all(predictions, labels, target, bins))


if __name__ == "__main__":
    run_stage("evaluate", Params, main)
