"""Bad rows of a source are refused, or dropped and counted if params say so."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.core import paths
from stages.core.tables import read_frame
from tests.refusals.bad_input import MEND, NOTES, PICTURES, png, put, refuse, run, set_params

NAN = float("nan")


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


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3_000 + "x"])
def test_a_name_that_no_file_can_have_is_that_of_a_bad_row(name: str) -> None:
    put("pictures/list.csv", f"picture,kind\napple,fruit\n{name},fruit\n")
    put("pictures/files/apple.png", png())
    set_params({**PICTURES, "collect.on_bad_row": "drop"})
    assert run("collect").metrics() == {"rows_in": 2, "rows_kept": 1, "dropped_missing_file": 1}


def test_a_file_that_no_memory_holds_is_a_bad_row() -> None:
    """It is not read: it has a size, and no content on the disk."""
    put("pictures/list.csv", "picture,kind\napple,fruit\nhuge,fruit\n")
    put("pictures/files/apple.png", png())
    with Path("data/pictures/files/huge.png").open("wb") as file:
        file.truncate(2**33)
    set_params({**PICTURES, "collect.on_bad_row": "drop"})
    assert run("collect").metrics() == {"rows_in": 2, "rows_kept": 1, "dropped_unusable_file": 1}
    detail = "data/pictures/files/huge.png: it has 8.0 GiB, a content at most 1; move it away"
    assert read_frame(paths.COLLECT_VERDICTS)["detail"].tolist() == [detail]


def test_nothing_is_left_when_every_row_is_dropped() -> None:
    put("notes.csv", "text,kind\na ripe apple\na red car\n")
    set_params({"collect.on_bad_row": "drop"})
    refuse(
        "collect",
        "data/notes.csv: none of its 2 rows can be used (unreadable_row 2; the first: line 2 has 1 cells, the "
        "file has 2 columns); "
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


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can write what UTF-8 cannot: such rows are repaired, in content and in label."""
    put("notes.jsonl", '{"text": "an apple \\ud83c", "kind": "fruit \\ud83c"}\n')
    set_params({"collect.source": "data/notes.jsonl"})
    run("collect")
    row = read_frame(paths.COLLECTED).iloc[0]
    assert (row["content"], row["label"]) == (b"an apple ?", "fruit ?")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "notes.jsonl",
            '{"text": "a ripe apple", "text": "a car", "kind": "fruit"}',
            ":1: not valid JSON (the key 'text' occurs twice)" + MEND,
        ),
        (
            "notes.json",
            '[{"text": "a ripe apple", "text": "a car"}]',
            ": not valid JSON (the key 'text' occurs twice)",
        ),
    ],
)
def test_keys_that_stand_twice(name: str, content: str, message: str) -> None:
    put(name, content)
    set_params({"collect.source": f"data/{name}"})
    refuse("collect", f"data/{name}{message}")


def test_parquet_columns_of_one_name() -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"]), pa.array(["c"])], names=["text", "text", "kind"])
    Path("data/notes.parquet").parent.mkdir(exist_ok=True)
    pq.write_table(table, "data/notes.parquet")
    set_params({"collect.source": "data/notes.parquet"})
    refuse("collect", "data/notes.parquet: it has the column 'text' more than once; rename one")
