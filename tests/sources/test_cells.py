"""Cells as people and programs write them: numbers, times, lists, what is missing; and keys that contradict them."""

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.collect import collect
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import SIDE_MARK, iter_rows
from stages.sources.cells import as_bytes, as_text
from stages.sources.decimals import with_point
from stages.sources.label_formats import BadLabel, names_of, tagged
from stages.sources.records import BadRow
from tests.collected import params_of, section_of

pytestmark = pytest.mark.usefixtures("workplace")
NAN = float("nan")


def collected(rows: list[dict[str, Any]], target: str = "category", **values: Any) -> list[dict[str, Any]]:
    Path("notes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    columns = {"content": "text", "label": "kind", **values.pop("columns", {})}
    collect(params_of(section_of(source="notes.jsonl", columns=columns, **values), target))
    return list(iter_rows(paths.COLLECTED))


# --- what is missing ---


@pytest.mark.parametrize("value", [None, NAN, pd.NaT, pd.NA, Decimal("NaN")])
def test_what_is_missing_is_missing_everywhere(value: Any) -> None:
    assert as_bytes(value) == b""
    assert as_text(value, "label") is None
    assert names_of(["ripe", value], None) == ["ripe"]


def test_a_side_of_a_pair_may_be_missing() -> None:
    rows = [{"one": "a fig", "other": NAN, "kind": "same"}, {"one": None, "other": "a fig", "kind": "same"}]
    found = collected(rows, columns={"content": ["one", "other"]})
    assert [row["content"].decode() for row in found] == [f"a fig{SIDE_MARK}", f"{SIDE_MARK}a fig"]


def test_contents_that_are_no_text() -> None:
    assert as_bytes(True) == b"True"
    assert as_bytes(datetime.date(2024, 1, 2)) == b"2024-01-02"
    assert as_bytes(Decimal("1.50")) == b"1.50"


# --- numbers ---


def test_whole_numbers_have_one_spelling() -> None:
    found = collected([{"text": "a fig", "kind": kind} for kind in (1, 1.0, "1", 0.0, NAN, 2.5, 1e300)])
    assert [row["label"] for row in found] == ["1", "1", "1", "0", None, "2.5", "1e+300"]
    assert names_of([1.0, 2], None) == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("3,5", "3.5"), ("1.200", "1200"), ("1.500,50", "1500.50"), ("1 200,5", "1200.5"), ("1'200", "1200")),
        *(("1\u202f200,5", "1200.5"), ("-0,5", "-0.5"), ("−3", "-3"), ("+1.234.567", "1234567"), (" 7 ", "7")),
        *((1.5, 1.5), (None, None), ("", ""), ("N/A", "N/A")),
    ],
)
def test_decimal_commas(text: Any, number: Any) -> None:
    assert with_point(text) == number


@pytest.mark.parametrize("text", ["1.2", "0.200", "12.34.567", "1,5e3", "€ 3", "1.200.00", "3,", "1,200,000"])
def test_no_decimal_commas(text: str) -> None:
    with pytest.raises(BadRow, match="is no number with a decimal comma"):
        with_point(text)


def test_decimal_is_a_key() -> None:
    rows = [{"text": "a fig", "kind": kind} for kind in ("3,5", 1.5)]
    assert [row["label"] for row in collected(rows, "number")] == ["3,5", "1.5"]
    assert [row["label"] for row in collected(rows, "number", decimal=",")] == ["3.5", "1.5"]
    with pytest.raises(ValueError, match="a comma is for target: number, the target is category"):
        collected(rows, decimal=",")


# --- times ---


def times(values: list[Any], time_format: str) -> list[str]:
    rows = [{"text": "a fig", "kind": "fruit", "day": value} for value in values]
    return [row["time"] for row in collected(rows, columns={"time": "day"}, time_format=time_format)]


@pytest.mark.parametrize(
    ("time_format", "given", "iso"),
    [
        ("iso", "2024-12-31", "2024-12-31"),
        ("day_first", "31/12/2024", "2024-12-31"),
        ("day_first", "1.2.24 18:30", "2024-02-01T18:30:00"),
        ("month_first", "12/31/2024, 11:59 PM", "2024-12-31T23:59:00"),
        ("month_first", "1-2-2025 12:05:10 am", "2025-01-02T00:05:10"),
        ("epoch", 1_700_000_000, "2023-11-14T22:13:20+00:00"),
        ("epoch", "1700000000000", "2023-11-14T22:13:20+00:00"),
    ],
)
def test_times(time_format: str, given: Any, iso: str) -> None:
    assert times([given], time_format) == [iso]


@pytest.mark.parametrize(
    ("time_format", "given"),
    [
        ("day_first", "12/31/2024"),
        ("month_first", "31/12/2024"),
        ("epoch", 2024),
        ("epoch", 45292),
        ("day_first", "2024"),
    ],
)
def test_times_that_cannot_be_read(time_format: str, given: Any) -> None:
    with pytest.raises(InputError, match=r"notes\.jsonl:1: the time .* is not .*; see collect\.time_format"):
        times([given], time_format)


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (["31/12/2024", "1/2/2025"], "day_first reads all of them"),
        (["12/31/2024", "1/2/2025"], "month_first reads all of them"),
        (["1/2/2025"], "day_first and month_first read all of them"),
        ([1_700_000_000], "epoch reads all of them"),
        (["31/12/2024", "12/31/2024"], "no collect.time_format reads all"),
    ],
)
def test_times_that_are_not_iso_are_told(values: list[Any], advice: str) -> None:
    rows = [{"text": "a fig", "kind": "fruit", "day": value} for value in values]
    Path("notes.jsonl").write_text("\n".join(map(json.dumps, rows)))
    wanted = section_of(source="notes.jsonl", columns={"content": "text", "label": "kind", "time": "day"})
    (warning,) = collect(params_of(wanted)).warnings
    assert warning.message.startswith(f"{len(values)} of {len(values)} times are not ISO 8601, such as '{values[0]}'")
    assert warning.message.endswith(advice)
    for name in ("day_first", "month_first", "epoch"):
        if name in advice:
            assert len(times(values, name)) == len(values)


