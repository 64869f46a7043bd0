"""A line small enough for tests: few rows, and models of a few thousand weights, saved as folders as any local model is."""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from tests.sounds import encoded, sound

ROOT = Path(__file__).parents[1]
FRUIT = tuple("apple banana cherry damson elder fig grape lemon mango nectarine orange papaya quince raspberry".split())  # noqa: SIM905 - readable
TOOLS = tuple("anvil bolt chisel drill engine file grinder hammer iron jack lathe mallet nail plane".split())  # noqa: SIM905
# The params of cleaning a text, all that can be switched off being so.
CLEAN_TEXT = {
    **{"min_chars": 1, "max_chars": 1_000_000, "languages": [], "max_symbol_ratio": None, "max_repetition": None},
    **{"boilerplate": [], "urls": "keep", "mentions": "keep", "pii": "keep"},
}
CLEAN_NAMES = {"aliases": {}, "drop": [], "min_rows": 1, "on_rare": "error", "merge_into": "other"}
CLEAN_IMAGE = {"max_pixels": 10_000_000, "min_side": 8, "max_side": 256}
CLEAN_IMAGE["lowest"] = dict.fromkeys(
    ("dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "odd_size")
)
FILLERS = tuple("a my the this that one very old new good small large with and of from shop box again today".split())  # noqa: SIM905

WORDS = tuple(
    "apple banana cherry damson elder fig grape hazel iris juniper kiwi lemon mango nectar olive pear quince rasp sorb thyme".split()
)  # noqa: SIM905


def phrase(first: int, count: int = 14) -> str:
    """`count` of the words; two phrases share the more of them, the nearer they begin."""
    return " ".join(WORDS[first : first + count])


def texts(count: int, seed: int) -> list[tuple[str, str]]:
    """Texts about fruit or tools, in turn; no two are alike."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        words, label = ((FRUIT, "fruit"), (TOOLS, "tool"))[number % 2]
        chosen = rng.sample(words, 4) + rng.sample(FILLERS, 6)
        rng.shuffle(chosen)
        rows.append((" ".join(chosen), label))
    return rows


def write_csv(path: Path, rows: list[tuple[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["text", "class"])
        writer.writerows(rows)


def write_source(folder: Path) -> None:
    """Given train and test sets, with a duplicate, an empty row and a wrong label."""
    folder.mkdir(parents=True)
    train = texts(56, seed=1)
    train[10] = (train[4][0].upper() + "!", train[4][1])
    train[11] = ("  ", "tool")
    train[20] = (train[20][0], "tool")
    write_csv(folder / "train.csv", train)
    write_csv(folder / "test.csv", texts(16, seed=2))


def write_text_model(folder: Path) -> None:
    """A BERT of two layers, 32 wide, with random weights and a vocabulary of whole words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted({*FRUIT, *TOOLS, *FILLERS}), "!"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizerFast(vocab=str(folder / "vocab.txt"), do_lower_case=True).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)


def text_params() -> dict[str, object]:
    params = yaml.safe_load((ROOT / "presets/reviews.yaml").read_text())
    params |= {"model": "models/tiny", "lr": 0.001, "epochs": 2, "batch_size": 8, "threads": 1}
    splits = {"train": "train.csv", "test": "test.csv"}
    columns = params["collect"]["columns"] | {"content": "text", "label": "class", "time": None}
    params["collect"] |= {"source": "data/tiny", "splits": splits, "columns": columns}
    params["embed"]["text"] |= {"model": "models/tiny", "max_length": 32, "batch_size": 8}
    params["outliers"]["threshold"] = None
    params["split"]["validation"] = 0.25
    params["label_audit"] |= {"folds": 2, "C": 1.0}
    params["finetune"]["text"]["max_length"] = 32
    return params


def image_params() -> dict[str, object]:
    params = yaml.safe_load((ROOT / "presets/digits.yaml").read_text())
    params |= {"epochs": 2, "batch_size": 8, "threads": 1}
    params["collect"] |= {
        "source": "data/tiny",
        "columns": params["collect"]["columns"] | {"content": "file", "label": "class"},
    }
    params["label_audit"] |= {"folds": 2}
    params["finetune"]["image"]["config"] |= {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]}
    return params


