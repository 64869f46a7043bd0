"""The smallest line of images with one class each."""

from pathlib import Path

import yaml

from tests.tiny import ROOT


def write_data(folder: Path) -> None:
    """Two classes of digits, a folder a class."""
    from stages.sources.descriptors import read_digits

    for number, record in enumerate(read_digits()):
        if record.values["digit"] in "01" and number < 250:
            (folder / record.values["digit"]).mkdir(parents=True, exist_ok=True)
            (folder / record.values["digit"] / f"{number}.png").write_bytes(record.values["image"])


def params() -> dict[str, object]:
    values = yaml.safe_load((ROOT / "presets/digits.yaml").read_text())
    values |= {"epochs": 2, "batch_size": 8, "threads": 1}
    values["collect"] |= {
        "source": "data/tiny",
        "columns": values["collect"]["columns"] | {"content": "file", "label": "class"},
    }
    values["label_audit"] |= {"folds": 2}
    values["finetune"]["image"]["config"] |= {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]}
    return values
