"""Hostile folders, tables that name files, descriptors of data sets that are elsewhere, and whole small lines."""

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.hostile.images import good_image
from bench.hostile.params import COLUMNS
from bench.hostile.strings import STRINGS, csv_of
from bench.hostile.workplace import Hostile

Make = Callable[[Path], bytes | None]  # writes what stands at a path, or gives the bytes that do


def link(target: str) -> Make:
    def make(path: Path) -> None:
        path.symlink_to(target)

    return make


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 107 characters
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path.name)
    os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


def locked_folder(path: Path) -> None:
    path.mkdir()
    (path / "9.png").write_bytes(good_image(9))
    path.chmod(0)


def locked_file(path: Path) -> None:
    path.write_bytes(good_image(9))
    path.chmod(0)


def hard_link(path: Path) -> None:
    os.link("../outside/secret.csv", path)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(8 * 2**30)


def deep_folders(path: Path) -> None:
    """400 folders in each other."""
    here = Path.cwd()
    path.mkdir()
    os.chdir(path)
    for _ in range(400):
        Path("d").mkdir()
        os.chdir("d")
    Path("9.png").write_bytes(good_image(9))
    os.chdir(here)


def many(count: int, name: Callable[[int], str], content: bytes = b"") -> Make:
    def make(path: Path) -> None:
        path.mkdir()
        for number in range(count):
            file = path / name(number)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)

    return make


def bytes_name(name: bytes) -> Make:
    def make(path: Path) -> None:
        Path(os.fsdecode(os.fsencode(path.parent) + b"/" + name)).write_bytes(good_image(9))

    return make


PICTURES = {f"things/{'ab'[number % 2]}/{number}.png": good_image(number) for number in range(4)}
# What stands beside four good pictures in two folders: (what, rows in all; None: not fixed)
BESIDE: Mapping[str, tuple[dict[str, Any], int | None]] = {
    "a link to nothing, as git-annex leaves it": ({"things/a/9.png": link("../../.git/annex/objects/none.png")}, 5),
    "a link to itself": ({"things/a/9.png": link("9.png")}, 5),
    "two links to each other": ({"things/a/8.png": link("9.png"), "things/a/9.png": link("8.png")}, 6),
    "a link to the folder above": ({"things/a/up": link("..")}, 5),
    "a link to the root folder": ({"things/a/root": link("/")}, 5),
    "a link to a class folder": ({"things/c": link("a")}, 5),
    "a link to a file outside": ({"things/a/9.png": link("../../../../outside/secret.csv")}, 5),
    "a link to a file inside": ({"things/a/9.png": link("0.png")}, 5),
    "a link to a device without an end": ({"things/a/9.png": link("/dev/zero")}, 5),
    "a link to the memory of the process": ({"things/a/9.png": link("/proc/self/mem")}, 5),
    "a link of 4,000 characters": ({"things/a/9.png": link("x/" * 2_000)}, 5),
    "a link with a terminal code": ({"things/a/9.png": link("\x1b[31mred")}, 5),
    "a FIFO": ({"things/a/9.png": fifo}, 5),
    "a FIFO among the classes": ({"things/9.png": fifo}, 5),
    "a socket": ({"things/a/9.png": unix_socket}, 5),
    "a folder that is called like a picture": ({"things/a/9.png": folder}, 4),
    "a file of 8 GB without content": ({"things/a/9.png": sparse}, 5),
    "400 folders in each other": ({"things/a/deep": deep_folders}, None),
    "3,000 empty files": ({"things/c": many(3_000, lambda number: f"{number}.png")}, 3_004),
    "2,000 empty folders": ({"things/c": many(2_000, lambda number: f"{number}/x", b"x")}, None),
    "a file whose name is no text": ({"things/a/x": bytes_name(b"\xff\xfe\x1b[31m.png")}, 5),
    "a class whose name is no text": ({"things/x": lambda path: bytes_folder(path)}, 5),
    "a file whose name is 255 bytes": ({f"things/a/{'x' * 251}.png": good_image(9)}, 5),
    "two files whose names differ in case": ({"things/a/X.png": good_image(8), "things/a/x.png": good_image(9)}, 6),
    "two classes whose names differ in their Unicode form": (
        {"things/caf\u00e9/8.png": good_image(8), "things/cafe\u0301/9.png": good_image(9)},
        6,
    ),
    "two classes whose names differ in an invisible character": (
        {"things/c/8.png": good_image(8), "things/c\u200b/9.png": good_image(9)},
        6,
    ),
    "a class of a blank": ({"things/ /9.png": good_image(9)}, 5),
    "a class that is hidden": ({"things/.hidden/9.png": good_image(9)}, None),
    "what file managers leave": (
        {"things/a/Thumbs.db": b"x", "things/__MACOSX/a/._0.png": b"x", "things/a/.DS_Store": b"x"},
        None,
    ),
    "a note at the top": ({"things/README.md": b"about"}, None),
    "a table at the top": ({"things/labels.csv": b"file,label\n"}, None),
    "a program at the top": ({"things/run.sh": b"#!/bin/sh\ntouch x\n"}, None),
    "a file of Python in a class": ({"things/a/__init__.py": b"raise SystemExit('run')\n"}, 5),
    "an archive with a path outside": ({"things/a/9.zip": b"PK\x03\x04" + b"../../outside/x"}, 5),
    "a file that belongs to the outside too": ({"things/a/9.png": hard_link}, 5),
    "folders of train and test": ({"things/train/a/8.png": good_image(8), "things/test/a/9.png": good_image(9)}, None),
}
LOCKED: Mapping[str, tuple[dict[str, Any], int | None]] = {
    "a class folder that may not be read": ({"things/c": locked_folder}, 5),
    "a file that may not be read": ({"things/a/9.png": locked_file}, 5),
}