def write_pairs(folder: Path) -> None:
    """Pairs of texts, and how many of their words are about the same: 0 to 4. One label is no number."""
    folder.mkdir(parents=True)
    with (folder / "pairs.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["one", "other", "alike"])
        for number, ((one, _), (other, _)) in enumerate(zip(texts(90, seed=3), texts(90, seed=4), strict=True)):
            alike = len(set(one.split()) & set(other.split()) - set(FILLERS))
            writer.writerow([one, other, "many" if number == 7 else alike])


def number_params() -> dict[str, object]:
    params = yaml.safe_load((ROOT / "presets/stsb.yaml").read_text()) | {"seed": 1}
    params |= {"model": "models/tiny", "lr": 0.001, "epochs": 2, "batch_size": 8, "threads": 1}
    columns = params["collect"]["columns"] | {"content": ["one", "other"], "label": "alike"}
    params["collect"] |= {"source": "data/tiny/pairs.csv", "splits": None, "columns": columns, "header": True}
    params["embed"]["text"] |= {"model": "models/tiny", "max_length": 32, "batch_size": 8}
    params["label_audit"]["folds"] = 2
    params["finetune"]["text"] |= {"max_length": 32, "frozen_layers": 1}
    return params


def tags_of(text: str) -> list[str]:
    """Fruit and tools are entities; "large" and "small" before one belong to it."""
    words = text.split()
    kinds = ["fruit" if word in FRUIT else "tool" if word in TOOLS else "" for word in words]
    begun = [bool(after) and word in ("large", "small") for word, after in zip(words, [*kinds[1:], ""], strict=True)]
    kinds = [after if starts else kind for kind, after, starts in zip(kinds, [*kinds[1:], ""], begun, strict=True)]
    return [
        f"{'I' if before else 'B'}-{kind}" if kind else "O"
        for kind, before in zip(kinds, [False, *begun], strict=False)
    ]


def write_tagged(folder: Path) -> None:
    """Given train and test sets. One row has tags that are not valid in BIO, one has an entity that is not tagged."""
    folder.mkdir(parents=True)
    for name, count, seed in (("train", 60, 5), ("test", 20, 6)):
        rows = [(text.split(), tags_of(text)) for text, _ in texts(count, seed)]
        rows[3] = (["hammer", *rows[3][0]], ["I-tool", *rows[3][1]])
        if name == "train":
            rows[4] = (rows[4][0], ["O"] * len(rows[4][0]))
        lines = ["".join(f"{word}\t{tag}\n" for word, tag in zip(*row, strict=True)) for row in rows]
        (folder / f"{name}.conll").write_text("\n".join(lines), encoding="utf-8")


def tags_params() -> dict[str, object]:
    params = yaml.safe_load((ROOT / "presets/wnut17.yaml").read_text())
    params |= {"model": "models/tiny", "lr": 0.01, "epochs": 2, "batch_size": 8, "threads": 1}
    params["collect"] |= {"source": "data/tiny", "splits": {"train": "train.conll", "test": "test.conll"}}
    params["embed"]["text"] |= {"model": "models/tiny", "max_length": 8, "batch_size": 8, "token_layer": 1}
    params["split"]["validation"] = 0.25
    params["label_audit"]["folds"] = 2
    params["augment"]["copies"] = 1
    params["finetune"]["text"] |= {"max_length": 8, "layers": [1, 2], "frozen_layers": 1, "label_smoothing": 0.1}
    return params


def write_audio_models(folder: Path) -> None:
    """`wav2vec2`, which hears samples, and `ast`, which sees a spectrogram; both for 8 kHz, with random weights."""
    import torch
    from transformers import (
        ASTConfig,
        ASTFeatureExtractor,
        ASTModel,
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2Model,
    )

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    convolutions = {
        "conv_dim": [8, 8],
        "conv_kernel": [10, 8],
        "conv_stride": [5, 8],
        "num_conv_pos_embeddings": 4,
        "num_conv_pos_embedding_groups": 2,
    }
    Wav2Vec2Model(Wav2Vec2Config(**sizes, **convolutions)).eval().save_pretrained(folder / "wav2vec2")
    Wav2Vec2FeatureExtractor(sampling_rate=8_000).save_pretrained(folder / "wav2vec2")
    patches = {"patch_size": 8, "frequency_stride": 8, "time_stride": 8, "num_mel_bins": 16, "max_length": 40}
    ASTModel(ASTConfig(**sizes, **patches)).eval().save_pretrained(folder / "ast")
    ASTFeatureExtractor(sampling_rate=8_000, num_mel_bins=16, max_length=40).save_pretrained(folder / "ast")


def write_sounds(folder: Path) -> None:
    """Rising and falling tones in files that say what they are, with a given test split; a copy as MP3, a silent file and a wrong label."""
    folder.mkdir(parents=True)
    for number in range(60):
        kind = ("up", "down")[number % 2]
        label = "down" if number == 20 else kind
        (folder / f"{label}_voice{number % 3}_{number}.wav").write_bytes(
            sound(kind, seconds=0.2 + number % 7 / 20, seed=number)
        )
    (folder / "up_voice0_60.wav").write_bytes(sound("up", "MP3", seconds=0.35, seed=24))
    (folder / "up_voice0_61.wav").write_bytes(encoded(np.zeros(4_000)))


def audio_params() -> dict[str, object]:
    params = yaml.safe_load((ROOT / "presets/fsdd.yaml").read_text())
    params |= {"epochs": 2, "batch_size": 8, "threads": 1}
    columns = params["collect"]["columns"] | {"label": "class"}
    params["collect"] |= {
        "source": "data/tiny",
        "columns": columns,
        "file_names": "{class}_{voice}_{take}.wav",
        "splits": {"test": "?", "train": "*"},
    }
    params["label_audit"] |= {"folds": 2}
    params["augment"]["copies"] = 1
    params["finetune"]["audio"]["config"] |= {"embedding_size": 8, "hidden_sizes": [8, 8], "depths": [1, 1]}
    return params


def write_mixtures(folder: Path) -> None:
    """Texts about fruit, about tools, about both or about neither, with the numbers of their classes; two have an unwanted class, one of them no other."""
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


def categories_params() -> dict[str, object]:
    params = yaml.safe_load((ROOT / "presets/goemotions.yaml").read_text())
    params |= {"model": "models/tiny", "lr": 0.001, "epochs": 2, "batch_size": 8, "threads": 1}
    params["collect"] |= {"source": "data/tiny/mixtures.tsv", "splits": None}
    params["clean"]["label"] |= {"aliases": {"0": "fruit", "1": "tool", "2": "vegetable"}, "drop": ["vegetable"]}
    params["embed"]["text"] |= {"model": "models/tiny", "max_length": 32, "batch_size": 8}
    params["outliers"]["threshold"] = None
    params["label_audit"]["folds"] = 2
    params["finetune"]["text"] |= {"max_length": 32, "frozen_layers": 1, "positive_weight": 0.5}
    return params


def write_images(folder: Path) -> None:
    """Two classes of digits, a folder a class."""
    from stages.sources.descriptors import read_digits

    for number, record in enumerate(read_digits()):
        if record.values["digit"] in "01" and number < 250:
            (folder / record.values["digit"]).mkdir(parents=True, exist_ok=True)
            (folder / record.values["digit"] / f"{number}.png").write_bytes(record.values["image"])


def copy_project(folder: Path) -> None:
    """The project as it stands, committed files and new ones, as a repository of its own."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in names.splitlines():
        if (ROOT / name).is_file() and name != "dvc.lock" and not name.startswith("metrics/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    commit(folder, "start")


def commit(folder: Path, message: str) -> None:
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(
        folder,
        "-c",
        "user.name=Test",
        "-c",
        "user.email=test@example.org",
        "commit",
        "--quiet",
        "--allow-empty",
        f"--message={message}",
    )


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def environment() -> dict[str, str]:
    """No network, one thread, and this interpreter's `python` and `dvc`."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    names = {
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }
    return {
        **os.environ,
        **names,
        "PATH": path,
        "HF_HUB_OFFLINE": "1",
        "DVC_NO_ANALYTICS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }


def write_params(folder: Path, params: dict[str, object]) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


# The smallest line of each task: what writes its data, and its params.
LINES: dict[str, tuple[Callable[[Path], None], Callable[[], dict[str, object]]]] = {
    "text_category": (write_source, text_params),
    "text_number": (write_pairs, number_params),
    "text_categories": (write_mixtures, categories_params),
    "text_tags": (write_tagged, tags_params),
    "image_category": (write_images, image_params),
    "audio_category": (write_sounds, audio_params),
}


def make_line(folder: Path, task: str) -> None:
    """A project with the tiny data of a task, ready to be reproduced."""
    write_data, params = LINES[task]
    copy_project(folder)
    write_data(folder / "data/tiny")
    if task.startswith("text_"):
        write_text_model(folder / "models/tiny")
    write_params(folder, params())
    commit(folder, "tiny")


def dvc(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["dvc", *arguments], cwd=folder, env=environment(), capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"dvc {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


def affected(folder: Path) -> set[str]:
    """The stages that `dvc status` calls changed: those that a change concerns itself, not what follows from them. In this process, which is faster."""
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        return {
            name.rpartition(":")[2] for name in repo.status()
        }  # from elsewhere, DVC puts the path of dvc.yaml before it


def stages_run(output: str) -> set[str]:
    """The stages that `dvc repro` really ran."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")}


def read_json(path: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(path.read_text())
    return found
