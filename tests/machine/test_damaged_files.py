"""Files that a disk, a sync program or a slip damaged: one line that names the file, or no difference at all."""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.machine.damages import as_file, as_folder, as_link_to_nothing, half, of, remove
from tests.stages_in_place import STAGES, contents, in_rotation, refuses, run, tables_read

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
    "a file as a table": as_file,
}
READS = in_rotation([(stage, table) for stage in STAGES for table in tables_read(stage)], DAMAGES, each=2)


@pytest.mark.parametrize("stage", [stage for stage in STAGES if tables_read(stage)])
def test_damaged_tables(stage: str) -> None:
    """The line names the table, and nothing is written; or the stage does not read what is damaged."""
    before = contents()
    wrong = {}
    for table, damage in [(table, damage) for (reader, table), damage in READS if reader == stage]:
        with damaged(Path(table), DAMAGES[damage]):
            try:
                ended = run(stage)
            except Exception as error:
                wrong[table, damage] = repr(error)
                continue
        if ended.status and (table not in ended.line or not ended.line.startswith(f"{stage}: error: ")):
            wrong[table, damage] = ended.line
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
    "random weights": ("models/finetuned/model.safetensors", of(random.Random(0).randbytes(9_000))),
    "no weights": ("models/finetuned/model.safetensors", remove),
    "no tokenizer": ("models/finetuned/tokenizer.json", remove),
    "half a tokenizer": ("models/finetuned/tokenizer.json", half),
    "a list as tokenizer": ("models/finetuned/tokenizer.json", of("[]")),
    "half a config": ("models/finetuned/config.json", half),
    "a list as config": ("models/finetuned/config.json", of("[]")),
    "no config": ("models/finetuned/config.json", remove),
    "no model": ("models/finetuned", remove),
    "an empty folder": ("models/finetuned", as_folder),
    "a file as model": ("models/finetuned", as_file),
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


def test_a_file_in_place_of_the_folder_of_caches_and_locks() -> None:
    as_file(Path(".cache"))
    assert ".cache" in refuses("embed")
