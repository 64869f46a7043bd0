"""Rows that stand in two splits are found, whatever let them in."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from stages import leaks, split
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import read_frame, read_schema, row_schema, vector_column, write_frame, write_tables

TRAIN = [
    "an apple on the table of the old farm",
    "one hammer lies in the shed behind the house",
    "plums and pears are sold at the market",
]
TEST = ["nobody has seen this sentence before today", "and nobody has seen this other one either"]


pytestmark = pytest.mark.usefixtures("workplace")


def write_splits(
    train: Sequence[str],
    validation: Sequence[str],
    test: Sequence[str],
    copies: Sequence[int] = (),
    **more: Sequence[Any],
) -> None:
    """The tables of three splits; the last rows of `train` are augmented copies of the rows that `copies` names.
    `more` replaces columns.
    """
    n_rows = len(train) - len(copies)
    texts = [*train[:n_rows], *validation, *test]
    names = ["train"] * n_rows + ["validation"] * len(validation) + ["test"] * len(test)
    rows = pd.DataFrame(
        {
            "id": [f"{number:03d}" for number in range(len(texts))],
            "content": texts,
            "label": "a",
            "split": names,
            "keep": True,
        }
    )
    rows = rows.assign(
        group=None,
        time=None,
        given_split=None,
        reason=None,
        source=[f"notes.csv:{number + 1}" for number in range(len(rows))],
    )
    rows = rows.assign(**more)
    rows["unit"] = rows["id"]
    schema = row_schema(pa.string(), pa.string())
    write_frame(paths.CLEANED, rows, schema)
    write_frame(paths.SPLIT_VERDICTS, rows, split.VERDICT)
    for name, folder in paths.HELD_OUT.items():
        write_frame(folder, rows[rows["split"] == name], schema)
    originals = rows[rows["split"] == "train"].assign(copy=0)
    changed = originals.iloc[list(copies)].assign(copy=1, content=list(train[n_rows:]))
    train_schema = pa.schema(
        [("id", pa.string()), ("copy", pa.int32()), *(schema.field(name) for name in ("content", "label", "source"))]
    )
    write_frame(paths.TRAIN, pd.concat([originals, changed]), train_schema)


def found(
    max_leaks: int = 10, method: str = "stratified", near: bool = True, semantic: bool = False
) -> list[tuple[Any, ...]]:
    """Of each leak: both rows, the number of the copy, and the kind."""
    params = {
        "modality": "text",
        "dedupe": {"near": near, "near_threshold": 0.7, "semantic": semantic, "semantic_threshold": 0.98},
        "split": {"method": method, "max_leaks": max_leaks},
    }
    counts = leaks.main(leaks.Params.model_validate(params))
    assert counts.rows_in == counts.rows_kept
    table = read_frame(paths.LEAKS)
    assert sum(counts.more.values()) == len(table.drop_duplicates(["id", "of_split", "kind"]))
    return list(table[["id", "of", "of_copy", "kind"]].itertuples(index=False, name=None))


def test_splits_that_share_nothing() -> None:
    write_splits(TRAIN, TEST[:1], TEST[1:])
    assert found(max_leaks=0) == []


def test_exact_and_near_copies_are_found_between_all_splits() -> None:
    write_splits(TRAIN, [TRAIN[0].upper(), TEST[0]], [TRAIN[1] + "s", TEST[0], TEST[1]])
    assert found() == [("003", "000", 0, "exact"), ("005", "001", 0, "near"), ("006", "004", 0, "exact")]


def test_near_copies_are_left_where_params_say_so() -> None:
    write_splits(TRAIN, TEST[:1], [TRAIN[1] + "s"])
    assert found(near=False) == []


def test_an_augmented_copy_that_repeats_a_test_row_is_found() -> None:
    write_splits([*TRAIN, TEST[1] + "!"], TEST[:1], TEST[1:], copies=[2])
    assert found() == [("004", "002", 1, "exact")]


def test_rows_that_mean_the_same_are_found_where_dedupe_looks_for_them() -> None:
    write_splits([*TRAIN, "a copy of it"], TEST[:1], TEST[1:], copies=[0])
    vectors = np.eye(5, dtype=np.float32)
    vectors[4] = vectors[1]
    write_tables(
        paths.EMBEDDINGS, [pa.table({"id": [f"{number:03d}" for number in range(5)], "vector": vector_column(vectors)})]
    )
    assert found() == []
    assert found(semantic=True) == [("004", "001", 0, "semantic")]


def test_near_vectors_are_found_where_a_modality_compares_vectors() -> None:
    """As those of images and sounds: every row with the nearest of each earlier split."""
    split = np.array(["train", "train", "validation", "test"])
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8], [0.8, 0.6]], dtype=np.float32)
    leaks_ = list(leaks.similar_vectors(vectors, split, 0.9, "near"))
    assert [(leak.earlier, leak.later, leak.similarity) for leak in leaks_] == [(2, 3, pytest.approx(0.96))]
    assert [(leak.earlier, leak.later) for leak in leaks.similar_vectors(vectors, split, 0.75, "near")] == [
        (1, 2),
        (0, 3),
        (2, 3),
    ]


def test_rows_of_one_group_are_found() -> None:
    write_splits(TRAIN, TEST[:1], TEST[1:], group=["farm", "shop", None, None, "farm"])
    assert found() == [("004", "000", 0, "group")]


def test_training_rows_from_after_the_test_are_found() -> None:
    times = ["2024-01-01", "2024-03-01", "2024-01-02", "2024-02-01", "2024-02-15"]
    write_splits(TRAIN, TEST[:1], TEST[1:], time=times)
    assert found(method="time") == [("003", "001", 0, "time"), ("004", "001", 0, "time")]
    assert found() == []


def test_too_many_leaks_stop_the_line_and_are_named() -> None:
    write_splits(TRAIN, TEST[:1], [TRAIN[0], TRAIN[1] + "s"])
    assert len(found(max_leaks=2)) == 2
    with pytest.raises(
        InputError,
        match=r"2 rows occur in two splits, more than split.max_leaks: 1; "
        r"notes.csv:5 \(test\) and notes.csv:1 \(train\): exact; notes.csv:6",
    ):
        found(max_leaks=1)
    assert len(read_frame(paths.LEAKS)) == 2


def test_every_row_that_is_too_late_counts() -> None:
    """They all stand beside the first row of the later split."""
    write_splits(TRAIN, TEST[:1], TEST[1:], time=["2024-03-01", "2024-03-02", "2024-03-03", "2024-02-01", "2024-02-15"])
    assert len(found(max_leaks=3, method="time")) == 6
    with pytest.raises(InputError, match=r"3 rows occur in two splits, more than split\.max_leaks: 2"):
        found(max_leaks=2, method="time")


def test_rows_that_no_earlier_stage_knows_are_named() -> None:
    write_splits(TRAIN, TEST[:1], TEST[1:])
    rows = read_frame(paths.TRAIN)
    strange = rows.iloc[:1].assign(id="stranger", content=TEST[0])
    write_frame(paths.TRAIN, pd.concat([rows, strange]), read_schema(paths.TRAIN))
    with pytest.raises(InputError, match="data/train: the row stranger is not in data/cleaned and data/verdicts/split"):
        found()
