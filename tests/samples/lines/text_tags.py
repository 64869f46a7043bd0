"""The smallest line of texts with a tag for each token."""

from pathlib import Path

import yaml

from tests.tiny import ROOT, tags_of, texts


def write_data(folder: Path) -> None:
    """Given train and test sets. One row has tags that are not valid in BIO, one has an entity that is not tagged."""
    folder.mkdir(parents=True)
    for name, count, seed in (("train", 60, 5), ("test", 20, 6)):
        rows = [(text.split(), tags_of(text)) for text, _ in texts(count, seed)]
        rows[3] = (["hammer", *rows[3][0]], ["I-tool", *rows[3][1]])
        if name == "train":
            rows[4] = (rows[4][0], ["O"] * len(rows[4][0]))
        lines = ["".join(f"{word}\t{tag}\n" for word, tag in zip(*row, strict=True)) for row in rows]
        (folder / f"{name}.conll").write_text("\n".join(lines), encoding="utf-8")


def params() -> dict[str, object]:
    values = yaml.safe_load((ROOT / "presets/wnut17.yaml").read_text())
    values |= {"model": "models/tiny", "lr": 0.01, "epochs": 2, "batch_size": 8, "threads": 1}
    values["collect"] |= {"source": "data/tiny", "splits": {"train": "train.conll", "test": "test.conll"}}
    values["embed"]["text"] |= {"model": "models/tiny", "max_length": 8, "batch_size": 8, "token_layer": 1}
    values["split"]["validation"] = 0.25
    values["label_audit"]["folds"] = 2
    values["augment"]["copies"] = 1
    values["finetune"]["text"] |= {"max_length": 8, "layers": [1, 2], "frozen_layers": 1, "label_smoothing": 0.1}
    return values