def bytes_folder(path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(path.parent) + b"/\xff\xfe"))
    name.mkdir()
    (name / "9.png").write_bytes(good_image(9))


NAMES = "{digit}_{speaker}_{take}.png"
PATTERNS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "a pattern of 30 parts": ("_".join(f"{{p{n}}}" for n in range(29)) + "_{class}", {f"{'a_' * 40}.png": b"x"}),
    "a pattern of parts without anything between": ("{class}{b}{c}{d}{e}.png", {"a" * 200 + ".png": b"x"}),
    "a pattern of five parts for a name of 200 separators": ("{class}_{b}_{c}_{d}_{e}.jpg", {"_" * 200 + ".png": b"x"}),
    "a pattern of five parts for 500 names of 200 signs": (
        "{class}_{b}_{c}_{d}_{e}.jpg",
        {f"{'a_' * 90}{number}.png": b"x" for number in range(500)},
    ),
    "a pattern of one part": ("{class}", {"a.png": good_image(1)}),
    "a pattern without a part": ("a.png", {"a.png": good_image(1)}),
    "a pattern with a part that has no name": ("{}_{class}.png", {"a_b.png": good_image(1)}),
    "a pattern with a part called file": ("{file}_{class}.png", {"a_b.png": good_image(1)}),
    "a pattern with a part twice": ("{class}_{class}.png", {"a_b.png": good_image(1)}),
    "a pattern with brackets that are open": ("{class_{b}.png", {"a_b.png": good_image(1)}),
    "a pattern of a regular expression": ("(?P<class>(a+)+)$", {"a" * 40 + ".png": good_image(1)}),
    "a pattern with a part that is a word of Python": ("{class}_{lambda}.png", {"a_b.png": good_image(1)}),
    "a pattern with a part of 10,000 characters": ("{class}_{" + "x" * 10_000 + "}.png", {"a_b.png": good_image(1)}),
    "a pattern with a terminal code": ("{class}_\x1b[31m{b}.png", {"a_b.png": good_image(1)}),
    "a pattern with a NUL": ("{class}_\0{b}.png", {"a_b.png": good_image(1)}),
    "a pattern of 1 MB": ("{class}" + "x" * 2**20, {"a_b.png": good_image(1)}),
    "a pattern that leads out": ("../{class}/{b}.png", {"a_b.png": good_image(1)}),
    "a pattern of slashes": ("////{class}////{b}", {"a_b.png": good_image(1)}),
    "a name that two readings fit": ("{class}_{b}.png", {"a_b_c.png": good_image(1)}),
    "a name with a line break": ("{class}_{b}.png", {"a\n_b.png": good_image(1), "c_d.png": good_image(2)}),
}


