"""The smallest line of pairs of texts with a number each."""

import csv
from pathlib import Path

import yaml

from tests.tiny import FILLERS, ROOT, texts


def write_data(folder: Path) -> None:
    """Pairs of texts, and how many of their words are about the same: 0 to 4. One label is no number."""
    folder.mkdir(parents=True)
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["one", "other", "alike"])
        for number, ((one, _), (other, _)) in enumerate(zip(texts(90, seed=3), texts(90, seed=4), strict=True)):
            alike = len(set(one.split()) & set(other.split()) - set(FILLERS))
            writer.writerow([one, other, "many" if number == 7 else alike])


def params() -> dict[str, object]:
    values = yaml.safe_load((ROOT / "presets/stsb.yaml").read_text()) | {"seed": 1}
    values |= {"model": "models/tiny", "lr": 0.001, "epochs": 2, "batch_size": 8, "threads": 1}
    columns = values["collect"]["columns"] | {"content": ["one", "other"], "label": "alike"}
    values["collect"] |= {"source": "data/tiny/pairs.csv", "splits": None, "columns": columns, "header": True}
    values["embed"]["text"] |= {"model": "models/tiny", "max_length": 32, "batch_size": 8}
    values["label_audit"]["folds"] = 2
    values["finetune"]["text"] |= {"max_length": 32, "frozen_layers": 1}
    return values
