"""The smallest line of texts with one class each."""

from pathlib import Path

import yaml

from tests.tiny import ROOT, texts, write_csv


def write_data(folder: Path) -> None:
    """Given train and test sets, with a duplicate, an empty row and a wrong label."""
    folder.mkdir(parents=True)
    train = texts(56, seed=1)
    train[10] = (train[4][0].upper() + "!", train[4][1])
    train[11] = ("  ", "tool")
    train[20] = (train[20][0], "tool")
    write_csv(folder / "train.csv", train)
    write_csv(folder / "test.csv", texts(16, seed=2))


def params() -> dict[str, object]:
    values = yaml.safe_load((ROOT / "presets/reviews.yaml").read_text())
    values |= {"model": "models/tiny", "lr": 0.001, "epochs": 2, "batch_size": 8, "threads": 1}
    splits = {"train": "train.csv", "test": "test.csv"}
    columns = values["collect"]["columns"] | {"content": "text", "label": "class", "time": None}
    values["collect"] |= {"source": "data/tiny", "splits": splits, "columns": columns}
    values["embed"]["text"] |= {"model": "models/tiny", "max_length": 32, "batch_size": 8}
    values["clean"]["label"]["drop"] = []
    values["outliers"]["threshold"] = None
    values["split"]["validation"] = 0.25
    values["label_audit"] |= {"folds": 2, "C": 1.0}
    values["finetune"]["text"]["max_length"] = 32
    return values