def folders() -> Iterator[Hostile]:
    for name, (files, rows) in BESIDE.items():
        hostile = Hostile("folders", f"beside pictures: {name}", {**PICTURES, **files}, {}, "image_category", rows=rows)
        yield hostile
    for name, (files, rows) in LOCKED.items():
        all_files = {**PICTURES, **files}
        yield Hostile("folders", f"beside pictures: {name}", all_files, {}, "image_category", rows=rows, as_nobody=True)
    for name, (pattern, files) in PATTERNS.items():
        changes = {"collect.file_names": pattern}
        below = {f"things/{file}": content for file, content in files.items()}
        yield Hostile("folders", name, below, changes, "image_category")
    for name, files in {
        "a folder of nothing": {"things": folder},
        "a source that is a link to nothing": {"things": link("none")},
        "a source that is a link to itself": {"things": link("things")},
        "a source that is a FIFO": {"things": fifo},
        "a source that is a socket": {"things": unix_socket},
        "a folder of files without classes": {"things/1.png": good_image(1)},
        "a folder of one class": {"things/a/1.png": good_image(1)},
        "a folder of classes in classes in classes": {
            "things/a/b/c/d/e/1.png": good_image(1),
            "things/a/x/c/d/e/2.png": good_image(2),
        },
        "a folder of 1,500 classes": {"things": many(1_500, lambda number: f"{number}/1.png", good_image(1))},
        "a folder that is called like a table": {"things.csv/a/1.png": good_image(1)},
    }.items():
        yield Hostile("folders", name, files, {}, "image_category")
    for suffix in ("csv", "json", "jsonl", "parquet", "conll"):
        for kind, made in {
            "FIFO": fifo,
            "link to nothing": link("none"),
            "folder": folder,
            "link to /dev/zero": link("/dev/zero"),
        }.items():
            changes = {"collect.source": f"data/notes.{suffix}"}
            yield Hostile("folders", f"a .{suffix} that is a {kind}", {f"notes.{suffix}": made}, changes)


# --- tables that name files ---

LIST = {
    "collect.source": "data/pictures",
    "collect.table": "list.csv",
    "collect.files": "files/{}",
    "collect.columns": COLUMNS | {"content": "picture"},
}


def list_of(*names: str) -> str:
    return csv_of(("picture", "kind"), ("1.png", "fruit"), *((name, "fruit") for name in names))


