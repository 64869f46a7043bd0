"""The smallest line of texts with any number of classes each."""

import random
from pathlib import Path

import yaml

from tests.tiny import FILLERS, ROOT, texts


def write_data(folder: Path) -> None:
    """Texts about fruit, about tools, about both or about neither, with the numbers of their classes; two have an
    unwanted class, one of them no other.
    """
    folder.mkdir(parents=True)
    rng = random.Random(5)
    with (folder / "mixtures.tsv").open("w", encoding="utf-8", newline="") as file:
        for number, ((fruit, _), (tool, _)) in enumerate(
            zip(texts(120, seed=6)[::2], texts(120, seed=7)[1::2], strict=True)
        ):
            words, label = (
                (fruit, "0"),
                (tool, "1"),
                (f"{fruit} {tool}", "1,0"),
                (" ".join(rng.sample(FILLERS, 8)), ""),
            )[number % 4]
            file.write(
                f"{words}\t{label}\n".replace(
                    "\t1\n", "\t1,2\n" if number == 5 else "\t2\n" if number == 9 else "\t1\n"
                )
            )


def params() -> dict[str, object]:
    values = yaml.safe_load((ROOT / "presets/goemotions.yaml").read_text())
    values |= {"model": "models/tiny", "lr": 0.001, "epochs": 2, "batch_size": 8, "threads": 1}
    values["collect"] |= {"source": "data/tiny/mixtures.tsv", "splits": None}
    values["clean"]["label"] |= {"aliases": {"0": "fruit", "1": "tool", "2": "vegetable"}, "drop": ["vegetable"]}
    values["embed"]["text"] |= {"model": "models/tiny", "max_length": 32, "batch_size": 8}
    values["outliers"]["threshold"] = None
    values["label_audit"]["folds"] = 2
    values["finetune"]["text"] |= {"max_length": 32, "frozen_layers": 1, "positive_weight": 0.5}
    return values
