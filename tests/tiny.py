"""A line small enough for tests: few rows, and models of a few thousand weights, saved as folders as any local model
is.
"""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests import samples

ROOT = Path(__file__).parents[1]
FRUIT = tuple("apple banana cherry damson elder fig grape lemon mango nectarine orange papaya quince raspberry".split())  # noqa: SIM905
TOOLS = tuple("anvil bolt chisel drill engine file grinder hammer iron jack lathe mallet nail plane".split())  # noqa: SIM905
# The params of cleaning a text, all that can be switched off being so.
CLEAN_TEXT = {
    **{"min_chars": 1, "max_chars": 1_000_000, "languages": [], "max_symbol_ratio": None, "max_repetition": None},
    **{"boilerplate": [], "html": "strip", "urls": "keep", "mentions": "keep", "pii": "keep"},
}
CLEAN_NAMES = {"aliases": {}, "drop": [], "min_rows": 1, "on_rare": "error", "merge_into": "other"}
CLEAN_IMAGE = {"max_pixels": 10_000_000, "min_side": 8, "max_side": 256, "used_bits": None}
CLEAN_IMAGE["lowest"] = dict.fromkeys(
    ("dark", "light", "odd_aspect_ratio", "low_information", "blurry", "grayscale", "odd_size")
)
FILLERS = tuple("a my the this that one very old new good small large with and of from shop box again today".split())  # noqa: SIM905

WORDS = tuple(
    "apple banana cherry damson elder fig grape hazel iris juniper kiwi lemon mango nectar olive pear quince rasp "  # noqa: SIM905
    "sorb thyme".split()
)


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


def write_whisper(folder: Path, seconds: int = 3, **config: Any) -> None:
    """A Whisper that hears so many seconds at 16 kHz, with random weights."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperModel

    layers = {"encoder_layers": 2, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    sizes = {"d_model": 16, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "vocab_size": 60, "num_mel_bins": 16}
    tokens = {"pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 2}
    torch.manual_seed(0)
    options = {**layers, **sizes, **tokens, "max_source_positions": 50 * seconds, **config}
    WhisperModel(WhisperConfig(**options)).eval().save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=16, chunk_length=seconds).save_pretrained(folder)


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
    """One thread, and this interpreter's `python` and `dvc`; a process that turns to the network ends. No variable
    switches telemetry off: the project does.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    names = {
        "GIT_AUTHOR_NAME": "Test",
        "GIT_AUTHOR_EMAIL": "test@example.org",
        "GIT_COMMITTER_NAME": "Test",
        "GIT_COMMITTER_EMAIL": "test@example.org",
    }
    switches = (
        "HF_HUB_OFFLINE",
        "HF_HUB_DISABLE_TELEMETRY",
        "NO_ALBUMENTATIONS_UPDATE",
        "DVC_NO_ANALYTICS",
        "DVC_TEST",
        "PYTHONDONTWRITEBYTECODE",  # each stage would compile the project anew
    )
    return {
        **{name: value for name, value in os.environ.items() if name not in switches},
        **names,
        "PATH": path,
        "PYTHONPATH": str(ROOT / "tests/no_network"),
        "OMP_NUM_THREADS": "1",
    }


def write_params(folder: Path, params: dict[str, object]) -> None:
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def make_line(folder: Path, task: str) -> None:
    """A project with the smallest line of a task, tests/samples/lines/<task>.py, ready to be reproduced."""
    line = samples.load("lines", task)
    copy_project(folder)
    line.write_data(folder / "data/tiny")
    if task.startswith("text_"):
        write_text_model(folder / "models/tiny")
    write_params(folder, line.params())
    commit(folder, "tiny")


def dvc(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["dvc", *arguments], cwd=folder, env=environment(), capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(f"dvc {' '.join(arguments)} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


def affected(folder: Path) -> set[str]:
    """The stages that `dvc status` calls changed: those that a change concerns itself, not those after them."""
    return set(changed_deps(folder))


def changed_deps(folder: Path) -> dict[str, set[str]]:
    """The deps and the params that `dvc status` calls changed, by stage. In this process, which is faster."""
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        status = repo.status()
    # From elsewhere, DVC puts the path of dvc.yaml before the name of the stage.
    return {name.rpartition(":")[2]: set(names_in(changes)) for name, changes in status.items()}


def names_in(changes: list[Any]) -> Iterator[str]:
    """The paths and keys of a stage's changes; any other change, such as one of its command, as it is."""
    for change in changes:
        deps = change.get("changed deps") if isinstance(change, dict) else None
        if deps is None or len(change) > 1:
            yield str(change)
            continue
        for path, state in deps.items():
            yield from state if isinstance(state, dict) else [path]


def stages_run(output: str) -> set[str]:
    """The stages that `dvc repro` really ran."""
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage '")}


def read_json(path: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads(path.read_text())
    return found