CELLS: Mapping[str, str] = {
    "is empty": "",
    "is a dot": ".",
    "is two dots": "..",
    "is a slash": "/",
    "leads out": "../../../outside/secret.csv",
    "leads out and in again": "../../pictures/files/1.png",
    "is an absolute path": "/etc/passwd",
    "is an address": "https://example.org/1.png",
    "is an address of a file": "file:///etc/passwd",
    "is a path of Windows": "C:\\pictures\\1.png",
    "has backslashes": "..\\files\\1.png",
    "is a pattern": "*.png",
    "has braces": "{}.png",
    "is a home folder": "~root/1.png",
    "is hidden": ".1.png",
    "has a part of 300 characters": "x" * 300 + ".png",
    "has 5,000 parts": "a/" * 5_000 + "1.png",
    "is a folder": "sub",
    "goes through a file": "1.png/2.png",
    "is the table": "../list.csv",
    "ends with a blank": "1.png ",
    "ends with a line break": "1.png\n",
    "has another case": "1.PNG",
    "is a device": "../../../../../../../../dev/zero",
    "is the memory of the process": "/proc/self/mem",
}
LINKED: Mapping[str, Make] = {
    "is a FIFO": fifo,
    "is a link outside": link("../../../../outside/secret.csv"),
    "is a link to nothing": link("none.png"),
    "is a link to itself": link("2.png"),
    "is a link to /dev/zero": link("/dev/zero"),
    "is a link to /dev/stdin": link("/dev/stdin"),
    "is a socket": unix_socket,
    "is 8 GB without content": sparse,
}
REPORTED_LISTS: Mapping[str, tuple[dict[str, Any], int | None, str]] = {
    "a table that names a file that is missing": (
        {"pictures/list.csv": list_of("9.png")},
        2,
        "huggingface/datasets#4311",
    ),
    "a table that lacks a file that is there": (
        {"pictures/list.csv": list_of(), "pictures/files/9.png": good_image(9)},
        1,
        "wisdomikezogwo/quilt1m#23",
    ),
    "a table with a file twice and two labels": (
        {"pictures/list.csv": list_of("1.png") + "1.png,car\n"},
        3,
        "huggingface/datasets#4069",
    ),
    "a table with names that start with digits and end with .0": (
        {"pictures/list.csv": list_of("1.0")},
        2,
        "marco-c/autowebcompat#140",
    ),
    "a table with paths that a shell would escape": (
        {"pictures/list.csv": list_of("a & b (1) $x;.png"), "pictures/files/a & b (1) $x;.png": good_image(2)},
        2,
        "mipops/dvrescue#990",
    ),
    "a table with a name that is not ASCII": (
        {
            "pictures/list.csv": list_of("sydney-â€“-january-â€“.png"),
            "pictures/files/sydney-â€“-january-â€“.png": good_image(2),
        },
        2,
        "treeverse/dvc#5083",
    ),
    "a table in a folder above its files": (
        {"pictures/list.csv": csv_of(("picture", "kind"), ("../files/1.png", "fruit"))},
        1,
        "huggingface/datasets#7337",
    ),
}


def lists() -> Iterator[Hostile]:
    good = {"pictures/files/1.png": good_image(1), "pictures/files/sub/3.png": good_image(3)}
    for name, cell in CELLS.items():
        files = {**good, "pictures/list.csv": list_of(cell)}
        yield Hostile("tables of files", f"a cell that names a file {name}", files, LIST, "image_category", rows=2)
    for name, made in LINKED.items():
        files = {**good, "pictures/list.csv": list_of("2.png"), "pictures/files/2.png": made}
        yield Hostile("tables of files", f"a file that a table names {name}", files, LIST, "image_category", rows=2)
    for name, (more, rows, known) in REPORTED_LISTS.items():
        yield Hostile("tables of files", name, {**good, **more}, LIST, "image_category", rows=rows, known=known)
    for pattern in ("{}{}", "", "files/{", "../{}", "/{}", "files/{}\0", "{0}", "files/{}/../{}", "x" * 10_000 + "{}"):
        files = {**good, "pictures/list.csv": list_of("2.png")}
        yield Hostile(
            "tables of files", f"files: {pattern[:20]!r}", files, {**LIST, "collect.files": pattern}, "image_category"
        )


# --- descriptors ---

