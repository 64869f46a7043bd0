"""Files that a disk, a sync program or a slip damaged: one line that names the file, or no difference at all."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.machine.stages_in_place import STAGES, contents, refuses, run, tables_read

pytestmark = pytest.mark.usefixtures("data_of_line")


@contextmanager
def damaged(path: Path, damage: Callable[[Path], object]) -> Iterator[None]:
    """`path` is a file or folder; it is whole again when the `with` block ends."""
    kept = path.with_name("kept")
    shutil.copytree(path, kept) if path.is_dir() else shutil.copyfile(path, kept)
    try:
        damage(path)
        yield
    finally:
        remove(path)
        kept.rename(path)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def as_folder(path: Path) -> None:
    remove(path)
    path.mkdir()


def as_link_to_nothing(path: Path) -> None:
    remove(path)
    path.symlink_to("nowhere/at/all")


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of(content: bytes | str) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return replace


def part(damage: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda table: damage(table / "part-00000.parquet")


def zeros_within(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(80) + content[84:])


def other_columns(path: Path) -> None:
    pq.write_table(pa.table({"colour": ["red", "blue"]}), path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a truncated part": part(half),
    "a part of zero bytes": part(of(b"")),
    "a part of zeros within": part(zeros_within),  # of its first column
    "a text as a part": part(of("a text")),
    "a deleted part": part(remove),
    "a folder as a part": part(as_folder),
    "a link to nothing as a part": part(as_link_to_nothing),
    "a part of other columns": part(other_columns),
    "no table": remove,
    "a file as a table": lambda table: (remove(table), table.write_bytes(b"a text")),
}
READS = [(stage, table) for stage in STAGES for table in tables_read(stage)]


@pytest.mark.parametrize(("stage", "table"), READS)
def test_a_damaged_table(stage: str, table: str) -> None:
    """The line names the table, and nothing is written; or the stage does not read what is damaged."""
    before = contents()
    wrong = {}
    for damage, change in DAMAGES.items():
        with damaged(Path(table), change):
            try:
                ended = run(stage)
            except Exception as error:
                wrong[damage] = repr(error)
                continue
        if ended.status and (table not in ended.line or not ended.line.startswith(f"{stage}: error: ")):
            wrong[damage] = ended.line
    assert wrong == {}
    assert contents() == before


RECIPE = "models/finetuned/whetstone.json"


def without_key(key: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        values = json.loads(path.read_text())
        del values[key]
        path.write_text(json.dumps(values))

    return change


MODELS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "truncated weights": ("models/finetuned/model.safetensors", half),
    "weights of zero bytes": ("models/finetuned/model.safetensors", of(b"")),
    "random weights": ("models/finetuned/model.safetensors", of(os.urandom(9_000))),
    "no weights": ("models/finetuned/model.safetensors", remove),
    "no tokenizer": ("models/finetuned/tokenizer.json", remove),
    "half a tokenizer": ("models/finetuned/tokenizer.json", half),
    "a list as tokenizer": ("models/finetuned/tokenizer.json", of("[]")),
    "half a config": ("models/finetuned/config.json", half),
    "a list as config": ("models/finetuned/config.json", of("[]")),
    "no config": ("models/finetuned/config.json", remove),
    "no model": ("models/finetuned", remove),
    "an empty folder": ("models/finetuned", as_folder),
    "a file as model": ("models/finetuned", lambda path: (remove(path), path.write_bytes(b"a text"))),
    "half a recipe": (RECIPE, half),
    "a list as recipe": (RECIPE, of("[]")),
    "null as recipe": (RECIPE, of("null")),
    "an empty recipe": (RECIPE, of("{}")),
    "a binary recipe": (RECIPE, of(b"\xff\xfe\x00")),
    "a deep recipe": (RECIPE, of("[" * 100_000)),
    "no recipe": (RECIPE, remove),
    "a folder as recipe": (RECIPE, as_folder),
}


@pytest.mark.parametrize("damage", MODELS)
def test_a_damaged_model(damage: str) -> None:
    name, change = MODELS[damage]
    with damaged(Path(name), change):
        assert "models/finetuned" in refuses("predict")


def test_a_recipe_that_lacks_a_key() -> None:
    """Each key in turn: one line that names it, or predict does not need it."""
    needed = []
    for key in json.loads(Path(RECIPE).read_text()):
        with damaged(Path(RECIPE), without_key(key)):
            ended = run("predict")
        if ended.status:
            advice = "name a folder that finetune wrote, or run `dvc repro finetune`"
            assert ended.line == f"predict: error: {RECIPE}: lacks {key}; {advice}"
            needed.append(key)
    assert {"columns", "pooling"} <= set(needed)


WARNINGS = "metrics/warnings/clean.json"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "",
        "{}",
        '["a"]',
        '[{"message": "m"}]',
        '[{"message": 3, "see": null}]',
        "3",
        "null",
        b"\xff\xfe",
        "[" * 10**5,
    ],
    ids=lambda content: repr(content)[:20],
)
def test_damaged_warnings(content: bytes | str) -> None:
    with damaged(Path(WARNINGS), of(content)):
        assert WARNINGS in refuses("report")


LEDGER = "data/ledger.csv"
LEDGERS: dict[str, Callable[[Path], object]] = {
    "binary": of(b"\xff\xfe\x00\x01"),
    "empty": of(b""),
    "missing": remove,
    "a folder": as_folder,
    "a link to nothing": as_link_to_nothing,
    "an endless quotation": of('id,action,label,note\n"abc,keep,,\n'),
}


@pytest.mark.parametrize("damage", LEDGERS)
def test_a_damaged_ledger(damage: str) -> None:
    with damaged(Path(LEDGER), LEDGERS[damage]):
        assert LEDGER in refuses("clean")


CACHE = Path(".cache/vectors.sqlite")


def in_database(*statements: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            for statement in statements:
                database.execute(statement)

    return change


CACHES: dict[str, Callable[[Path], object]] = {
    "random bytes": of(os.urandom(20_000)),
    "half of it": half,
    "its first 100 bytes": lambda path: path.write_bytes(path.read_bytes()[:100]),
    "zero bytes": of(b""),
    "random pages": lambda path: path.write_bytes(path.read_bytes()[:4_096] + os.urandom(path.stat().st_size - 4_096)),
    "missing": remove,
    "a folder": as_folder,
    "a link to nothing": as_link_to_nothing,
    "another table": in_database("DROP TABLE entries", "CREATE TABLE entries (name TEXT)"),
    "other vectors": in_database("UPDATE entries SET vector = x'00000000'"),
    "other types": in_database("UPDATE entries SET vector = 3, n_tokens = 'many'"),
}


@pytest.mark.parametrize("damage", CACHES)
def test_a_damaged_cache_of_vectors_changes_nothing(damage: str) -> None:
    before = contents()
    CACHES[damage](CACHE)
    ended = run("embed")
    assert ended.status == 0, ended.line
    assert contents() == before


@pytest.mark.parametrize("damage", [remove, of("a text")], ids=["no .cache", "a file as .cache"])
def test_a_damaged_cache_folder(damage: Callable[[Path], object]) -> None:
    """Without the folder all is computed anew; a file of its name is refused."""
    before = contents()
    remove(Path(".cache"))
    if damage is not remove:
        damage(Path(".cache"))
        assert ".cache" in refuses("embed")
    else:
        assert run("embed").status == 0
        assert contents() == before
