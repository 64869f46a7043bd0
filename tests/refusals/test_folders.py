"""Folders of files: what becomes a row, what is refused, and what is said."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import Counts
from stages.core.tables import read_frame
from tests.refusals.bad_input import files, png, put, run, set_params

CLASSES = {"collect.source": "data/pictures", "collect.columns.content": "file", "collect.columns.label": "class"}
DROP = {"collect.on_bad_row": "drop"}
TABLE = {
    "collect.source": "data/pictures",
    "collect.table": "list.csv",
    "collect.files": "{}",
    "collect.columns.content": "picture",
    "collect.columns.label": "kind",
}


def collect(**changes: Any) -> Counts:
    set_params({**CLASSES, **changes})
    return run("collect")


def put_all(*names: str, content: bytes | str = "") -> None:
    for name in names:
        put(name, content or png())


def sources() -> list[str]:
    return sorted(read_frame(paths.COLLECTED, ["source"])["source"])


def rejected() -> dict[str, str]:
    frame = read_frame(paths.COLLECT_VERDICTS, ["source", "detail"])
    return dict(zip(frame["source"], frame["detail"], strict=True))


def said(counts: Counts) -> str:
    return "\n".join(warning.message for warning in counts.warnings)


# --- hidden files and what tools leave behind ---

JUNK = (
    "fruit/.old/1.png",
    "fruit/@eaDir/1.png/THUMB.png",
    "tree/a/b/.thumbs/1.png",
    "fruit/Thumbs.db",
    "tree/._1.png",
    "tree/1.png~",
)
JUNK += ("__MACOSX/fruit/1.png", "lost+found/1.png", "tree/$RECYCLE.BIN/1.png", "Desktop.ini")


def test_hidden_files_are_no_rows_at_any_depth() -> None:
    put_all("pictures/fruit/1.png", "pictures/tree/a/b/2.png", *(f"pictures/{name}" for name in JUNK))
    counts = collect()
    assert sources() == ["fruit/1.png:1", "tree/a/b/2.png:1"]
    assert f"{len(JUNK)} hidden files" in said(counts) and "data/pictures/Desktop.ini" in said(counts)


def test_hidden_files_are_no_rows_of_a_folder_of_files() -> None:
    put_all("pictures/fig_1.png", "pictures/._fig_1.png", "pictures/@eaDir/fig_1.png")
    counts = collect(**{"collect.file_names": "{name}_{take}.png", "collect.columns.label": "name"})
    assert sources() == ["fig_1.png:1"] and "2 hidden files" in said(counts)


def test_hidden_files_are_no_rows_of_splits() -> None:
    put_all("pictures/a/fruit/1.png", "pictures/b/fruit/2.png", "pictures/b/fruit/.x/1.png")
    counts = collect(**{"collect.splits": {"train": "a", "test": "b"}})
    assert sources() == [
        "fruit/1.png:1",
        "fruit/2.png:1",
    ] and "1 hidden file, or file that tools left behind, is no row" in said(counts)


def test_a_table_that_names_a_hidden_file() -> None:
    put_all("pictures/1.png", "pictures/._1.png", "pictures/@eaDir/1.png")
    put("pictures/list.csv", "picture,kind\n1.png,fruit\n._1.png,fruit\n@eaDir/1.png,fruit\n")
    assert collect(**TABLE, **DROP).dropped == {"unusable_file": 2}


# --- links, FIFOs, folders that cannot be read ---


def test_what_is_no_regular_file_is_a_bad_row_and_never_opened() -> None:
    put_all("pictures/fruit/1.png", "pictures/tree/2.png")
    fruit = Path("data/pictures/fruit")
    (fruit / "gone.png").symlink_to("../.git/annex/objects/gone.png")
    (fruit / "circle.png").symlink_to("circle.png")
    (fruit / "trees").symlink_to("../tree")
    Path("data/pictures/linked_class").symlink_to("tree")
    (fruit / "same.png").symlink_to("1.png")
    os.mkfifo(fruit / "pipe.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(fruit / "socket.png"))
        counts = collect(**DROP)
    assert counts.dropped == {"unusable_file": 6}
    assert sources() == ["fruit/1.png:1", "fruit/same.png:1", "tree/2.png:1"]
    details = rejected()
    assert details["fruit/gone.png:1"].startswith("a link to ../.git/annex/objects/gone.png, which is not there; fetch")
    assert details["fruit/circle.png:1"] == "a link that leads back to itself; delete it"
    assert details["fruit/trees:1"].startswith("a link to a folder, where a file is expected")
    assert details["linked_class:1"] == details["fruit/trees:1"]
    assert details["fruit/pipe.png:1"].startswith("a FIFO") and details["fruit/socket.png:1"].startswith("a socket")
    with pytest.raises(InputError, match=r"fruit/circle\.png:1: a link .*; or set collect\.on_bad_row: drop$"):
        collect()


def test_a_table_that_names_a_fifo_a_folder_and_a_dangling_link() -> None:
    put_all("pictures/1.png", "pictures/folder/2.png")
    os.mkfifo("data/pictures/pipe.png")
    Path("data/pictures/gone.png").symlink_to("/nowhere/gone.png")
    put(
        "pictures/list.csv", "picture,kind\n" + "".join(f"{n},x\n" for n in ("1.png", "pipe.png", "folder", "gone.png"))
    )
    assert collect(**TABLE, **DROP).dropped == {"unusable_file": 3}
    assert not [detail for detail in rejected().values() if "Errno" in detail]


def test_a_folder_that_cannot_be_read_is_a_bad_row(monkeypatch: pytest.MonkeyPatch) -> None:
    put_all("pictures/fruit/1.png", "pictures/fruit/locked/2.png")
    iterdir = Path.iterdir

    def refusing(path: Path) -> Any:
        if path.name == "locked":
            raise PermissionError(13, "Permission denied")
        return iterdir(path)

    monkeypatch.setattr(Path, "iterdir", refusing)
    assert collect(**DROP).dropped == {"unusable_file": 1}
    assert rejected()["fruit/locked:1"].startswith("a folder that cannot be read (Permission denied)")


def test_a_source_that_is_a_fifo_is_refused() -> None:
    Path("data").mkdir(exist_ok=True)
    os.mkfifo("data/rows.csv")
    with pytest.raises(InputError, match=r"data/rows\.csv: neither a file nor a folder"):
        collect(**{"collect.source": "data/rows.csv"})


# --- layouts that mean something else than one folder per class ---


def refused(**changes: Any) -> str:
    before = files()
    with pytest.raises(InputError) as error:
        collect(**changes)
    set_params({})
    assert files() <= before | {"params.yaml"}
    return str(error.value)


def put_classes(*folders: str) -> None:
    """Two classes of two pictures in each folder."""
    for folder in folders:
        put_all(*(f"{folder}/{kind}/{number}.png" for kind in ("fig", "pear") for number in (1, 2)))


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (["train", "test"], {"train": "train", "test": "test"}),
        (["Training", "Validation", "TEST"], {"train": "Training", "validation": "Validation", "test": "TEST"}),
        (["train", "dev", "eval"], {"train": "train", "validation": "dev", "test": "eval"}),
        (["train_set", "hold-out"], {"train": "train_set", "test": "hold-out"}),
        (["train", "val", "holdout"], {"train": "train", "validation": "val", "test": "holdout"}),
    ],
    ids=lambda value: "-".join(value),
)
def test_folders_of_splits_are_no_classes(folders: list[str], splits: dict[str, str]) -> None:
    put_classes(*(f"pictures/{folder}" for folder in folders))
    value = ", ".join(f"{split}: {name}" for split, name in splits.items())
    assert f"set collect.splits: {{{value}}};" in refused()
    assert collect(**{"collect.splits": splits}).rows_kept == 4 * len(folders)  # the advice
    assert set(read_frame(paths.COLLECTED)["label"]) == {"fig", "pear"}


def test_a_split_beside_folders_of_classes() -> None:
    put_classes("pictures", "pictures/test")
    message = refused()
    assert (
        "move the other folders (fig, pear) into a folder `train` and set collect.splits: {train: train, test: test}"
        in (message)
    )
    Path("data/pictures/train").mkdir()
    for name in ("fig", "pear"):
        Path("data/pictures", name).rename(f"data/pictures/train/{name}")
    assert collect(**{"collect.splits": {"train": "train", "test": "test"}}).rows_kept == 8


def test_splits_of_files_only() -> None:
    put_all("pictures/train/fig_1.png", "pictures/test/pear_1.png")
    assert "test, train: names of splits, not of classes; set collect.splits: {train: train, test: test}" in refused()
    changes = {"collect.splits": {"train": "train", "test": "test"}, "collect.columns.label": "kind"}
    assert collect(**changes, **{"collect.file_names": "{kind}_{n}.png"}).rows_kept == 2


def test_a_class_called_train_is_a_class() -> None:
    put_all("pictures/bus/1.png", "pictures/train/1.png", "pictures/car/1.png")
    assert collect().rows_kept == 3


def test_splits_in_folders_of_classes() -> None:
    put_all(*(f"pictures/{kind}/{split}/1.png" for kind in ("fig", "pear") for split in ("train", "test")))
    message = refused()
    assert "set collect.file_names: '{class}/{split}/{name}', collect.columns.split: split, " in message
    assert "collect.splits: {train: train, test: test}" in message
    changes = {"collect.file_names": "{class}/{split}/{name}", "collect.columns.split": "split"}
    collect(**changes, **{"collect.splits": {"train": "train", "test": "test"}})
    rows = read_frame(paths.COLLECTED)
    assert sorted(zip(rows["label"], rows["given_split"], strict=True)) == [
        ("fig", "test"),
        ("fig", "train"),
        ("pear", "test"),
        ("pear", "train"),
    ]


def test_an_extra_level_of_folders() -> None:
    put_classes("pictures/pictures-main")
    put_all("pictures/__MACOSX/x/1.png")
    put("pictures/pictures-main/README.md", "about")
    assert refused().endswith("; set collect.source: data/pictures/pictures-main")
    assert collect(**{"collect.source": "data/pictures/pictures-main"}).rows_kept == 4


def test_an_extra_level_above_splits_and_within_one() -> None:
    put_classes("pictures/inner/train", "pictures/inner/test/more")
    assert refused().endswith("set collect.source: data/pictures/inner and collect.splits: {train: train, test: test}")
    inner = {"collect.source": "data/pictures/inner"}
    message = refused(**inner, **{"collect.splits": {"train": "train", "test": "test"}})
    assert message.endswith("; name test/more in collect.splits instead")
    assert collect(**inner, **{"collect.splits": {"train": "train", "test": "test/more"}}).rows_kept == 8


def test_contents_and_annotations_are_no_classes() -> None:
    put_all("pictures/images/1.png", "pictures/labels/1.txt")
    assert "contents and annotations, not classes" in refused()


def test_classes_called_like_parts_are_suspected() -> None:
    put_all("pictures/fold1/1.png", "pictures/fold2/1.png")
    assert "these look like parts of the data" in said(collect())


def test_one_class_in_nested_folders_is_one_class() -> None:
    put_all("pictures/fig/monday/1.png", "pictures/fig/2.png", "pictures/fig/friday/1.png")
    assert collect().rows_kept == 3


# --- stray files ---


def test_files_about_the_data_do_not_stop_the_run() -> None:
    put_classes("pictures")
    put_all(*(f"pictures/{name}" for name in ("README.md", "LICENSE", "labels.csv", "notes.txt")), content="about")
    assert "4 files about the data are no rows: data/pictures/LICENSE, " in said(collect())
    put_all("pictures/stray.jpg")
    with pytest.raises(InputError, match=r"stray\.jpg:1: it is beside the folders of classes; move it into one"):
        collect()


def test_a_text_beside_folders_of_texts_is_a_bad_row() -> None:
    put_all("pictures/fig/1.txt", "pictures/stray.txt", "pictures/README.txt", content="a fig")
    counts = collect(**DROP)
    assert (counts.rows_kept, counts.dropped) == (1, {"unusable_file": 1})
    assert "README.txt" in said(counts)


# --- class folders and the parts of names ---


def test_class_folders_and_parts_of_names() -> None:
    put_all("pictures/fig/anna_1.png", "pictures/pear/anna_2.png", "pictures/pear/ben_1.png")
    changes = {"collect.file_names": "{grower}_{take}.png", "collect.columns.group": "grower"}
    collect(**changes)
    rows = read_frame(paths.COLLECTED)
    assert rows[["label", "group"]].to_numpy().tolist() == [["fig", "anna"], ["pear", "anna"], ["pear", "ben"]]
    with pytest.raises(InputError, match="whose names are the column `class`"):
        collect(**{"collect.file_names": "{class}_{take}.png"})


def test_a_pattern_with_a_slash_is_that_of_the_path() -> None:
    put_all("pictures/fig/anna/1.png", "pictures/pear/ben/x/2.png")
    changes = {"collect.file_names": "{class}/{grower}/{take}.png", "collect.columns.group": "grower"}
    assert collect(**changes, **DROP).dropped == {"unusable_file": 1}  # no part of a path holds a slash
    assert read_frame(paths.COLLECTED)["group"].tolist() == ["anna"]


# --- encodings ---

LATIN = "ein grüner Apfel".encode("cp1252")


@pytest.mark.parametrize("name", ["1.txt", "51060"])
def test_a_text_that_is_not_utf8(name: str) -> None:
    put(f"pictures/fig/{name}", LATIN)
    put("pictures/fig/2.txt", "ein süßer Apfel")
    with pytest.raises(InputError, match=r"not UTF-8 \(byte 0xfc\); set collect\.encoding .* for example cp1252"):
        collect()
    collect(**{"collect.encoding": "cp1252"})
    contents = [content.decode() for content in read_frame(paths.COLLECTED)["content"]]
    assert sorted(contents) == ["ein grüner Apfel", "ein süßer Apfel"]
    with pytest.raises(InputError, match="no text encoding 'klingon'"):
        collect(**{"collect.encoding": "klingon"})


def test_the_encoding_of_other_scripts_is_named() -> None:
    russian = "Хороший отель, рядом с морем"
    put("pictures/fig/1.txt", russian.encode("cp1251"))
    with pytest.raises(InputError, match=r"set collect\.encoding .* for example cp1251"):
        collect()
    collect(**{"collect.encoding": "cp1251"})
    assert [content.decode() for content in read_frame(paths.COLLECTED)["content"]] == [russian]


def test_utf16_and_a_text_that_a_table_names() -> None:
    put("pictures/1.txt", "a fig".encode("utf-16"))
    put("pictures/2.txt", "a fig".encode("utf-16-le"))
    put("pictures/list.csv", "picture,kind\n1.txt,fruit\n2.txt,fruit\n")
    assert collect(**TABLE, **DROP | {"collect.encoding": "utf-16"}).rows_kept == 2
    with pytest.raises(InputError, match=r"1\.txt: not UTF-8 .* for example utf-16; or set"):
        collect(**TABLE)


def test_pictures_and_sounds_are_bytes() -> None:
    put_all("pictures/fig/1.png", "pictures/fig/no_suffix")
    assert collect(**{"collect.encoding": "cp1252"}).rows_kept == 2
    assert set(read_frame(paths.COLLECTED)["content"]) == {png()}


# --- groups ---


def suggestion(*names: str, **changes: Any) -> str:
    for number, name in enumerate(names):
        put(f"pictures/{name}", png() + bytes([number % 256, number // 256]))
    counts = collect(**changes)
    return "\n".join(warning.message for warning in counts.warnings if warning.see == "collect.columns.group")


def test_a_speaker_in_file_names_is_suggested() -> None:
    speakers = ("anna", "ben", "carl", "dora", "emil", "fred")
    names = [f"{kind}/{who}_{take}.png" for kind in ("fig", "pear") for who in speakers for take in range(4)]
    message = suggestion(*names)
    assert "6 values are in 48 file names as the part part_1" in message
    assert "set collect.file_names: '{part_1}_{part_2}' and collect.columns.group: part_1" in message
    collect(**{"collect.file_names": "{part_1}_{part_2}", "collect.columns.group": "part_1"})
    assert set(read_frame(paths.COLLECTED)["group"]) == set(speakers)


def test_a_part_that_file_names_names_is_suggested() -> None:
    names = [f"{kind}_patient{who:03}_{take}.png" for kind in ("a", "b") for who in range(9) for take in range(3)]
    changes = {"collect.file_names": "{kind}_{who}_{take}.png", "collect.columns.label": "kind"}
    assert "9 values are in 54 file names as the part who" in suggestion(*names, **changes)
    assert suggestion(**changes, **{"collect.columns.group": "who"}) == ""


@pytest.mark.parametrize(
    "name",
    [
        "img_{n:04}.png",
        "{kind}_{n:04}.png",
        "{n}.png",
        "{hash}.png",
        "2023-05-{day:02}_{n:04}.png",
        "{n}_{size}.png",
        "202305{day:02}_{n:04}.png",
    ],
)
def test_ordinary_names_suggest_nothing(name: str) -> None:
    names = []
    for n in range(60):
        kind = ("fig", "pear")[n % 2]
        values = {"n": n, "kind": kind, "hash": hex(n * 0x9E3779B1)[2:], "day": 1 + n % 9, "size": (64, 128)[n % 2]}
        names.append(f"{kind}/" + name.format(**values))
    assert suggestion(*names) == ""


def test_groups_times_and_splits_are_normalised() -> None:
    put(
        "notes.csv",
        "text,kind,who,day,part\na,x,P1,2020-01-01,train\nb,x, P1\u200b,2020-01-01 ,train \nc,x,\u200b ,,train\n",
    )
    columns = {"content": "text", "label": "kind", "group": "who", "time": "day", "split": "part"}
    collect(**{"collect.source": "data/notes.csv", "collect.columns": columns, "collect.splits": {"train": "train"}})
    rows = read_frame(paths.COLLECTED)
    assert rows["group"].fillna("").tolist() == ["P1", "P1", ""]
    assert rows["time"].fillna("").tolist() == ["2020-01-01", "2020-01-01", ""]
    assert set(rows["given_split"]) == {"train"}