PINNED = "revision: 0123456789012345678901234567890123456789"
DESCRIPTORS: Mapping[str, str | bytes] = {
    "is empty": "",
    "is a list": "- a\n- b\n",
    "is a number": "1",
    "is a picture": b"\x89PNG" + bytes(range(256)),
    "calls Python": "!!python/object/apply:os.system ['touch x']\n",
    "grows to a billion": "a: &a [x]\n"
    + "".join(f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)),
    "contains itself": "load_dataset: &x {path: *x}\n",
    "has an unknown builtin": "builtin: letters\n",
    "has a builtin with a terminal code": 'builtin: "\\e[31mred"\n',
    "has a builtin and more": "builtin: digits\nmore: 1\n",
    "has a key twice": "builtin: digits\nbuiltin: digits\n",
    "has a key with a terminal code": '"\\e[31mred": 1\n',
    "has load_dataset without a path": "load_dataset: {}\n",
    "has load_dataset that is a list": "load_dataset: [a, b]\n",
    "has load_dataset that is null": "load_dataset:\n",
    "trusts remote code": f"load_dataset:\n  path: a/b\n  {PINNED}\n  trust_remote_code: true\n",
    "trusts remote code by a word": f"load_dataset:\n  path: a/b\n  {PINNED}\n  trust_remote_code: 'yes'\n",
    "names a branch": "load_dataset:\n  path: a/b\n  revision: main\n",
    "names a revision that is a number": "load_dataset:\n  path: a/b\n  revision: 123\n",
    "names a revision with a path": "load_dataset:\n  path: a/b\n  revision: ../../main\n",
    "names a path that is a list": f"load_dataset:\n  path: [a, b]\n  {PINNED}\n",
    "names a path that is a number": f"load_dataset:\n  path: 12\n  {PINNED}\n",
    "names a path with a terminal code": f'load_dataset:\n  path: "\\e[31ma/b"\n  {PINNED}\n',
    "names a path with a line break": f'load_dataset:\n  path: "a/b\\nc"\n  {PINNED}\n',
    "names a path with a NUL": f'load_dataset:\n  path: "a/b\\0"\n  {PINNED}\n',
    "names a path of 100,000 characters": f"load_dataset:\n  path: a/{'x' * 100_000}\n  {PINNED}\n",
    "names a folder of this machine": f"load_dataset:\n  path: /etc\n  {PINNED}\n",
    "names a folder outside": f"load_dataset:\n  path: ../outside\n  {PINNED}\n",
    "names a home folder": f"load_dataset:\n  path: ~/data\n  {PINNED}\n",
    "names a file of this machine": "load_dataset:\n  path: csv\n  data_files: /etc/passwd\n",
    "names files in a mapping of lists": "load_dataset:\n  path: csv\n  data_files: {train: [[[/etc/passwd]]]}\n",
    "names an address that changes": "load_dataset:\n  path: csv\n  data_files: https://example.org/notes.csv\n",
    "names an address inside the machine": "load_dataset:\n  path: json\n  data_files: http://169.254.169.254/latest/meta-data\n",
    "names a pickle": "load_dataset:\n  path: pandas\n  data_files: data/x.pkl\n",
    "names a generator": "load_dataset:\n  path: generator\n",
    "names an SQL query": "load_dataset:\n  path: sql\n  sql: select 1\n  con: sqlite:////etc/x\n",
    "names an argument that does not exist": f"load_dataset:\n  path: a/b\n  {PINNED}\n  no_such: 1\n",
    "names a cache outside": f"load_dataset:\n  path: a/b\n  {PINNED}\n  cache_dir: ../outside/cache\n",
    "names a token": f"load_dataset:\n  path: a/b\n  {PINNED}\n  token: secret\n",
    "names storage options": f"load_dataset:\n  path: a/b\n  {PINNED}\n  storage_options: {{key: secret}}\n",
    "names 10,000 processes": f"load_dataset:\n  path: a/b\n  {PINNED}\n  num_proc: 10000\n",
    "has numbers as names of arguments": f"load_dataset:\n  path: a/b\n  {PINNED}\n  1: 2\n",
    "is 5,000 brackets": "[" * 5_000,
    "has tabs": "load_dataset:\n\tpath: a/b\n",
}


def descriptors() -> Iterator[Hostile]:
    for name, content in DESCRIPTORS.items():
        changes = {"collect.source": "data/notes.yaml"}
        yield Hostile("descriptors", f"a descriptor that {name}", {"notes.yaml": content}, changes, stages=("collect",))


# --- whole lines, up to the report ---

LINE = (
    "collect",
    "clean",
    "embed",
    "dedupe",
    "outliers",
    "split",
    "label_audit",
    "augment",
    "leaks",
    "predict",
    "evaluate",
    "report",
    "trace --row notes.csv:3",
)
WORDS = [
    "apple",
    "pear",
    "plum",
    "cherry",
    "banana",
    "hammer",
    "saw",
    "drill",
    "wrench",
    "file",
    "on",
    "the",
    "table",
    "in",
    "a",
    "box",
    "near",
    "some",
    "old",
]


