"""Bad input gets one clear error that names file, row or key, what was got and what to do; nothing half-written is left."""

import importlib
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image, ImageFile

from stages import clean, dedupe, outliers
from stages.core import paths
from stages.core.atomic import new_folder
from stages.core.errors import InputError
from stages.core.params import load_params, read_yaml
from stages.core.run import Counts, run_stage
from stages.core.tables import iter_rows, new_table, read_frame, row_schema, write_frame
from tests import tiny

ROOT = Path(__file__).parents[1]
LEDGER_HEADER = "id,action,label,note\n"

# What the cases rely on; everything else is as the presets have it.
SETTINGS_USED = {
    "model": "some/model",
    "lr": 0.01,
    "collect.source": "data/notes.csv",
    "collect.columns": {"content": "text", "label": "kind", "group": None, "time": None, "split": None},
    "collect.header": True,
    "collect.quoting": True,
    "clean.text": {**tiny.CLEAN_TEXT, "min_chars": 3, "max_chars": 100},
    "clean.image": tiny.CLEAN_IMAGE | {"max_pixels": 1_000_000, "min_side": 4, "max_side": 64},
    "split.validation": 0.2,
    "split.test": 0.2,
    "threads": 1,
}
NOTES = "text,kind\na ripe apple,fruit\na red car,vehicle\n"
PICTURES = {
    "collect.source": "data/pictures",
    "collect.table": "list.csv",
    "collect.files": "files/{}.png",
    "collect.columns.content": "picture",
}


@dataclass(frozen=True)
class Bad:
    """One bad input; in `message` an ellipsis stands for words of a library, on one line."""

    title: str
    message: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)  # below data/
    params: Mapping[str, Any] = field(default_factory=dict)  # dotted key -> value; `...` takes the key away
    stage: str = "collect"


NAN = float("nan")