def test_iso_times_and_those_of_parquet_files_are_not_told() -> None:
    assert times(["2024-01", "2024", "2024-12-31T10:00:00Z", None], "iso")[0] == "2024-01"
    day = pa.array([datetime.datetime(2024, 1, 2)], pa.timestamp("ns"))
    pq.write_table(pa.table({"text": ["a fig"], "kind": [1.0], "day": day}), "notes.parquet")
    for time_format in ("iso", "day_first", "epoch"):
        columns = {"content": "text", "label": "kind", "time": "day"}
        wanted = section_of(source="notes.parquet", columns=columns, time_format=time_format)
        assert collect(params_of(wanted)).warnings == []
        assert [row["time"] for row in iter_rows(paths.COLLECTED)] == ["2024-01-02 00:00:00"]


def test_columns_of_a_parquet_file_that_nobody_asks_for_are_not_read() -> None:
    far = pa.array([10_000_000], pa.date32())  # beyond Python's dates
    kinds = pa.array(["fruit"]).dictionary_encode()
    pq.write_table(
        pa.table({"text": pa.array(["a fig"], pa.large_string()), "kind": kinds, "day": far}), "notes.parquet"
    )
    collect(params_of(section_of(source="notes.parquet", columns={"content": "text", "label": "kind"})))
    assert [row["label"] for row in iter_rows(paths.COLLECTED)] == ["fruit"]


# --- lists ---


@pytest.mark.parametrize(
    "text",
    ["['ripe', 'red']", "('ripe', 'red')", '["ripe", "red"]', "['ripe' 'red']", "['ripe'\n 'red']", "['ripe','red',]"],
)
def test_lists_in_the_spelling_of_python_and_numpy(text: str) -> None:
    assert names_of(text, None) == ["ripe", "red"]


def test_texts_that_are_no_list() -> None:
    assert names_of("(none)", None) == ["(none)"]
    for text in ("['it''s']", "['ripe' 'red', 'old']"):  # Python would join them
        with pytest.raises(BadLabel, match="a comma is missing between two texts of the list"):
            names_of(text, None)
    with pytest.raises(BadLabel, match=r'nor a list of Python; write a list as \["one", "other"\]'):
        names_of("[ripe, red]", None)


def test_tokens_in_the_spelling_of_python() -> None:
    assert tagged("['a', 'ripe fig']", "['O', 'B-fruit']").tokens == ["a", "ripe fig"]
    assert tagged("[ a", "O O").tokens == ["[", "a"]
    assert tagged("a b c", "B-fruit M-fruit E-fruit").tags == ["B-fruit", "I-fruit", "I-fruit"]


# --- keys that contradict each other ---


@pytest.mark.parametrize(
    ("target", "label_format", "message"),
    [
        ("category", "spans", "spans is for target: tags; for target: category set one or list"),
        ("number", "list", "list is for target: category or categories; for target: number set one"),
        ("categories", "one", "one is for target: category or number; for target: categories set list"),
        ("tags", "one", "one is for target: category or number; for target: tags set tags or spans"),
    ],
)
def test_label_formats_of_other_targets(target: str, label_format: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"collect.label_format: {message}"):
        params_of(section_of(label_format=label_format), target)


def test_contents_of_other_modalities() -> None:
    with pytest.raises(ValueError, match="two columns are for modality: text, it is image"):
        params_of(section_of(columns={"content": ["one", "other"]}), modality="image")
    with pytest.raises(ValueError, match=r"collect\.files: null, but data/reviews\.csv has no image in its cells"):
        params_of(section_of(), modality="image")


def test_a_category_is_one_name() -> None:
    rows = [{"text": "a", "kind": ["fruit"]}, {"text": "b", "kind": []}, {"text": "c", "kind": ["fruit", "ripe"]}]
    with pytest.raises(
        InputError, match=r'notes\.jsonl:3: 2 labels, \["fruit", "ripe"\]; .* set target: categories; mend'
    ):
        collected(rows, label_format="list")
    found = collected(rows, label_format="list", on_bad_row="drop")
    assert [row["label"] for row in found] == ["fruit", None]
    assert [row["label"] for row in collected(rows, "categories", label_format="list")] == [
        '["fruit"]',
        "[]",
        '["fruit", "ripe"]',
    ]


def test_a_category_by_columns() -> None:
    rows = [{"text": "a", "fruit": 1, "tool": 0}, {"text": "b", "fruit": 0, "tool": NAN}]
    found = collected(rows, label_format="list", columns={"label": ["fruit", "tool"]})
    assert [row["label"] for row in found] == ["fruit", None]


@pytest.mark.parametrize("label", [["fruit"], '["fruit"]', "['fruit']"])
def test_lists_are_no_category(label: Any) -> None:
    rows = [{"text": "a fig", "kind": label}]
    with pytest.raises(InputError, match=r"is a list, expected one value; set collect\.label_format: list;"):
        collected(rows)
    assert collected(rows, label_format="list")[0]["label"] == "fruit"
    assert collected([{"text": "a fig", "kind": "[fruit]"}])[0]["label"] == "[fruit]"
