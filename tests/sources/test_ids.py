"""A row has the same id in every format and every order."""

import csv
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages import collect
from stages.core import paths
from stages.core.tables import read_frame
from tests.collected import Content, ids_of, params_of, section_of
from tests.conftest import Run

pytestmark = pytest.mark.usefixtures("workplace")
FRUIT_ROWS: list[Content] = [
    ("a ripe apple", "fruit"),
    ("a red car", "vehicle"),
    ("a ripe apple", "fruit"),
    ("a ripe apple", "vehicle"),
    ("a pear", None),
]


def test_ids_have_128_bits_and_never_change() -> None:
    """Ledgers name rows by their ids: another hash in another version would make them void."""
    assert ids_of([("a ripe apple", "fruit"), ("a ripe apple", None)]) == [
        "d9d90a850797241ec067bbdba7e06c57",
        "3e8bbc010787b054c0fd31b58ea51be4",
    ]


def test_ids_are_stable_when_rows_are_added_or_come_in_another_order() -> None:
    ids = ids_of(FRUIT_ROWS)
    assert ids_of([*FRUIT_ROWS, ("a plum", "fruit"), ("a red car", "vehicle")])[: len(ids)] == ids
    for seed in range(5):
        shuffled = random.Random(seed).sample(FRUIT_ROWS, len(FRUIT_ROWS))
        pairs = zip(shuffled, ids_of(shuffled), strict=True)
        assert Counter(pairs) == Counter(zip(FRUIT_ROWS, ids, strict=True))


def test_equal_rows_have_different_ids() -> None:
    assert len(set(ids_of([("a pear", "fruit")] * 10))) == 10


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a pear", "fruit"), ("a pear", "tree")),
        (("a pear", None), ("a pear", "")),
        (("a pear", "s"), ("a pears", "")),
        (("", "fruit"), ("fruit", "")),
    ],
    ids=["other label", "no label", "letter moved", "all moved"],
)
def test_ids_tell_rows_apart(one: Content, other: Content) -> None:
    assert ids_of([one]) != ids_of([other])


def test_a_table_has_the_same_ids_in_every_format(run: Run) -> None:
    rows = [{"text": content, "kind": label} for content, label in FRUIT_ROWS if label]
    Path("data").mkdir()
    for suffix, delimiter in ((".csv", ","), (".tsv", "\t")):
        with Path(f"data/notes{suffix}").open("w", newline="") as file:
            writer = csv.DictWriter(file, ["text", "kind"], delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
    Path("data/notes.json").write_text(json.dumps(rows))
    Path("data/notes.jsonl").write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), "data/notes.parquet")
    found = {}
    for suffix in (".csv", ".tsv", ".json", ".jsonl", ".parquet"):
        run(collect, collect_params(source=f"data/notes{suffix}"))
        found[suffix] = read_frame(paths.COLLECTED, ["id"])["id"].tolist()
    assert all(ids == found[".csv"] for ids in found.values())
    assert found[".csv"] == ids_of([row for row in FRUIT_ROWS if row[1]])


def collect_params(**changes: Any) -> collect.Params:
    return params_of(section_of(columns={"content": "text", "label": "kind"}, **changes))


def test_given_splits_are_noted(run: Run) -> None:
    Path("data").mkdir()
    for name, line in (("one.csv", "a ripe apple,fruit"), ("two.csv", "a red car,vehicle")):
        Path("data", name).write_text(f"text,kind\n{line}\n")
    run(collect, collect_params(source="data", splits={"test": "two.csv", "train": "one.csv"}))
    assert read_frame(paths.COLLECTED)[["source", "given_split"]].to_numpy().tolist() == [
        ["two.csv:1", "test"],
        ["one.csv:1", "train"],
    ]


def test_groups_that_became_floats_are_the_same_groups(run: Run) -> None:
    Path("data").mkdir(exist_ok=True)
    Path("data/notes.csv").write_text(
        "text,kind,who\na fig,fruit,1\na pear,fruit,1.0\na spade,tool,1.05\na saw,tool,v1.0\n"
    )
    columns = {"content": "text", "label": "kind", "group": "who"}
    run(collect, params_of(section_of(columns=columns, source="data/notes.csv")))
    assert read_frame(paths.COLLECTED)["group"].tolist() == ["1", "1", "1.05", "v1.0"]