def rows_of_line(count: int = 60) -> list[list[str]]:
    return [
        [
            f"{WORDS[n % 10]} number {n} {WORDS[10 + n % 7]} {WORDS[(3 * n) % 17]} {WORDS[(5 * n + 1) % 17]}",
            class_of(n),
            f"sender {n % 7}",
            "2024-01-31",
        ]
        for n in range(count)
    ]


def line_of(
    name: str,
    change: Callable[[list[list[str]]], Any],
    good: bool = False,
    base: str = "text_category",
    stages: Sequence[str] = LINE,
    **params: Any,
) -> Hostile:
    rows = rows_of_line()
    rows = change(rows) or rows
    changes = {f"{key.replace('__', '.')}": value for key, value in params.items()}
    files = {"notes.csv": csv_of(("text", "kind", "sender", "day"), *map(tuple, rows))}
    return Hostile("lines", name, files, changes, base, rows=len(rows), stages=stages, good=good)


def in_cells(column: int, text: str, count: int = 6) -> Callable[[list[list[str]]], None]:
    def change(rows: list[list[str]]) -> None:
        for row in rows[2 : 2 + count]:
            row[column] = f"{row[column]} {text}" if column == 0 else text

    return change


def all_cells(column: int, text: Callable[[int], str]) -> Callable[[list[list[str]]], None]:
    def change(rows: list[list[str]]) -> None:
        for number, row in enumerate(rows):
            row[column] = text(number)

    return change


def class_of(number: int, tool: str = "tool") -> str:
    return "fruit" if number % 10 < 5 else tool


def lines() -> Iterator[Hostile]:
    yield line_of("a harmless line", lambda rows: None, good=True)
    for kind in (
        "a terminal code that colours",
        "a script",
        "a formula of a spreadsheet",
        "a mark that turns the writing around",
        "a format code",
        "a template",
        "the separators of pairs and tokens",
        "1,000 combining marks",
        "a lone half of a surrogate pair",
        "quotes, commas and backslashes",
        "a line break",
        "a carriage return",
    ):
        text = STRINGS[kind]
        yield line_of(f"a line with texts of {kind}", in_cells(0, text))
        yield line_of(
            f"a line with a class called {kind}", all_cells(1, lambda number, text=text: class_of(number, text))
        )
        yield line_of(f"a line with groups of {kind}", in_cells(2, text), collect__columns__group="sender")
    yield line_of("a line of texts that are all equal", all_cells(0, lambda number: "a ripe apple"))
    yield line_of(
        "a line of texts that are all equal but for a number", all_cells(0, lambda number: f"a ripe apple {number}")
    )
    yield line_of("a line of one label", all_cells(1, lambda number: "fruit"))
    yield line_of(
        "a line of one label but for one row", all_cells(1, lambda number: "tool" if number == 7 else "fruit")
    )
    yield line_of("a line of labels of two rows each", all_cells(1, lambda number: f"kind {number // 2}"))
    yield line_of("a line of labels of one row each", all_cells(1, lambda number: f"kind {number}"))
    yield line_of("a line of one group", all_cells(2, lambda number: "Ann"), collect__columns__group="sender")
    yield line_of(
        "a line of two groups",
        all_cells(2, lambda number: ["Ann", "Bob"][number % 2]),
        collect__columns__group="sender",
    )
    yield line_of("a line of one time", lambda rows: None, collect__columns__time="day", split__method="time")
    yield line_of(
        "a line of times at the ends of the calendar",
        all_cells(3, lambda number: ["0001-01-01", "9999-12-31T23:59:59.999999+14:00"][number % 2]),
        collect__columns__time="day",
        split__method="time",
    )
    yield line_of("a line of three rows", lambda rows: rows[:3])
    yield line_of("a line of one row", lambda rows: rows[:1])
    yield line_of("a line of two rows of one text and two labels", lambda rows: [rows[0], [rows[0][0], "tool", "", ""]])
    yield line_of(
        "a line of 30 pairs of one text and two labels",
        lambda rows: [*rows[:30], *([row[0], "x", "", ""] for row in rows[:30])],
    )
    yield line_of("a line of five folds and four rows", lambda rows: rows[:4], split__method="kfold")
    yield line_of("a line split by hash", lambda rows: None, split__method="stable")
    yield line_of("a line of texts of one letter", all_cells(0, lambda number: "abcdefghij"[number % 10]))
    yield line_of("a line of texts of emoji", all_cells(0, lambda number: chr(0x1F600 + number) * 3))
    yield line_of("a line of texts of no words", all_cells(0, lambda number: "!" * (number + 1)))
    yield line_of("a line of 1,000 copies for each row", lambda rows: rows[:20], augment__copies=1_000)
    yield line_of("a line whose outliers are all rows", lambda rows: None, outliers__threshold=5e-324)
    yield line_of("a line with more neighbours than rows", lambda rows: None, outliers__neighbours=10**18)
    yield line_of("a line with a probe that is not held back", lambda rows: None, label_audit__C=1e308)
    yield line_of("a line with a probe that learns nothing", lambda rows: None, label_audit__C=5e-324)
    yield line_of("a line with 10**18 folds of the audit", lambda rows: None, label_audit__folds=10**18)
    yield line_of(
        "a line that drops all bad labels",
        lambda rows: None,
        label_audit__method="probe",
        label_audit__budget=1.0,
        label_audit__max_share=1.0,
    )
    yield line_of(
        "a line with a gap of 100 years",
        lambda rows: None,
        collect__columns__time="day",
        split__method="time",
        split__gap=36_525.0,
    )
    yield line_of(
        "a line with near duplicates from a similarity of nothing", lambda rows: None, dedupe__near_threshold=5e-324
    )
    yield line_of(
        "a line with semantic duplicates of everything",
        lambda rows: None,
        dedupe__semantic=True,
        dedupe__semantic_threshold=5e-324,
    )
    yield line_of(
        "a line that swaps, deletes and mistypes every word",
        lambda rows: None,
        augment__copies=2,
        augment__text={"swap": 1.0, "delete": 1.0, "typo": 1.0},
    )


