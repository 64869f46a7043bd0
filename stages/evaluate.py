"""Scores the predictions of the model and of its baselines, and says in one sentence which is better.

Writes metrics/evaluate.json, metrics/verdict.txt and the plots. The baselines are

- a constant prediction, such as the majority class or the mean of the training labels;
- the probe of label_audit, a linear model on frozen embeddings that is fitted on the same training rows;
- of texts, a linear model on TF-IDF, which is fitted here: it takes seconds, and needs no encoder.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from stages.comparison.lexical import LEXICAL, lexical_baseline
from stages.comparison.verdict import Contenders, judge
from stages.contracts.baseline import load_baseline
from stages.contracts.label import Target, load_target
from stages.contracts.objective import Conclusion, Objective, load_objective
from stages.contracts.score import Scorer, load_scorer
from stages.core import paths
from stages.core.atomic import write_text
from stages.core.errors import InputError
from stages.core.inert import write_csv
from stages.core.params import Strict
from stages.core.run import Counts, run_stage
from stages.core.tables import iter_rows, read_frame, read_named_columns, read_table
from stages.core.words import counted
from stages.labels.balance import count_names


class Section(Strict):
    calibration_bins: int = Field(
        ge=2, description="number of confidence bins of the calibration error and the reliability diagram"
    )


class Params(Strict):
    modality: str
    target: str
    evaluate: Section


def rows_of(table: pa.Table, split: str) -> pa.Table:
    """The rows of a split, in the order of ids."""
    return table.filter(pc.equal(table["split"], split)).sort_by("id")


def conclusion(table: pa.Table) -> Conclusion:
    """The predictions of these rows.

    Raises:
        InputError: some of them are no numbers.
    """
    columns = [field.name for field in table.schema.field("predictions").type]
    outputs = read_named_columns(table, "predictions")
    n_bad = sum(not np.isfinite(row).all() for row in outputs)
    if n_bad:
        raise InputError(
            f"{paths.PREDICTIONS}: {n_bad:,} of {len(outputs):,} rows have a prediction that is no finite number, "
            "so the training diverged; set a lower lr"
        )
    return Conclusion(table["predicted_label"].to_pylist(), outputs, columns)


# --- the baselines ---


def contenders(
    predictions: pa.Table, labels: pa.Table, scorer: Scorer, objective: type[Objective], lexical: Conclusion | None
) -> Contenders:
    """The model, the probe, the lexical baseline if there is one, and the constant baseline."""
    test = rows_of(predictions, "test")
    given = test["given_label"].to_pylist()
    baselines = {"probe": conclusion(rows_of(labels, "test"))}
    if lexical is not None:
        baselines[LEXICAL] = lexical
    baselines[scorer.CONSTANT] = constant(labels, given, scorer, objective)
    return Contenders(given, conclusion(test), baselines)


def constant(labels: pa.Table, given: list[Any], scorer: Scorer, objective: type[Objective]) -> Conclusion:
    """The predictions of the constant baseline for rows with the labels `given`."""
    in_train = pc.and_(pc.equal(labels["split"], "train"), labels["keep"])
    train = labels.filter(in_train)["label"].to_pylist()
    of_train = objective.of(train)
    tuned = of_train.tuned(train, scorer.constant(train, train, of_train.columns))
    return tuned.conclude(scorer.constant(train, given, tuned.columns))


# --- the scores ---


def score_all(contenders: Contenders, validation: pa.Table, scorer: Scorer, bins: int) -> dict[str, float]:
    """The metrics of the model on test; with a prefix, those of the model on validation and of the baselines on test.

    The prefixes are `validation_`, `probe_`, `lexical_` and the name of the constant baseline, such as `majority_`.
    """
    scores = {
        "": scorer.score(contenders.given, contenders.model, bins),
        "validation_": scorer.score(validation["given_label"].to_pylist(), conclusion(validation), bins),
    }
    for name, baseline in contenders.baselines.items():
        scores[f"{name}_"] = scorer.score(contenders.given, baseline, bins)
    metrics = {}
    for prefix, values in scores.items():
        metrics.update({prefix + name: value for name, value in values.items()})
    return metrics


# --- the plots ---


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
        write_csv(folder / f"{name}.csv", table)


def in_words(metrics: Mapping[str, float], name: str, n_rows: int) -> str:
    """The score on test; `name` is its metric."""
    score, low, high = (metrics[key] for key in (name, f"{name}_low", f"{name}_high"))
    numbers = f"{score:.3f} (95% interval {low:.3f} to {high:.3f})" if math.isfinite(score) else "cannot be computed"
    return f"scored {counted(n_rows, 'row')} of test: {name} {numbers}"


def main(params: Params) -> Counts:
    scorer, objective = load_scorer(params.target), load_objective(params.target)
    bins = params.evaluate.calibration_bins
    predictions = read_table(paths.PREDICTIONS, ["id", "split", "given_label", "predicted_label", "predictions"])
    labels = read_table(paths.LABEL_VERDICTS, ["id", "keep", "split", "label", "predicted_label", "predictions"])
    test, validation = rows_of(predictions, "test"), rows_of(predictions, "validation")
    has_token_labels = conclusion(test).predictions.dtype == object
    lexical = None if has_token_labels else lexical_baseline(load_baseline(params.modality), objective)
    compared = contenders(predictions, labels, scorer, objective, lexical)
    metrics = score_all(compared, validation, scorer, bins)
    verdict = judge(compared, scorer)
    plots = scorer.plots(compared.given, compared.model, bins)
    write_plots({**plots, "class_balance": class_balance(load_target(params.target))}, paths.PLOTS)
    write_text(paths.VERDICT, "".join(f"{sentence}\n" for sentence in verdict.sentences))
    found = [in_words(metrics, scorer.HEADLINE[0], test.num_rows), *verdict.good_news()]
    return Counts(test.num_rows, more=metrics, warnings=verdict.warnings, found=found)


if __name__ == "__main__":
    run_stage("evaluate", Params, main)