def each(cases: Sequence[Bad]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bad", cases, ids=[bad.title for bad in cases])


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the line needs to start, which the test works in."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    put("ledger.csv", LEDGER_HEADER)
    put("notes.csv", NOTES)
    set_params({})
    return tmp_path


def put(name: str, content: str | bytes) -> None:
    path = Path("data") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def good_params() -> dict[str, Any]:
    """A params file that is right, for texts and, with `modality: image`, for images: every case changes little of it."""
    params = read_yaml(ROOT / "presets/sms_spam.yaml")
    for name, section in read_yaml(ROOT / "presets/digits.yaml").items():
        if isinstance(section, dict) and "image" in section:
            params[name]["image"] = section["image"]
    change(params, SETTINGS_USED)
    return params


def change(params: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = params
        for name in sections:
            section = section[name]
        if value is ...:
            del section[last]
        else:
            section[last] = deepcopy(value)


def set_params(changes: Mapping[str, Any]) -> None:
    params = good_params()
    change(params, changes)
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def run(stage: str) -> Counts:
    module = importlib.import_module(f"stages.{stage}")
    counts = module.main(load_params(module.Params))
    assert isinstance(counts, Counts)
    return counts


def files() -> set[str]:
    return {str(path) for path in Path().rglob("*") if path.is_file() or path.name.endswith(".partial")}


def refuse(stage: str, message: str) -> None:
    """The stage says exactly this, and leaves nothing behind that was not there before."""
    before = files()
    with pytest.raises(InputError) as error:
        run(stage)
    same = re.fullmatch(re.escape(message).replace("…", ".+"), str(error.value)) is not None
    assert same, f"\ngot:      {error.value}\nexpected: {message}"
    assert files() == before


def parquet(frame: Mapping[str, Sequence[Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(frame), file)
    return file.getvalue()


def png(side: int = 16) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says to be very large."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def test_the_good_line_is_taken() -> None:
    """So that the cases below fail for what they change and for nothing else."""
    assert run("collect").metrics() == {"rows_in": 2, "rows_kept": 2}
    assert run("clean").rows_kept == 2


# --- the source ---

MEND = "; mend the row, or set collect.on_bad_row: drop"
NOTHING = "none of its 0 rows can be used; check collect.source and collect.columns"
GOOD_PARQUET = parquet({"text": ["a ripe apple"] * 500, "kind": ["fruit"] * 500})

SOURCES = [
    Bad(
        "Parquet file that was cut off",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {"notes.parquet": GOOD_PARQUET[: len(GOOD_PARQUET) // 2]},
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "Parquet file with broken pages",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {"notes.parquet": GOOD_PARQUET[:4] + bytes(60) + GOOD_PARQUET[64:]},
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "no Parquet file",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {"notes.parquet": NOTES},
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "CSV row with too few cells",
        "data/notes.csv, notes.csv:2: line 3 has 1 cells, the file has 2 columns" + MEND,
        {"notes.csv": NOTES.replace("a red car,vehicle", "a red car")},
    ),
    Bad(
        "CSV row with too many cells",
        "data/notes.csv, notes.csv:1: line 2 has 3 cells, the file has 2 columns" + MEND,
        {"notes.csv": NOTES.replace("a ripe apple", "a ripe, red apple")},
    ),
    Bad(
        "column that occurs twice",
        "data/notes.csv: it has the column 'text' more than once; rename one",
        {"notes.csv": NOTES.replace("text,kind", "text,kind, text")},
    ),
    Bad(
        "missing column",
        "data/notes.csv, notes.csv:1: no column 'label', the row has 'text', 'kind'; see collect.columns",
        params={"collect.columns.label": "label"},
    ),
    Bad("empty file", "data/notes.csv: " + NOTHING, {"notes.csv": ""}),
    Bad("header only", "data/notes.csv: " + NOTHING, {"notes.csv": "text,kind\n"}),
    Bad(
        "not UTF-8",
        "data/notes.csv: not UTF-8 (byte 0xfc); convert it, for example with `iconv -f WINDOWS-1252 -t UTF-8`",
        {"notes.csv": NOTES.replace("ripe", "grün").encode("latin-1")},
    ),
    Bad(
        "unclosed quotation mark",
        "data/notes.csv: the row that starts in line 3 has a quotation mark that is never closed; close it, or set collect.quoting: false",
        {"notes.csv": NOTES.replace("a red car", '"a red car') + "a pear,fruit\na cart,vehicle\n"},
        {"collect.on_bad_row": "drop"},  # what comes after it would be lost uncounted
    ),
    Bad(
        "quotation mark in the middle of a cell",
        "data/notes.csv, notes.csv:2: not valid CSV near line 3 (…); if the file does not use quotes, set collect.quoting: false"
        + MEND,
        {"notes.csv": NOTES.replace("a red car", '"a red" car')},
    ),
    Bad(
        "quotation mark in the header",
        "data/notes.csv: the header is not valid CSV (…); if the file does not use quotes, set collect.quoting: false",
        {"notes.csv": NOTES.replace("text", '"te"xt')},
    ),
    Bad(
        "other sign between the cells",
        "data/notes.csv: the header is one cell, 'text;kind'; set collect.delimiter to the delimiter of the file",
        {"notes.csv": NOTES.replace(",", ";")},
    ),
    Bad(
        "UTF-16",
        "data/notes.csv: not UTF-8 (byte 0xff); convert it, for example with `iconv -f UTF-16 -t UTF-8`",
        {"notes.csv": NOTES.encode("utf-16")},
    ),
    Bad(
        "list for a label",
        "data/notes.jsonl, notes.jsonl:1: the label is of type list, expected one value" + MEND,
        {"notes.jsonl": '{"text": "a ripe apple", "kind": ["fruit", "food"]}\n'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "date that Python cannot hold",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {
            "notes.parquet": parquet(
                {"text": ["a ripe apple"], "kind": ["fruit"], "day": pa.array([10_000_000], pa.date32())}
            )
        },
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "invalid JSON",
        "data/notes.json: not valid JSON (… at line 2); if each line is an object, name the file .jsonl",
        {
            "notes.json": '{"text": "a ripe apple", "kind": "fruit"}\n{"text": "a red car", "kind": "vehicle"}\n'.replace(
                "}", "", 1
            )
        },
        {"collect.source": "data/notes.json"},
    ),
    Bad(
        "JSON that is no list",
        "data/notes.json: expected a list of objects, got dict",
        {"notes.json": '{"text": "a ripe apple", "kind": "fruit"}'},
        {"collect.source": "data/notes.json"},
    ),
    Bad(
        "JSON in too many brackets",
        "data/notes.json: not valid JSON (…); if each line is an object, name the file .jsonl",
        {"notes.json": "[" * 100_000},
        {"collect.source": "data/notes.json"},
    ),
    Bad(
        "JSON line that is none",
        "data/notes.jsonl, notes.jsonl:2: not valid JSON (… at character 9)" + MEND,
        {"notes.jsonl": '{"text": "a ripe apple", "kind": "fruit"}\n{"text": a red car}\n'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "JSON line that is a list",
        "data/notes.jsonl, notes.jsonl:2: expected an object with columns, got list" + MEND,
        {"notes.jsonl": '{"text": "a ripe apple", "kind": "fruit"}\n["a red car", "vehicle"]\n'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "JSON line in too many brackets",
        "data/notes.jsonl, notes.jsonl:1: not valid JSON (…)" + MEND,
        {"notes.jsonl": "[" * 100_000},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "JSON number of too many digits",
        "data/notes.jsonl, notes.jsonl:1: not valid JSON (…)" + MEND,
        {"notes.jsonl": '{"text": ' + "7" * 5000 + ', "kind": "number"}'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "content that is neither text nor file",
        "data/notes.jsonl, notes.jsonl:1: the content is of type dict, expected a text or the bytes of a file" + MEND,
        {"notes.jsonl": '{"text": {"en": "a ripe apple"}, "kind": "fruit"}'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "unsupported suffix",
        "data/notes.xlsx: its name does not end in a known format; "
        "use one of .csv, .tsv, .json, .jsonl, .parquet, .conll, a folder with one folder per class, or a .yaml descriptor",
        {"notes.xlsx": NOTES},
        {"collect.source": "data/notes.xlsx"},
    ),
    Bad(
        "missing source",
        "data/none.csv: cannot be read (No such file or directory)",
        params={"collect.source": "data/none.csv"},
    ),
    Bad(
        "missing table",
        "data/none.csv: not there; check collect.source, collect.splits and collect.table",
        params={"collect.source": "data", "collect.table": "none.csv"},
    ),
    Bad(
        "missing split",
        "data/test.csv: not there; check collect.source, collect.splits and collect.table",
        params={"collect.source": "data", "collect.splits": {"train": "notes.csv", "test": "test.csv"}},
    ),
    Bad(
        "split that leads out of the folder",
        "'../secret.csv' leads out of data; name a path inside it",
        {"../secret.csv": NOTES},
        {"collect.source": "data", "collect.splits": {"train": "notes.csv", "test": "../secret.csv"}},
    ),
    Bad(
        "table at an absolute path",
        "'/etc/passwd' leads out of data; name a path inside it",
        params={"collect.source": "data", "collect.table": "/etc/passwd"},
    ),
    Bad(
        "folder without folders of classes",
        "data/pictures: expected one folder per class, got none; for a folder of tables set collect.splits or collect.table",
        {"pictures/apple.png": png()},
        {"collect.source": "data/pictures"},
    ),
    Bad(
        "file that a row names is missing",
        "data/pictures, list.csv:2: data/pictures/files/car.png: not there" + MEND,
        {"pictures/list.csv": "picture,kind\napple,fruit\ncar,vehicle\n", "pictures/files/apple.png": png()},
        PICTURES,
    ),
    Bad(
        "file that a row names leads out",
        "data/pictures, list.csv:1: 'files/../../secret.png' leads out of data/pictures; name a path inside it" + MEND,
        {
            "pictures/list.csv": "picture,kind\n../../secret,fruit\n",
            "pictures/files/apple.png": png(),
            "secret.png": png(),
        },
        PICTURES,
    ),
    Bad(
        "pattern of files that leads out",
        "data/pictures, list.csv:1: '../secret/apple.png' leads out of data/pictures; name a path inside it" + MEND,
        {"pictures/list.csv": "picture,kind\napple,fruit\n", "secret/apple.png": png()},
        {**PICTURES, "collect.files": "../secret/{}.png"},
    ),
    Bad(
        "file that a row names has no possible name",
        "data/pictures, list.jsonl:1: …" + MEND,
        {"pictures/list.jsonl": '{"picture": "app\\u0000le", "kind": "fruit"}\n', "pictures/files/apple.png": png()},
        {**PICTURES, "collect.table": "list.jsonl"},
    ),
    Bad(
        "descriptor of something unknown",
        "data/things.yaml: expected `builtin: digits` or `load_dataset:` with its arguments, got query",
        {"things.yaml": "query: SELECT * FROM things\n"},
        {"collect.source": "data/things.yaml"},
    ),
    Bad(
        "descriptor that runs foreign code",
        "data/things.yaml: trust_remote_code would run code of the data set on this machine; remove it",
        {"things.yaml": "load_dataset:\n  path: some/things\n  revision: 0123abc\n  trust_remote_code: true\n"},
        {"collect.source": "data/things.yaml"},
    ),
    Bad(
        "hub data set without a revision",
        "data/things.yaml: load_dataset: `revision` is missing; set it to a commit of 'some/things', so that the data cannot change",
        {"things.yaml": "load_dataset:\n  path: some/things\n"},
        {"collect.source": "data/things.yaml"},
    ),
    Bad(
        "split of a descriptor that has none",
        "data/digits.yaml: it has no split 'fold 1'; it has …",
        {"digits.yaml": "builtin: digits\n"},
        {"collect.source": "data/digits.yaml", "collect.splits": {"train": "fold 1"}},
    ),
]


@each(SOURCES)
def test_source(bad: Bad) -> None:
    for name, content in bad.files.items():
        put(name, content)
    set_params(bad.params)
    refuse(bad.stage, bad.message)


@each(
    [
        Bad(
            "unknown split",
            "data/things.yaml: it has no split 'dev'; it has train, test",
            params={"collect.splits": {"train": "train", "validation": "dev"}},
        ),
        Bad(
            "splits that nobody named",
            "data/things.yaml: it has the splits train, test; name them in collect.splits, such as {train: train}",
        ),
    ]
)
def test_splits_of_the_hub(bad: Bad, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = SimpleNamespace(load_dataset=lambda **_: {"train": (), "test": ()})
    monkeypatch.setitem(sys.modules, "datasets", hub)
    put("things.yaml", "load_dataset:\n  path: some/things\n  revision: 0123abc\n")
    set_params({"collect.source": "data/things.yaml", **bad.params})
    refuse("collect", bad.message)


def test_hub_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(**_: Any) -> None:
        raise ConnectionError("no route\nto the hub")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    put("things.yaml", "load_dataset:\n  path: some/things\n  revision: 0123abc\n")
    set_params({"collect.source": "data/things.yaml"})
    refuse("collect", "data/things.yaml: load_dataset failed: ConnectionError: no route to the hub")


def test_link_that_leads_out() -> None:
    put("secret.png", png())
    put("pictures/list.csv", "picture,kind\napple,fruit\n")
    Path("data/pictures/files").mkdir()
    Path("data/pictures/files/apple.png").symlink_to(Path("data/secret.png").resolve())
    set_params(PICTURES)
    refuse(
        "collect",
        "data/pictures, list.csv:1: 'files/apple.png' leads out of data/pictures; name a path inside it" + MEND,
    )


def test_link_out_of_a_folder_of_classes() -> None:
    put("secret.png", png())
    put("pictures/fruit/apple.png", png())
    Path("data/pictures/fruit/fig.png").symlink_to(Path("data/secret.png").resolve())
    set_params({"collect.source": "data/pictures", "collect.columns.content": "file", "collect.columns.label": "class"})
    refuse("collect", "data/pictures, fruit/fig.png:1: a link that leads out of data/pictures" + MEND)


def test_bad_rows_are_dropped_and_counted_where_params_say_so() -> None:
    put("pictures/list.csv", "picture,kind\napple,fruit\ncar,vehicle\npear\n../../secret,fruit\n")
    put("pictures/files/apple.png", png())
    set_params({**PICTURES, "collect.on_bad_row": "drop"})
    counts = run("collect")
    assert counts.metrics() == {"rows_in": 4, "rows_kept": 1, "dropped_missing_file": 2, "dropped_unreadable_row": 1}
    verdicts = read_frame(paths.COLLECT_VERDICTS)
    assert verdicts[["keep", "reason", "source", "detail"]].to_numpy().tolist() == [
        [False, "missing_file", "list.csv:2", "data/pictures/files/car.png: not there"],
        [False, "unreadable_row", "list.csv:3", "line 4 has 1 cells, the file has 2 columns"],
        [
            False,
            "missing_file",
            "list.csv:4",
            "'files/../../secret.png' leads out of data/pictures; name a path inside it",
        ],
    ]
    assert verdicts["id"].is_unique


def test_nothing_is_left_when_every_row_is_dropped() -> None:
    put("notes.csv", "text,kind\na ripe apple\na red car\n")
    set_params({"collect.on_bad_row": "drop"})
    refuse(
        "collect",
        "data/notes.csv: none of its 2 rows can be used ({'unreadable_row': 2}; the first: line 2 has 1 cells, the file has 2 columns); "
        "check collect.source and collect.columns",
    )


def test_what_is_missing_is_no_group_and_no_label() -> None:
    """Rows with an empty cell are not one group; JSON's NaN is no label."""
    rows = [("apple", "fruit", "a1"), ("car", "vehicle", " "), ("cart", NAN, ""), ("pear", "fruit", NAN)]
    put("notes.jsonl", "".join(f"{json.dumps({'text': text, 'kind': kind, 'who': who})}\n" for text, kind, who in rows))
    set_params({"collect.source": "data/notes.jsonl", "collect.columns.group": "who"})
    run("collect")
    found = read_frame(paths.COLLECTED)
    assert [label if isinstance(label, str) else None for label in found["label"]] == [
        "fruit",
        "vehicle",
        None,
        "fruit",
    ]
    assert [group if isinstance(group, str) else None for group in found["group"]] == ["a1", None, None, None]


def test_other_signs_between_cells_and_blank_first_lines() -> None:
    put("notes.csv", "\n\n" + NOTES.replace(",", ";"))
    set_params({"collect.delimiter": ";"})
    assert run("collect").rows_kept == 2


def test_params_that_change_while_a_stage_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """DVC would record the new ones for what was made with the old ones."""

    def main(params: clean.Params) -> Counts:
        set_params(changes)
        return Counts(1)

    changes: dict[str, Any] = {"lr": 0.5}  # not read by this stage
    run_stage("clean", clean.Params, main)
    assert "1 rows in" in capsys.readouterr().out
    changes = {"clean.label.drop": ["fruit"]}
    Path("metrics/clean.json").unlink()
    with pytest.raises(
        SystemExit,
        match=r"clean: error: params\.yaml: keys that this stage reads were changed while it ran; run `dvc repro` again",
    ):
        run_stage("clean", clean.Params, main)
    assert not Path("metrics/clean.json").exists()


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can write what UTF-8 cannot: such rows are repaired, in content and in label."""
    put("notes.jsonl", '{"text": "an apple \\ud83c", "kind": "fruit \\ud83c"}\n')
    set_params({"collect.source": "data/notes.jsonl"})
    run("collect")
    row = read_frame(paths.COLLECTED).iloc[0]
    assert (row["content"], row["label"]) == (b"an apple ?", "fruit ?")


def test_file_name_that_is_not_utf8() -> None:
    Path("data/pictures/fruit").mkdir(parents=True)
    try:
        Path(os.fsdecode(b"data/pictures/fruit/gr\xfcn.png")).write_bytes(png())
    except OSError:
        pytest.skip("this file system has no such names")
    set_params({"collect.source": "data/pictures", "collect.columns.content": "file", "collect.columns.label": "class"})
    assert run("collect").rows_kept == 1


# --- params.yaml ---

SETTINGS = [
    Bad(
        "unknown key at the top",
        "params.yaml:\n  learning_rate: unknown key; use one of augment, …, threads",
        params={"learning_rate": 0.1},
    ),
    Bad(
        "unknown key in a section",
        "params.yaml:\n  dedupe.threshold: unknown key; see docs/params.md, got 0.5",
        params={"dedupe.threshold": 0.5},
    ),
    Bad(
        "unknown key in a sub-section",
        "params.yaml:\n  clean.text.min_words: unknown key; see docs/params.md, got 2",
        params={"clean.text.min_words": 2},
    ),
    Bad(
        "unknown sub-section",
        "params.yaml:\n  embed.video: unknown key; see docs/params.md",
        params={"embed.video": {}},
    ),
    Bad("text for a number", "params.yaml:\n  lr: input should be a valid number, got 'fast'", params={"lr": "fast"}),
    Bad("number below its range", "params.yaml:\n  lr: input should be greater than 0, got -1", params={"lr": -1}),
    Bad(
        "number that is none",
        "params.yaml:\n  lr: input should be a finite number, got nan",
        params={"lr": float("nan")},
    ),
    Bad("no epochs", "params.yaml:\n  epochs: input should be greater than or equal to 1, got 0", params={"epochs": 0}),
    Bad(
        "fraction for a whole number",
        "params.yaml:\n  epochs: input should be a valid integer, got 1.5",
        params={"epochs": 1.5},
    ),
    Bad(
        "truth for a number",
        "params.yaml:\n  epochs: input should be a valid integer, got True",
        params={"epochs": True},
    ),
    Bad(
        "share that is too large",
        "params.yaml:\n  split.test: input should be less than 0.5, got 0.5",
        params={"split.test": 0.5},
    ),
    Bad(
        "word that is not offered",
        "params.yaml:\n  split.method: input should be 'stratified', 'time', 'stable' or 'kfold', got 'random'",
        params={"split.method": "random"},
    ),
    Bad(
        "YAML's no for the word",
        "params.yaml:\n  clean.label.drop.0: input should be a valid string, got False",
        params={"clean.label.drop": [False]},
    ),
    Bad(
        "unknown key for labels",
        "params.yaml:\n  clean.label.unit: unknown key; see docs/params.md, got 'kg'",
        params={"clean.label.unit": "kg"},
    ),
    Bad(
        "nothing said of labels",
        "params.yaml:\n  clean.label: missing; write it, there are no defaults, see docs/params.md",
        params={"clean.label": ...},
    ),
    Bad(
        "key that only the fine-tuning towards categories has",
        "params.yaml:\n  finetune.label_smoothing: unknown key; see docs/params.md, got 0.1",
        params={"finetune.label_smoothing": 0.1},
    ),
    Bad(
        "unknown split",
        "params.yaml:\n  collect.splits.dev.[key]: input should be 'train', 'validation' or 'test', got 'dev'",
        params={"collect.splits": {"dev": "notes.csv"}},
    ),
    Bad(
        "missing key",
        "params.yaml:\n  lr: missing; write it, there are no defaults, see docs/params.md",
        params={"lr": ...},
    ),
    Bad(
        "missing section",
        "params.yaml:\n  dedupe: missing; write it, there are no defaults, see docs/params.md",
        params={"dedupe": ...},
    ),
    Bad(
        "missing sub-section",
        "params.yaml:\n  clean.text: missing; write it, there are no defaults, see docs/params.md",
        params={"clean.text": ...},
    ),
    Bad(
        "nothing for a section",
        "params.yaml:\n  clean: expected a section with keys; see docs/params.md, got None",
        params={"clean": None},
    ),
    Bad(
        "nothing for a sub-section",
        "params.yaml:\n  clean.text: expected a section with keys; see docs/params.md, got None",
        params={"clean.text": None},
    ),
    Bad(
        "shortest text longer than the longest",
        "params.yaml:\n  clean.text: min_chars is larger than max_chars, so no text could stay",
        params={"clean.text.min_chars": 20, "clean.text.max_chars": 10},
    ),
    Bad(
        "smallest side longer than the largest",
        "params.yaml:\n  clean.image: min_side is larger than max_side, so no image could stay",
        params={"modality": "image", "clean.image.min_side": 20, "clean.image.max_side": 10},
    ),
    Bad(
        "no splits at all",
        "params.yaml:\n  collect.splits: dictionary should have at least 1 item after validation, not 0",
        params={"collect.splits": {}},
    ),
    Bad("no model", "params.yaml:\n  model: string should have at least 1 character, got ''", params={"model": ""}),
    Bad(
        "seed that numpy cannot take",
        "params.yaml:\n  seed: input should be less than 4294967296, got 4294967296",
        params={"seed": 2**32},
    ),
    Bad(
        "batch that would be filled up",
        "params.yaml:\n  predict.batch_size: input should be less than or equal to 256, got 5000",
        params={"predict.batch_size": 5000},
    ),
    Bad("no modality", "params.yaml:\n  modality: input should be a valid string, got None", params={"modality": None}),
    Bad(
        "list for a word",
        "params.yaml:\n  modality: input should be a valid string, got ['text']",
        params={"modality": ["text"]},
    ),
    Bad(
        "unknown modality",
        "params.yaml: modality: 'smell' is not in stages/modalities; use one of audio, image, text",
        params={"modality": "smell"},
    ),
    Bad(
        "unknown target",
        "params.yaml: target: 'mood' is not in stages/targets; use one of categories, category, number, tags",
        params={"target": "mood"},
    ),
    Bad(
        "head from a probe that the model's own pooling cannot use",
        "params.yaml:\n  finetune.text: head_init: probe needs pooling: mean, as the model's own head cannot be initialised with a probe",
        params={"finetune.text.pooling": "model"},
    ),
    Bad(
        "several problems, told together",
        "params.yaml:\n"
        "  clean.text.min_chars: input should be greater than or equal to 1, got 0\n"
        "  dedupe.near: input should be a valid boolean, got 'yes'\n"
        "  epoch: unknown key; use one of augment, …, threads\n"
        "  epochs: missing; write it, there are no defaults, see docs/params.md\n"
        "  lr: input should be a valid number, got 'fast'",
        params={"lr": "fast", "epochs": ..., "epoch": 3, "dedupe.near": "yes", "clean.text.min_chars": 0},
    ),
]


@each(SETTINGS)
def test_params(bad: Bad) -> None:
    if bad.stage == "clean":
        run("collect")
    set_params(bad.params)
    refuse(bad.stage, bad.message)


@pytest.mark.parametrize(
    "stage",
    [
        "embed",
        "dedupe",
        "outliers",
        "split",
        "label_audit",
        "report",
        "augment",
        "leaks",
        "finetune",
        "predict",
        "evaluate",
    ],
)
def test_every_stage_checks_the_whole_file(stage: str) -> None:
    set_params({"evaluate.calibration_bins": 1, "collect.header": None})
    refuse(
        stage,
        "params.yaml:\n  collect.header: input should be a valid boolean, got None\n"
        "  evaluate.calibration_bins: input should be greater than or equal to 2, got 1",
    )


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text + "lr: 1e-4\n", 'params.yaml, line …: duplicate key "lr"; keep one'),
        (
            lambda text: text.replace("max_chars", "min_chars"),
            'params.yaml, line …: duplicate key "min_chars"; keep one',
        ),
        (lambda text: text.replace("lr: 0.01", "lr: [0.01"), "params.yaml: not valid YAML (…)"),
        (lambda text: text.replace("lr: 0.01", "lr: !!python/name:os.system"), "params.yaml: not valid YAML (…)"),
        (lambda text: text.replace("seed: ", "seed: 2024-13-45 # "), "params.yaml: not valid YAML (…)"),
        (
            lambda text: text.replace("some", "\ud800").encode("utf-8", "surrogatepass"),
            "params.yaml: not valid YAML (…)",
        ),
        (lambda _: "", "params.yaml: expected `key: value` lines, got NoneType"),
        (lambda _: "- lr\n- epochs\n", "params.yaml: expected `key: value` lines, got list"),
    ],
    ids=[
        "key twice",
        "key twice in a section",
        "unclosed list",
        "call of Python",
        "impossible date",
        "not UTF-8",
        "empty",
        "list",
    ],
)
def test_params_file(edit: Callable[[str], str | bytes], message: str) -> None:
    path = Path("params.yaml")
    edited = edit(path.read_text())
    path.write_bytes(edited if isinstance(edited, bytes) else edited.encode())
    refuse("collect", message)


def test_params_file_is_missing() -> None:
    Path("params.yaml").unlink()
    refuse("collect", "params.yaml: cannot be read (No such file or directory)")


# --- the ledger, and what clean makes of bad rows ---

LEDGERS = [
    Bad(
        "wrong header",
        "data/ledger.csv: expected the header id,action,label,note, got id,action,label",
        {"ledger.csv": "id,action,label\n"},
    ),
    Bad("empty", "data/ledger.csv: expected the header id,action,label,note, got ", {"ledger.csv": ""}),
    Bad(
        "unknown action",
        "data/ledger.csv, line 2: unknown action 'delete'; use keep, drop, relabel",
        {"ledger.csv": LEDGER_HEADER + "a1,delete,,\n"},
    ),
    Bad(
        "relabel without a label",
        "data/ledger.csv, line 3: relabel with label ''; relabel needs a label, the other actions take none",
        {"ledger.csv": LEDGER_HEADER + "a1,keep,,\na2,relabel,,\n"},
    ),
    Bad(
        "keep with a label",
        "data/ledger.csv, line 2: keep with label 'fruit'; relabel needs a label, the other actions take none",
        {"ledger.csv": LEDGER_HEADER + "a1,keep,fruit,\n"},
    ),
    Bad(
        "second decision about a row",
        "data/ledger.csv, line 4: a second decision about row a1; keep one",
        {"ledger.csv": LEDGER_HEADER + "a1,keep,,\na2,keep,,\na1,drop,,\n"},
    ),
    Bad(
        "note with a comma",
        "data/ledger.csv, line 2: expected 4 cells; quote a note that has commas",
        {"ledger.csv": LEDGER_HEADER + "a1,drop,,blurred, and dark\n"},
    ),
    Bad(
        "too few cells",
        "data/ledger.csv, line 2: expected 4 cells; quote a note that has commas",
        {"ledger.csv": LEDGER_HEADER + "a1,drop\n"},
    ),
    Bad(
        "not UTF-8",
        "data/ledger.csv: cannot be read (…); it must be a UTF-8 CSV file with the header id,action,label,note",
        {"ledger.csv": (LEDGER_HEADER + "a1,drop,,grün\n").encode("latin-1")},
    ),
    Bad(
        "nothing is left after clean",
        "data/collected: none of 2 rows can be used ({'too_short': 2}), such as notes.csv:1, whose label is 'fruit'; "
        "see clean, collect.columns and collect.label_format",
        params={"clean.text.min_chars": 50},
    ),
]


@each(LEDGERS)
def test_ledger_and_clean(bad: Bad) -> None:
    run("collect")
    for name, content in bad.files.items():
        put(name, content)
    set_params(bad.params)
    refuse("clean", bad.message)


def test_files_beside_the_folders_of_classes_are_not_passed_over() -> None:
    put("pictures/fruit/apple.png", png())
    put("pictures/stray.png", png())
    set_params(
        {
            "collect.source": "data/pictures",
            "collect.columns.content": "file",
            "collect.columns.label": "class",
            "modality": "image",
        }
    )
    refuse(
        "collect",
        "data/pictures, stray.png:1: it is beside the folders of classes; move it into one of them" + MEND,
    )
    set_params(
        {
            "collect.source": "data/pictures",
            "collect.columns.content": "file",
            "collect.columns.label": "class",
            "collect.on_bad_row": "drop",
        }
    )
    assert run("collect").metrics() == {"rows_in": 2, "rows_kept": 1, "dropped_unreadable_row": 1}


def test_folders_where_files_are_expected_are_not_passed_over() -> None:
    put("pictures/fruit/apple.png", png())
    set_params(
        {
            "collect.source": "data/pictures",
            "collect.columns.content": "file",
            "collect.columns.label": "name",
            "collect.file_names": "{name}.png",
        }
    )
    refuse(
        "collect",
        "data/pictures, fruit:1: a folder, but with collect.file_names set no folder is read; for one folder per class set it to null"
        + MEND,
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "notes.jsonl",
            '{"text": "a ripe apple", "text": "a car", "kind": "fruit"}',
            "notes.jsonl:1: not valid JSON (the key 'text' occurs twice)" + MEND,
        ),
        (
            "notes.json",
            '[{"text": "a ripe apple", "text": "a car"}]',
            "not valid JSON (the key 'text' occurs twice); if each line is an object, name the file .jsonl",
        ),
    ],
)
def test_keys_that_stand_twice(name: str, content: str, message: str) -> None:
    put(name, content)
    set_params({"collect.source": f"data/{name}"})
    refuse("collect", f"data/{name}{',' if name.endswith('l') else ':'} {message}")


def test_parquet_columns_of_one_name() -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["text", "text", "kind"])
    Path("data/notes.parquet").parent.mkdir(exist_ok=True)
    pq.write_table(table, "data/notes.parquet")
    set_params({"collect.source": "data/notes.parquet"})
    refuse("collect", "data/notes.parquet: it has the column 'text' more than once; rename one")


def test_a_persons_word_does_not_lose_a_row() -> None:
    run("collect")
    row = next(iter_rows(paths.COLLECTED))
    put("ledger.csv", LEDGER_HEADER + f"{row['id']},relabel,rubbish,\n")
    set_params({"clean.label.drop": ["rubbish"]})
    refuse(
        "clean",
        f"data/ledger.csv: row {row['id']}: the label 'rubbish' cannot be used (unwanted_label); "
        f"write it as in data/collected, such as {row['label']!r}, and as clean.label allows",
    )


def test_another_run_that_writes_the_same_table() -> None:
    with new_folder(Path("data/some")) as partial:
        with (
            pytest.raises(InputError, match="data/some: another run is writing it; wait until it ends"),
            new_folder(Path("data/some")),
        ):
            pass
        (partial / "file").write_text("mine")
    assert Path("data/some/file").read_text() == "mine"
    assert not list(Path("data").glob(".some*"))


def test_the_lock_of_a_run_ends_with_its_process() -> None:
    code = """
import pathlib, stages.core.atomic
with stages.core.atomic.new_folder(pathlib.Path("data/some")) as partial:
    (partial / "file").write_text("killed")
    print("writing", flush=True)
    input()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"writing\n"
        with pytest.raises(InputError, match="another run is writing it"), new_folder(Path("data/some")):
            pass
        other.kill()
    with new_folder(Path("data/some")) as partial:
        assert not list(partial.iterdir())
        (partial / "file").write_text("mine")
    assert [path.name for path in Path("data/some").iterdir()] == ["file"]
    assert not list(Path("data").glob(".some*"))


def test_missing_ledger() -> None:
    run("collect")
    Path("data/ledger.csv").unlink()
    refuse(
        "clean", "data/ledger.csv: cannot be read (…); it must be a UTF-8 CSV file with the header id,action,label,note"
    )


def test_bad_images_are_dropped_with_their_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = {
        "good": png(),
        "cut off": png()[:-200],
        "bomb": png_bomb(50_000, 50_000),
        "large": png_bomb(1_001, 1_000),
        "text": b"I am a picture, believe me.",
        "empty": b"",
        "tiny": png(3),
        "no pixels": png_bomb(10, 10)[:33],
    }
    for name, content in pictures.items():
        put(f"pictures/files/{name}.png", content)
    put("pictures/list.csv", "picture,kind\n" + "".join(f"{name},thing\n" for name in pictures))
    set_params({**PICTURES, "modality": "image"})
    run("collect")
    decoded = spy_on_decoding(monkeypatch)
    counts = run("clean")
    reasons = dict(zip(pictures, read_frame(paths.CLEAN_VERDICTS)["reason"].fillna(""), strict=True))
    assert reasons == {
        "good": "",
        "cut off": "unreadable",
        "bomb": "too_many_pixels",
        "large": "too_many_pixels",
        "text": "unreadable",
        "empty": "empty",
        "tiny": "too_small",
        "no pixels": "unreadable",
    }
    assert counts.rows_kept == 1
    assert max(decoded) <= 16 * 16  # no pixel of the large ones


def test_pictures_are_never_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostScript passes for a picture, and Pillow would have Ghostscript run it."""
    started: list[str] = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: started.append("gs"))
    put("pictures/files/apple.png", png())
    put(
        "pictures/files/program.png",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(%pipe%id) (w) file\n%%EOF\n",
    )
    put("pictures/list.csv", "picture,kind\napple,fruit\nprogram,fruit\n")
    set_params({**PICTURES, "modality": "image"})
    run("collect")
    assert run("clean").dropped == {"unreadable": 1}
    assert not started


def test_names_of_files_that_nobody_opens() -> None:
    put("pictures/list.csv", "picture,kind\npictures/files/apple.png,fruit\n")
    set_params({**PICTURES, "collect.files": None, "modality": "image"})
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 1 rows can be used ({'unreadable': 1}), such as …; if the cells of a table are names of files, set collect.files",
    )


def spy_on_decoding(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of pixels of every image that is decoded from now on."""
    decoded: list[int] = []
    load = ImageFile.ImageFile.load

    def counting_load(image: ImageFile.ImageFile) -> Any:
        decoded.append(image.width * image.height)
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", counting_load)
    return decoded


# --- tables, and what split cannot do ---


def write_cleaned(labels: Sequence[str], **columns: Sequence[str | None]) -> None:
    """data/cleaned and the verdicts that split reads: rows without duplicates and outliers."""
    ids = pd.Series([f"{number:032x}" for number in range(len(labels))])
    rows = pd.DataFrame(
        {"id": ids, "label": labels, "content": "a text", "group": None, "time": None, "given_split": None}
    )
    rows["source"] = [f"notes.csv:{number}" for number in range(1, len(rows) + 1)]
    write_frame(paths.CLEANED, rows.assign(**columns), row_schema(pa.string(), pa.string()))
    verdicts = pd.DataFrame(
        {
            "id": ids,
            "keep": True,
            "reason": None,
            "cluster": ids,
            "label_conflict": False,
            "reviewed": False,
            "score": 0.0,
        }
    )
    verdicts = verdicts.assign(
        source=rows["source"],
        given_label=rows["label"],
        repairs=None,
        duplicate_of=None,
        similarity=None,
        kind=None,
        nearest=None,
    )
    write_frame(paths.CLEAN_VERDICTS, verdicts, clean.VERDICT)
    write_frame(paths.DUPLICATE_VERDICTS, verdicts, dedupe.VERDICT)
    write_frame(
        paths.OUTLIER_VERDICTS,
        verdicts.assign(class_score=0.0, class_nearest=None, far_from_class=False),
        outliers.VERDICT,
    )


TOO_FEW = (
    "; collect more rows, merge labels with clean.label.aliases, leave some out with clean.label.drop, or see "
    "collect.columns.label; if many rows were dropped as duplicates or outliers, see dedupe and outliers; "
    "with kfold, fewer split.folds leave more rows in each fold"
)


def test_label_that_is_seen_once() -> None:
    write_cleaned(["fruit"] * 10 + ["vehicle"] * 10 + ["mineral"])
    refuse("split", "labels without a row in validation: 'mineral' (1 of 1 rows are kept)" + TOO_FEW)


def test_label_that_only_the_given_test_split_has() -> None:
    given = ["train"] * 20 + ["test"] * 12
    write_cleaned(["fruit", "vehicle"] * 15 + ["mineral"] * 2, given_split=given)
    refuse("split", "labels without a row in train: 'mineral' (2 of 2 rows are kept)" + TOO_FEW)


def test_label_whose_rows_are_all_duplicates() -> None:
    write_cleaned(["fruit", "vehicle"] * 15 + ["mineral"])
    verdicts = read_frame(paths.DUPLICATE_VERDICTS)
    write_frame(paths.DUPLICATE_VERDICTS, verdicts.assign(keep=verdicts.index < 30), dedupe.VERDICT)
    refuse("split", "labels without a row in train: 'mineral' (0 of 1 rows are kept)" + TOO_FEW)


def test_a_label_for_every_row() -> None:
    """As when the column of ids is named instead of that of labels."""
    write_cleaned([f"label {row:02d}" for row in range(30)])
    refuse("split", "labels without a row in …: 'label …' (1 of 1 rows are kept), … and … more" + TOO_FEW)


def test_nothing_falls_into_a_split() -> None:
    write_cleaned(["fruit", "fruit"], given_split=["train", "validation"])
    refuse("split", "no rows for test; give more rows, or change split.test or collect.splits")
    write_cleaned(["fruit", "fruit"], given_split=["test", "validation"])
    refuse(
        "split",
        "no rows are left for train: all are held out, repeat held-out rows, are in their groups, or lie in the gap; "
        "see collect.splits, collect.columns.group and split.gap",
    )


@pytest.mark.parametrize("time", [None, "yesterday", "2024-02-30", "now"])
def test_split_by_time_without_a_date(time: str | None) -> None:
    write_cleaned(["fruit", "vehicle"] * 10, time=["2024-01-01"] * 12 + [time] * 8)
    set_params({"split.method": "time"})
    where = f"split.method: time, but notes.csv:13 has {'no time' if time is None else f'the time {time!r}'}"
    refuse("split", f"{where}; collect.columns.time must name a column of ISO 8601 dates in every row")


def test_missing_table() -> None:
    refuse("clean", "data/collected: there is no table; run `dvc repro`")
    refuse("dedupe", "data/cleaned: there is no table; run `dvc repro`")


READERS = {
    "clean": paths.COLLECTED,
    "embed": paths.CLEANED,
    "dedupe": paths.CLEANED,
    "outliers": paths.DUPLICATE_VERDICTS,
    "split": paths.CLEANED,
}


@pytest.mark.parametrize("stage", READERS)
@pytest.mark.parametrize("damage", ["cut off", "overwritten", "no Parquet"])
def test_damaged_part(stage: str, damage: str) -> None:
    run("collect")
    write_cleaned(["fruit", "vehicle"] * 10)
    part = READERS[stage] / "part-00000.parquet"
    content = part.read_bytes()
    part.write_bytes(
        {"cut off": content[:-40], "overwritten": content[:4] + bytes(80) + content[84:], "no Parquet": b"a text"}[
            damage
        ]
    )
    refuse(stage, f"{part}: not a readable Parquet file (…); remove it and run `dvc repro`")


def test_second_part_is_damaged() -> None:
    """What the first part gave is not left behind."""
    run("collect")
    first, second = paths.COLLECTED / "part-00000.parquet", paths.COLLECTED / "part-00001.parquet"
    content = first.read_bytes()
    second.write_bytes(content[:4] + bytes(80) + content[84:])
    refuse("clean", f"{second}: not a readable Parquet file (…); remove it and run `dvc repro`")


def test_failed_last_write_leaves_nothing() -> None:
    """The last rows are written when the `with` block ends: that can fail too."""
    with pytest.raises(UnicodeEncodeError), new_table(Path("data/things"), pa.schema([("id", pa.string())])) as writer:
        writer.write_row({"id": "\ud800"})
    assert not [path for path in Path("data").iterdir() if "things" in path.name]


# --- as DVC runs it ---


@pytest.mark.parametrize(
    ("notes", "changes", "message"),
    [
        (
            "text,kind\na ripe apple\n",
            {},
            "data/notes.csv, notes.csv:1: line 2 has 1 cells, the file has 2 columns" + MEND,
        ),
        (
            NOTES,
            {"lr": "fast", "epochs": 0},
            "params.yaml:\n  epochs: input should be greater than or equal to 1, got 0\n  lr: input should be a valid number, got 'fast'",
        ),
        ("\xff\xfe", {"collect.source": "data/none.csv"}, "data/none.csv: cannot be read (No such file or directory)"),
    ],
    ids=["row", "params", "file"],
)
def test_one_message_and_status_1(notes: str, changes: Mapping[str, Any], message: str) -> None:
    put("notes.csv", notes)
    set_params(changes)
    before = files()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    stage = subprocess.run(
        [sys.executable, "-m", "stages.collect"], capture_output=True, text=True, env=environment, check=False
    )
    assert (stage.returncode, stage.stdout, stage.stderr) == (1, "", f"collect: error: {message}\n")
    assert files() == before