def number_lines() -> Iterator[Hostile]:
    stages = [stage for stage in LINE if stage not in ("predict", "evaluate")]
    wide = {"clean__label__minimum": None, "clean__label__maximum": None}
    for name, label in {
        "a harmless line of numbers": lambda number: str(number % 7),
        "a line of numbers near 1e308": lambda number: str((number - 30) * 10**306),
        "a line of numbers near 1e-308": lambda number: f"{number}e-310",
        "a line of one number": lambda number: "3",
        "a line of one number but for one row": lambda number: "5" if number == 7 else "3",
        "a line of numbers and one of 1e300": lambda number: "1e300" if number == 7 else str(number % 7),
        "a line of numbers that differ in their 17th digit": lambda number: f"1.000000000000{number:04d}",
        "a line of numbers that are not numbers but two": lambda number: str(number) if number < 2 else "nan",
    }.items():
        good = name.startswith("a harmless")
        yield line_of(name, all_cells(1, label), good, "text_number", stages, **wide)
    for name, label in {
        "a harmless line of lists": lambda number: ["fruit", "tool", "fruit,tool"][number % 3],
        "a line of empty lists": lambda number: "",
        "a line of lists that all have all labels": lambda number: "fruit,tool,red",
        "a line of lists with a label of one row": lambda number: "fruit,rare" if number == 7 else "tool",
        "a line of lists of 40 labels": lambda number: ",".join(f"l{n}" for n in range(40) if (number + n) % 3),
        "a line of lists with a formula and a script": lambda number: ["=1+1", "<script>alert(1)</script>"][number % 2],
    }.items():
        good = name.startswith("a harmless")
        yield line_of(name, all_cells(1, label), good, "text_categories", stages)


def inputs() -> Iterator[Hostile]:
    yield from number_lines()
    yield from folders()
    yield from lists()
    yield from descriptors()
    yield from lines()
