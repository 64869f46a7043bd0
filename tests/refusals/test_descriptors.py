"""Descriptors of data that can change unseen are refused; the rows of the hub become ours."""

import datetime
import importlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import read_frame
from stages.sources.hub_rows import hub_records
from stages.sources.pinned import FORMATS
from tests.refusals.bad_input import NOTES, png, put, run, set_params

SETTINGS: dict[str, Any] = {"collect.source": "data/things.yaml"}
FILES = {"collect.columns.content": "file", "collect.columns.label": "class"}


def refused(arguments: str) -> str:
    put("things.yaml", "load_dataset:\n  " + arguments.replace("\n", "\n  ") + "\n")
    set_params(SETTINGS)
    with pytest.raises(InputError) as error:
        run("collect")
    return str(error.value)


def rows_with(**changes: Any) -> int:
    set_params({key.replace("__", "."): value for key, value in changes.items()})
    return run("collect").rows_kept


def test_a_table_on_this_machine() -> None:
    message = refused("path: csv\ndata_files: data/notes.csv")
    assert message.endswith("whose changes would stay unseen; set collect.source: data/notes.csv")
    assert rows_with(collect__source="data/notes.csv") == 2


def test_tables_of_splits_on_this_machine() -> None:
    put("one.csv", NOTES)
    put("two.csv", NOTES)
    message = refused("path: csv\ndata_files:\n  train: data/one.csv\n  test: data/two.csv")
    assert message.endswith("; set collect.source: data and collect.splits: {train: one.csv, test: two.csv}")
    assert rows_with(collect__source="data", collect__splits={"train": "one.csv", "test": "two.csv"}) == 4


@pytest.mark.parametrize("arguments", ["path: imagefolder\ndata_dir: data/photos", "path: data/photos"])
def test_folders_of_splits_on_this_machine(arguments: str) -> None:
    for split in ("train", "test"):
        for kind in ("fig", "pear"):
            put(f"photos/{split}/{kind}/1.png", png())
    message = refused(arguments)
    assert "set collect.source: data/photos, collect.splits: {train: train, test: test}, " in message
    assert "collect.columns.content: file, collect.columns.label: class" in message
    set_params({"collect.source": "data/photos", "collect.splits": {"train": "train", "test": "test"}, **FILES})
    assert run("collect").rows_kept == 4


def test_a_folder_with_metadata_on_this_machine() -> None:
    put("photos/1.png", png())
    put("photos/metadata.csv", "file_name,kind\n1.png,fig\n")
    message = refused("path: imagefolder\ndata_dir: data/photos")
    assert "collect.table: metadata.csv, collect.columns.content: file_name, collect.files: '{}'" in message
    changes = {"collect.source": "data/photos", "collect.table": "metadata.csv", "collect.files": "{}"}
    set_params({**changes, "collect.columns.content": "file_name"})
    assert run("collect").rows_kept == 1


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ("path: text\ndata_files: data/*.txt", "load_dataset reads data/*.txt on this machine"),
        ("path: some/things\nrevision: 0123abc\ndata_files: /srv/rows.csv", "load_dataset reads /srv/rows.csv on this"),
        (
            "path: csv\ndata_files: https://example.org/a.csv",
            "reads https://example.org/a.csv, which can change unseen",
        ),
        ("path: hdf5\nrevision: 0123abc\ndata_files: rows.h5", "load_dataset reads rows.h5 on this machine"),
        ("path: some/things\nrevision: main", "`revision` 'main' is a branch; set it to a commit of 'some/things'"),
    ],
)
def test_what_can_change_unseen(arguments: str, what: str) -> None:
    assert what in refused(arguments)


def test_the_formats_are_those_of_datasets() -> None:
    modules = importlib.import_module("datasets.packaged_modules")
    assert set(modules._PACKAGED_DATASETS_MODULES) <= FORMATS


def test_the_root_cause_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(**_: Any) -> None:
        try:
            raise ImportError("please install\n'something'")
        except ImportError as error:
            raise RuntimeError("An error occurred while generating the dataset") from error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    message = refused("path: some/things\nrevision: 0123abc")
    assert message == "data/things.yaml: load_dataset failed: ImportError: please install 'something'"


def test_rows_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files by their paths, in archives too; classes and files in lists; nothing is decoded."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/1.wav").write_bytes(b"no sound")
    with zipfile.ZipFile(tmp_path / "cache/files.zip", "w") as archive:
        archive.writestr("a/1.png", png())
    kinds = datasets.ClassLabel(names=["fig", "pear"])
    features = {
        "image": datasets.Image(),
        "sounds": datasets.List({"sound": datasets.Audio()}),
        "kind": kinds,
        "kinds": datasets.List(kinds),
        "nested": {"kind": kinds},
        "time": datasets.Value("timestamp[s]"),
        "video": datasets.Video(),
    }
    row = {
        "image": {"bytes": None, "path": f"zip://a/1.png::{tmp_path}/cache/files.zip"},
        "sounds": [{"sound": {"bytes": None, "path": f"{tmp_path}/cache/1.wav"}}],
        "kind": -1,
        "kinds": [0, 1],
        "nested": {"kind": 1},
        "time": datetime.datetime(2020, 1, 2),
        "video": {"bytes": b"", "path": None},
    }
    gone = {"bytes": None, "path": f"{tmp_path}/cache/gone.png"}
    elsewhere = {"bytes": None, "path": "/etc/hostname"}
    rows = [row, {**row, "image": gone}, {**row, "image": elsewhere}, {**row, "image": None}]
    storage = {"bytes": "binary", "path": "string"}
    plain = datasets.Features(
        {
            "image": {name: datasets.Value(kind) for name, kind in storage.items()},
            "sounds": datasets.List({"sound": {name: datasets.Value(kind) for name, kind in storage.items()}}),
            "kind": datasets.Value("int64"),
            "kinds": datasets.List(datasets.Value("int64")),
            "nested": {"kind": datasets.Value("int64")},
            "time": datasets.Value("timestamp[s]"),
            "video": {name: datasets.Value(kind) for name, kind in storage.items()},
        }
    )
    data = datasets.Dataset.from_list(rows, features=plain).cast(datasets.Features(features))
    first, missing, foreign, empty = hub_records("train", data)
    assert {**first.values, "video": None} == {
        "image": png(),
        "sounds": [{"sound": b"no sound"}],
        "kind": None,
        "kinds": ["fig", "pear"],
        "nested": {"kind": "pear"},
        "time": datetime.datetime(2020, 1, 2),
        "video": None,
    }
    assert (missing.source, missing.reason) == ("train:2", "missing_file")
    assert "/etc/hostname' was not downloaded with the data set" in str(foreign.problem)
    assert empty.values["image"] is None
    monkeypatch.setattr(datasets, "load_dataset", lambda **_: data)
    put("things.yaml", "load_dataset:\n  path: some/things\n  revision: 0123abc\n")
    columns = {"collect.columns.content": "video", "collect.columns.label": "time"}
    set_params({**SETTINGS, **columns})
    with pytest.raises(InputError, match="the content is of type Video, expected a text or the bytes of a file"):
        run("collect")
    set_params(
        {**SETTINGS, "collect.columns.content": "image", "collect.columns.label": "time", "collect.on_bad_row": "drop"}
    )
    assert run("collect").dropped == {"missing_file": 1, "unusable_file": 1}
    assert set(read_frame(paths.COLLECTED)["label"]) == {"2020-01-02 00:00:00"}
