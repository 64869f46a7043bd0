"""The smallest line of sounds with one class each."""

from pathlib import Path

import numpy as np
import yaml

from tests.sounds import encoded, sound
from tests.tiny import ROOT


def write_data(folder: Path) -> None:
    """Rising and falling tones in files that say what they are, with a given test split; a copy as MP3, a silent
    file and a wrong label.
    """
    folder.mkdir(parents=True)
    for number in range(60):
        kind = ("up", "down")[number % 2]
        label = "down" if number == 20 else kind
        (folder / f"{label}_voice{number % 3}_{number}.wav").write_bytes(
            sound(kind, seconds=0.2 + number % 7 / 20, seed=number)
        )
    (folder / "up_voice0_60.wav").write_bytes(sound("up", "MP3", seconds=0.35, seed=24))
    (folder / "up_voice0_61.wav").write_bytes(encoded(np.zeros(4_000)))


def params() -> dict[str, object]:
    values = yaml.safe_load((ROOT / "presets/fsdd.yaml").read_text())
    values |= {"model": "resnet", "lr": 2e-3, "epochs": 2, "batch_size": 8, "threads": 1}
    columns = values["collect"]["columns"] | {"label": "class"}
    values["collect"] |= {
        "source": "data/tiny",
        "columns": columns,
        "file_names": "{class}_{voice}_{take}.wav",
        "splits": {"test": "?", "train": "*"},
    }
    values["label_audit"] |= {"folds": 2}
    values["embed"]["audio"]["model"] = "logmel"
    values["augment"]["copies"] = 1
    small = {"layer_type": "basic", "embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]}
    from_config = {"config": small | {"downsample_in_first_stage": False}, "head_init": "random", "frozen_layers": 0}
    values["finetune"]["audio"] |= from_config
    return values
