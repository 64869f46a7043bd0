"""The lexical baseline on the cleaned rows of the text presets: its score and its CPU seconds."""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bench import ROOT, copy_project, report, run_measured
from stages.comparison.lexical import lexical_baseline
from stages.contracts.baseline import load_baseline
from stages.contracts.objective import load_objective
from stages.contracts.score import load_scorer
from stages.core import paths
from stages.core.params import read_yaml
from stages.core.tables import read_table, write_tables

SHARES = {"0": "validation", "1": "validation", "2": "test", "3": "test"}  # by the first digit of the id, out of 16


def presets() -> Iterator[Path]:
    """The text presets whose data exist, except those with a label per token: these have no such baseline."""
    for preset in sorted((ROOT / "presets").glob("*.yaml")):
        values = read_yaml(preset)
        if (
            values["modality"] == "text"
            and values["target"] != "tags"
            and (ROOT / values["collect"]["source"]).exists()
        ):
            yield preset


def measure(preset: Path) -> dict[str, Any]:
    """Fits the baseline on the cleaned training rows of a preset, without dedupe, outliers and label_audit."""
    values = read_yaml(preset)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        if (external := ROOT / "data/external").exists():
            (folder / "data/external").symlink_to(os.path.realpath(external))
        (folder / "params.yaml").write_bytes(preset.read_bytes())
        for stage in ("collect", "clean"):
            run_measured(["-m", f"stages.{stage}"], folder)
        with chdir(folder):
            sizes = write_splits(read_table(paths.CLEANED))
            started = time.process_time()
            concluded = lexical_baseline(load_baseline("text"), load_objective(values["target"]))
            seconds = time.process_time() - started
            given = read_table(paths.TEST, ["id", "label"]).sort_by("id")["label"].to_pylist()
        assert concluded is not None
        scorer = load_scorer(values["target"])
        scores = scorer.score(given, concluded, values["evaluate"]["calibration_bins"])
    return {**sizes, "seconds": seconds, **{name: scores[name] for name in scorer.HEADLINE[:2]}}


def write_splits(rows: pa.Table) -> dict[str, int]:
    """Writes data/train, data/validation and data/test: the splits of the source, else an eighth each of the others."""
    drawn = [SHARES.get(id[0], "train") for id in rows["id"].to_pylist()]
    has_test = pc.any(pc.is_in(rows["given_split"], pa.array(["test"]))).as_py()
    splits = []
    for given, other in zip(rows["given_split"].to_pylist(), drawn, strict=True):
        other = "train" if has_test and other == "test" else other
        splits.append(other if given in (None, "train") else given)
    zeros, ones = [0] * rows.num_rows, [1.0] * rows.num_rows
    rows = rows.append_column("copy", pa.array(zeros)).append_column("weight", pa.array(ones))
    sizes = {}
    for split, folder in {"train": paths.TRAIN, **paths.HELD_OUT}.items():
        chosen = rows.filter(pc.equal(pa.array(splits), split))
        write_tables(folder, [chosen])
        sizes[split] = chosen.num_rows
    return sizes


def main(arguments: argparse.Namespace) -> None:
    results = {preset.stem: measure(preset) for preset in presets()}
    table = []
    for name, of in results.items():
        scores = ", ".join(f"{metric} {value:.3f}" for metric, value in list(of.items())[-2:])
        table.append((name, f"{of['train']:,}", f"{of['test']:,}", of["seconds"], scores))
    header = ("data", "trained on", "test rows", "CPU seconds", "scores")
    report("lexical", header, table, "TF-IDF of words and characters, with a linear model", results)
