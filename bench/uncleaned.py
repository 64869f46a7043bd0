"""What cleaning is worth: the line on params.yaml, beside the same recipe on the pile as it came.

As it came: no other spelling of a label is merged and no label dropped, no duplicate and no outlier is looked for, no
label audited, and contents are dropped only if they are empty. It is scored twice: on the test rows of the cleaned line
with their cleaned labels, where a prediction such as ` pos` counts as what it means and all rows that are not held out
are trained on; and on test rows of its own, as its owner would see it.
"""

import argparse
import csv
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench import ROOT, copy_project, report, run_measured
from stages.core import paths
from stages.core.params import read_yaml
from stages.core.tables import read_frame
from tools.summary import read_json

SPLIT = "whetstone_split"  # the column that is added to the source
SMALLEST = {"min_chars": 1, "max_chars": 1_000_000, "max_symbol_ratio": None, "max_repetition": None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument_group("uncleaned").add_argument(
        "--seeds", type=int, nargs="+", default=[42], metavar="SEED", help="one run for each (default: 42)"
    )


def uncleaned(params: Mapping[str, Any]) -> dict[str, Any]:
    """The params that clean least."""
    label = {**params["clean"]["label"], "aliases": {}, "drop": []}
    return {
        **params,
        "clean": {**params["clean"], "label": label, "text": {**params["clean"]["text"], **SMALLEST}},
        "dedupe": {**params["dedupe"], "exact": False, "near": False, "semantic": False},
        "outliers": {**params["outliers"], "threshold": None},
        "split": {**params["split"], "max_leaks": 1_000_000},
        "label_audit": {**params["label_audit"], "policy": "keep"},
    }


def run_line(folder: Path, params: Mapping[str, Any]) -> None:
    (folder / paths.PARAMS).write_text(yaml.safe_dump(dict(params), sort_keys=False), encoding="utf-8")
    run_measured(("-m", "dvc", "repro", "evaluate"), folder)


def held_out(folder: Path) -> dict[int, str]:
    """The split of each held-out row of the line, by its number in the source."""
    splits = {}
    for name, table in paths.HELD_OUT.items():
        for source in read_frame(folder / table, ["source"])["source"]:
            splits[int(source.rpartition(":")[2])] = name
    return splits


def add_splits(path: Path, splits: Mapping[int, str]) -> None:
    """Writes the split beside each row of the CSV file; rows that are not held out are trained on."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], SPLIT])
        writer.writeheader()
        for number, row in enumerate(rows, start=1):
            writer.writerow({**row, SPLIT: splits.get(number, "train")})


def accuracy(folder: Path, truth: Mapping[str, str], aliases: Mapping[str, str]) -> float:
    """The share of the test rows whose prediction means their cleaned label; `truth` has it by id."""
    predictions = read_frame(folder / paths.PREDICTIONS, ["id", "split", "predicted_label"])
    predicted = predictions[predictions["split"] == "test"].set_index("id")["predicted_label"]
    return sum(aliases.get(predicted[row], predicted[row]) == label for row, label in truth.items()) / len(truth)


def compare(seed: int) -> dict[str, float]:
    """The accuracies of both piles."""
    params = {**read_yaml(ROOT / paths.PARAMS), "seed": seed}
    aliases = params["clean"]["label"]["aliases"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "repository"
        copy_project(folder)
        subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
        run_line(folder, params)
        test = read_frame(folder / paths.TEST, ["id", "label"])
        truth, splits = dict(zip(test["id"], test["label"], strict=True)), held_out(folder)
        cleaned = read_json(folder / paths.METRICS / "evaluate.json")
        as_it_came = uncleaned(params)
        run_line(folder, as_it_came)
        on_own_rows = read_json(folder / paths.METRICS / "evaluate.json")["accuracy"]
        add_splits(folder / params["collect"]["source"], splits)
        columns = {**params["collect"]["columns"], "split": SPLIT}
        names = {name: name for name in ("train", "validation", "test")}
        run_line(folder, {**as_it_came, "collect": {**params["collect"], "columns": columns, "splits": names}})
        return {
            "cleaned": cleaned["accuracy"],
            "its probe": cleaned["probe_accuracy"],
            "uncleaned, same test rows": accuracy(folder, truth, aliases),
            "uncleaned, own test rows": on_own_rows,
        }


def in_words(accuracies: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.1%}" for name, value in accuracies.items())


def main(arguments: argparse.Namespace) -> None:
    scores = {}
    for seed in arguments.seeds:
        scores[seed] = compare(seed)
        print(f"seed {seed}: {in_words(scores[seed])}", flush=True)  # each takes a quarter of an hour
    table = [(str(seed), *(f"{value:.1%}" for value in values.values())) for seed, values in scores.items()]
    mean = {name: sum(values[name] for values in scores.values()) / len(scores) for name in next(iter(scores.values()))}
    summary = f"mean accuracy: {in_words(mean)}"
    report("uncleaned", ("seed", *mean), table, summary, {"scores": {str(seed): scores[seed] for seed in scores}})
