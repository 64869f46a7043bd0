"""Time and peak memory of `tools.trace` and of the report, on up to a million synthetic texts.

collect, clean and dedupe run; the verdicts of outliers, split and label_audit are random.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from bench import Usage, report, run_measured
from bench.million import project_of
from stages import label_audit, outliers, split
from stages.core import paths
from stages.core.tables import read_frame, write_frame, write_tables
from stages.targets.category import label

SIZES = (100_000, 1_000_000)
TARGET_SECONDS = 10  # for a trace: a person waits for it
TARGET_MB = 2_000
TRACES = ("trace by id", "trace by source", "trace by text")
TOOLS = (*TRACES, "report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("story")
    group.add_argument(
        "--story-rows", type=int, nargs="+", default=SIZES, help="numbers of rows (default: 100000 1000000)"
    )


def write_random_verdicts(folder: Path) -> None:
    """Verdicts of the stages that need vectors: 1% outliers, 10% validation, 10% test, 2% doubtful labels."""
    rng = np.random.default_rng(0)
    duplicates = read_frame(folder / paths.DUPLICATE_VERDICTS, ["id", "keep", "cluster"])
    labels = read_frame(folder / paths.CLEANED, ["id", "label"])
    rows = duplicates[duplicates["keep"]].merge(labels, on="id")
    write_outliers(folder, rows, rng)
    splits = rng.choice(["train", "validation", "test"], len(rows), p=[0.8, 0.1, 0.1])
    write_splits(folder, duplicates, rows, splits)
    write_label_issues(folder, rows, splits, rng)


def write_outliers(folder: Path, rows: pd.DataFrame, rng: np.random.Generator) -> None:
    score = rng.random(len(rows))
    others = rng.permutation(rows["id"])
    columns = {
        "id": rows["id"],
        "keep": score <= 0.99,
        "reason": np.where(score > 0.99, "far_from_all", None),
        "score": score,
        "nearest": others,
        "class_score": score,
        "class_nearest": others,
        "far_from_class": score < 0.01,
    }
    write_frame(folder / paths.OUTLIER_VERDICTS, pd.DataFrame(columns), outliers.VERDICT)


def write_splits(folder: Path, duplicates: pd.DataFrame, rows: pd.DataFrame, splits: Sequence[str]) -> None:
    verdicts = duplicates.merge(pd.DataFrame({"id": rows["id"], "split": splits}), on="id", how="left")
    verdicts["unit"] = duplicates["cluster"]
    verdicts["reason"] = verdicts["keep"].map({True: None, False: "duplicate"})
    write_frame(folder / paths.SPLIT_VERDICTS, verdicts, split.VERDICT)


def write_label_issues(folder: Path, rows: pd.DataFrame, splits: Sequence[str], rng: np.random.Generator) -> None:
    quality = rng.random(len(rows))
    audited = rows.assign(
        split=splits,
        label_quality=quality,
        is_label_issue=quality < 0.02,
        given_label=rows["label"],
        predicted_label="tea",
        spared=None,
    )
    audited["keep"] = ~((audited["split"] == "train") & (quality < 0.01))
    audited["reason"] = audited["keep"].map({True: None, False: "label_issue"})
    classes = ["bread", "fruit", "meat", "tea"]
    predictions = np.tile([0.25], (len(rows), len(classes)))
    write_tables(folder / paths.LABEL_VERDICTS, [label_audit.as_table(audited, predictions, classes, label)])


def run_size(n_rows: int) -> dict[str, Usage]:
    """The usage of each tool."""
    with project_of(n_rows) as folder:
        for stage in ("collect", "clean", "dedupe"):
            run_measured(["-m", f"stages.{stage}"], folder)
        write_random_verdicts(folder)
        row = read_frame(folder / paths.CLEANED, ["id", "content", "source"]).iloc[n_rows // 2]
        arguments_of_traces = ([row["id"]], ["--row", row["source"]], ["--text", row["content"]])
        usages = {
            name: run_measured(["-m", "tools.trace", *arguments], folder)
            for name, arguments in zip(TRACES, arguments_of_traces, strict=True)
        }
        return {**usages, "report": run_measured(["-m", "stages.report"], folder)}


def main(arguments: argparse.Namespace) -> None:
    sizes = sorted(arguments.story_rows)
    usages = {n_rows: run_size(n_rows) for n_rows in sizes}
    table = []
    for tool in TOOLS:
        for n_rows in sizes:
            usage = usages[n_rows][tool]
            table.append((tool, f"{n_rows:,}", usage.seconds, usage.cpu_seconds, f"{usage.peak_mb:,.0f}"))
    largest = usages[sizes[-1]]
    slowest = max(largest[name].seconds for name in TRACES)
    peak = max(usage.peak_mb for usage in largest.values())
    summary = (
        f"{slowest:.1f} s for the slowest trace of {sizes[-1]:,} rows (target: {TARGET_SECONDS}), "
        f"peak {peak:,.0f} MB (target: {TARGET_MB:,})"
    )
    by_tool = {tool: {n_rows: asdict(usages[n_rows][tool]) for n_rows in sizes} for tool in TOOLS}
    result = {"target_seconds": TARGET_SECONDS, "target_mb": TARGET_MB, "tools": by_tool}
    report("story", ("tool", "rows", "seconds", "CPU s", "peak MB"), table, summary, result)
