"""What is told of many rows: time and peak memory of `tools.trace` and of the report, on synthetic texts.

collect, clean and dedupe are run; what outliers, split and label_audit would say is drawn by chance.
"""

import argparse
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
BAR_SECONDS = 10  # of a trace: a person waits for it
BAR_MB = 2_000
TOLD = ("trace by id", "trace by source", "trace by text", "report")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("story")
    group.add_argument(
        "--story-rows",
        type=int,
        nargs="+",
        default=SIZES,
        help="sizes to run, the smallest first (default: 100000 1000000)",
    )


def draw_verdicts(folder: Path) -> None:
    """Verdicts of the stages that need vectors: a hundredth outliers, a tenth each held out, a fiftieth with a doubtful label."""
    rng = np.random.default_rng(0)
    unique = read_frame(folder / paths.DUPLICATE_VERDICTS, ["id", "keep", "cluster"])
    rows = unique[unique["keep"]].merge(read_frame(folder / paths.CLEANED, ["id", "label"]), on="id")
    score = rng.random(len(rows))
    reason = np.where(score > 0.99, "far_from_all", None)
    found = pd.DataFrame(
        {
            "id": rows["id"],
            "keep": score <= 0.99,
            "reason": reason,
            "score": score,
            "nearest": rng.permutation(rows["id"]),
        }
    )
    write_frame(
        folder / paths.OUTLIER_VERDICTS,
        found.assign(class_score=score, class_nearest=found["nearest"], far_from_class=score < 0.01),
        outliers.VERDICT,
    )
    splits = rng.choice(["train", "validation", "test"], len(rows), p=[0.8, 0.1, 0.1])
    dealt = unique.merge(pd.DataFrame({"id": rows["id"], "split": splits}), on="id", how="left").assign(
        unit=unique["cluster"]
    )
    dealt["reason"] = dealt["keep"].map({True: None, False: "duplicate"})
    write_frame(folder / paths.SPLIT_VERDICTS, dealt, split.VERDICT)
    quality = rng.random(len(rows))
    judged = rows.assign(
        split=splits,
        label_quality=quality,
        is_label_issue=quality < 0.02,
        given_label=rows["label"],
        predicted_label="tea",
    )
    judged["keep"] = ~((judged["split"] == "train") & (quality < 0.01))
    judged["reason"] = judged["keep"].map({True: None, False: "label_issue"})
    predictions = np.tile([0.25], (len(rows), 4))
    write_tables(
        folder / paths.LABEL_VERDICTS,
        [label_audit.as_table(judged, predictions, ["bread", "fruit", "meat", "tea"], label)],
    )


def run_size(n_rows: int) -> dict[str, Usage]:
    with project_of(n_rows) as folder:
        for stage in ("collect", "clean", "dedupe"):
            run_measured(["-m", f"stages.{stage}"], folder)
        draw_verdicts(folder)
        row = read_frame(folder / paths.CLEANED, ["id", "content", "source"]).iloc[n_rows // 2]
        asked = {
            "trace by id": [row["id"]],
            "trace by source": ["--row", row["source"]],
            "trace by text": ["--text", row["content"]],
        }
        used = {name: run_measured(["-m", "tools.trace", *arguments], folder) for name, arguments in asked.items()}
        return {**used, "report": run_measured(["-m", "stages.report"], folder)}


def main(arguments: argparse.Namespace) -> None:
    sizes = sorted(arguments.story_rows)
    used = {n_rows: run_size(n_rows) for n_rows in sizes}
    told = [(name, n_rows, used[n_rows][name]) for name in TOLD for n_rows in sizes]
    table = [(name, f"{n_rows:,}", one.seconds, one.cpu_seconds, f"{one.peak_mb:,.0f}") for name, n_rows, one in told]
    largest = used[sizes[-1]]
    slowest, peak = (
        max(largest[name].seconds for name in TOLD if name != "report"),
        max(one.peak_mb for one in largest.values()),
    )
    summary = f"{slowest:.1f} s for the slowest trace of {sizes[-1]:,} rows (bar: {BAR_SECONDS}), peak {peak:,.0f} MB (bar: {BAR_MB:,})"
    measured = {name: {n_rows: asdict(used[n_rows][name]) for n_rows in sizes} for name in TOLD}
    report(
        "story",
        ("what", "rows", "seconds", "CPU s", "peak MB"),
        table,
        summary,
        {"bar_seconds": BAR_SECONDS, "bar_mb": BAR_MB, "told": measured},
    )
