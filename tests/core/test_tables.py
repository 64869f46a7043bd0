"""Tables are cut into parts, written in one go, and read as they were written."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.core import paths, tables
from stages.core.tables import named_columns, new_table, read_frame, read_table, vector_column, write_tables

pytestmark = pytest.mark.usefixtures("workplace")


SCHEMA = pa.schema([("id", pa.string()), ("content", pa.string())])


def some_rows(count: int) -> list[dict[str, Any]]:
    return [{"id": str(number), "content": "x" * (number * 7 % 40)} for number in range(count)]


def written(rows: Sequence[dict[str, Any]], batches: Sequence[int], by_row: bool = False) -> dict[str, bytes]:
    """The files of a table that is written in batches of these sizes, over and over."""
    folder = Path("data/things")
    with new_table(folder, SCHEMA) as writer:
        place = turn = 0
        while place < len(rows):
            batch = rows[place : place + batches[turn % len(batches)]]
            if by_row:
                for row in batch:
                    writer.write_row(row)
            else:
                writer.write(pa.Table.from_pylist(list(batch), schema=SCHEMA))
            place, turn = place + len(batch), turn + 1
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize(("part_rows", "part_bytes"), [(10, 10**9), (10**9, 200), (7, 120)])
def test_parts_are_cut_by_their_rows_and_not_by_how_these_arrived(
    part_rows: int, part_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", part_rows)
    monkeypatch.setattr(tables, "PART_BYTES", part_bytes)
    monkeypatch.setattr(tables, "BATCH_ROWS", 4)
    rows = some_rows(43)
    at_once = written(rows, [len(rows)])
    assert len(at_once) > 3
    for batches in ([1], [3], [10], [2, 17, 1], [42, 1]):
        assert written(rows, batches) == at_once
        assert written(rows, batches, by_row=True) == at_once
    parts = [pq.read_table(path).to_pylist() for path in sorted(Path("data/things").iterdir())]
    assert [row for part in parts for row in part] == rows
    assert all(len(part) <= part_rows and sum(len(row["content"]) for row in part) <= part_bytes for part in parts)


def test_a_row_larger_than_a_part_is_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART_BYTES", 100)
    rows = [{"id": str(number), "content": "x" * 500} for number in range(3)]
    assert len(written(rows, [3])) == 3


def test_an_empty_table_says_its_schema() -> None:
    assert list(written([], [1])) == ["part-00000.parquet"]
    assert read_table(Path("data/things")).schema.equals(SCHEMA)


def test_a_failed_write_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PART_ROWS", 2)
    before = written(some_rows(3), [3])
    with pytest.raises(KeyboardInterrupt), new_table(Path("data/things"), SCHEMA) as writer:
        writer.write(pa.Table.from_pylist(some_rows(9), schema=SCHEMA))
        raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in Path("data/things").iterdir()} == before
    assert [path.name for path in Path("data").iterdir()] == ["things"]


def test_what_a_killed_run_left_is_not_mixed_in() -> None:
    left = Path("data/.things.partial")
    left.mkdir(parents=True)
    (left / "part-00007.parquet").write_bytes(b"half")
    assert list(written(some_rows(3), [3])) == ["part-00000.parquet"]
    assert not left.exists()


def test_vectors_are_found_by_their_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows, and of the tokens of rows: as they were written, whatever the parts."""
    monkeypatch.setattr(tables, "PART_BYTES", 100)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(5, 3)).astype(np.float32)
    tokens = tables.ragged([rng.normal(size=(count, 3)).astype(np.float32) for count in (2, 1, 4, 1, 3)])
    ids = [f"{number:03d}" for number in range(5)]
    table = pa.table({"id": ids, "vector": vector_column(rows), "token_vectors": tables.vectors_column(tokens)})
    write_tables(paths.EMBEDDINGS, [table[:2], table[2:]])
    assert len(list(paths.EMBEDDINGS.iterdir())) > 1
    wanted = [3, 0, 4]
    named = pd.Series(ids)[wanted]
    assert (tables.read_vectors(paths.EMBEDDINGS, named) == rows[wanted]).all()
    found = tables.read_vectors(paths.EMBEDDINGS, named, "token_vectors")
    assert [one.tolist() for one in found] == [tokens[row].tolist() for row in wanted]


def test_predictions_are_read_as_they_were_written() -> None:
    rows = np.array([[0.9, 0.1], [0.2, 0.8]])
    tokens = tables.ragged([rows, rows[:1], rows[::-1]])
    for predictions in (rows, tokens):
        table = pa.table({"predictions": named_columns(predictions, ["apple", "pear"])})
        found = tables.read_named_columns(table, "predictions")
        assert [one.tolist() for one in found] == [one.tolist() for one in predictions]


def test_lists_in_a_frame_can_be_compared() -> None:
    schema = pa.schema([("id", pa.string()), ("label", pa.list_(pa.string()))])
    labels = [["apple"], [], None, ["apple", "pear"]]
    write_tables(Path("data/things"), [pa.table([["a", "b", "c", "d"], labels], schema=schema)])
    frame = read_frame(Path("data/things"))
    assert frame["label"].tolist() == labels
    assert not (frame["label"] != frame["label"].copy())[[0, 1, 3]].any()
