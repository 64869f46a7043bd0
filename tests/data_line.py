"""A line from collect to label_audit, in this process and without a model: small data with every kind of finding, some
of it made to do harm.
"""

import csv
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stages import clean, collect, dedupe, embed, label_audit, outliers, report, split
from stages.core import paths
from stages.core.params import load_params
from stages.core.run import Counts, write_warnings
from stages.core.tables import read_frame, vector_column, write_tables
from tests import tiny
from tests.in_this_process import decode_in_this_process
from tests.samples.lines import audio_category, image_category, text_category

HOSTILE = '</article><x-evil onclick="hacked()">5 < 6 & "quoted" {{ 7 * 7 }}</x-evil> apple banana cherry'
SCRIPT = "<script>hacked()</script> a pear that says <b>nothing</b> more &amp; less \x1b[31m " + "wide" * 100
LABEL = '"><i onmouseover=hacked()>tool'
FILE = "train <b>&'\".csv"


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def write_texts(folder: Path) -> None:
    """Given train and test sets. Row 1 is repeated exactly and in other words, by another label, and by a test row."""
    folder.mkdir(parents=True)
    train = [(text, "fruit" if label == "fruit" else LABEL) for text, label in tiny.texts(60, seed=1)]
    train[:12] = [
        (HOSTILE, "fruit"),
        (SCRIPT, "fruit"),
        ("  ", "fruit"),
        ("some row without a label", ""),
        (train[5][0].upper() + "!", train[5][1]),
        train[5],
        (train[7][0] + " too", train[7][1]),
        train[7],
        (train[9][0] + "!", "fruit"),
        (train[9][0], LABEL),
        ("repeated in the test set, apple and pear", " FRUIT"),
        (train[11][0] + " " + "word " * 3_000, train[11][1]),
    ]
    test = [*tiny.texts(16, seed=2), ("repeated in the test set: apple and pear", "fruit")]
    tiny.write_csv(folder / FILE, train)
    with (folder / FILE).open("a", newline="") as file:
        csv.writer(file).writerow(["one", "cell", "too many"])
    tiny.write_csv(folder / "test.csv", [(text, "fruit" if label == "fruit" else LABEL) for text, label in test])


def text_params() -> dict[str, object]:
    params = text_category.params()
    params["collect"] |= {"splits": {"train": FILE, "test": "test.csv"}, "on_bad_row": "drop"}  # type: ignore[operator]
    params["clean"]["label"]["aliases"] = {"FRUIT": "fruit"}  # type: ignore[index]
    # type: ignore[index]
    params["clean"]["text"] |= {"max_chars": 100_000, "max_symbol_ratio": None, "max_repetition": None}
    params["outliers"]["threshold"] = 8.0  # type: ignore[index]
    params["label_audit"] |= {"method": "probe", "budget": 1.0, "C": 10.0}  # type: ignore[operator]
    return params


KINDS: dict[str, tuple[Callable[[Path], None], Callable[[], dict[str, object]]]] = {
    "text": (write_texts, text_params),
    "image": (image_category.write_data, image_category.params),
    "audio": (audio_category.write_data, audio_category.params),
}


def embed_by_label() -> None:
    """As a good encoder might: a corner for each label, the wrong one for two rows, one of its own for each of two
    training rows and a test row.
    """
    rows = read_frame(paths.CLEANED, ["id", "label"])
    vectors = np.random.default_rng(0).normal(0, 0.05, (len(rows), 8)).astype(np.float32)
    vectors[np.arange(len(rows)), (rows["label"] == "fruit").to_numpy().astype(int)] += 1
    vectors[[20, 21]] = vectors[[21, 20]]
    vectors[[33, 37, -2]] = np.eye(8)[[2, 3, 4]]
    write_tables(
        paths.EMBEDDINGS,
        [
            pa.table(
                {"id": rows["id"], "vector": vector_column(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))}
            )
        ],
    )


def make(folder: Path, modality: str) -> Path:
    write_data, params = KINDS[modality]
    write_data(folder / "data/tiny")
    for name in ("dvc.yaml", "data/ledger.csv"):
        shutil.copyfile(tiny.ROOT / name, folder / name)
    tiny.write_params(folder, params())
    with inside(folder), pytest.MonkeyPatch.context() as patch:
        decode_in_this_process(patch)
        for stage in (collect, clean, embed, dedupe, outliers, split, label_audit, report):
            counts = Counts(0)
            if stage is embed and modality == "text":
                embed_by_label()
            else:
                counts = stage.main(load_params(stage.Params))
            write_warnings(stage.__name__.rpartition(".")[2], counts)
    return folder
