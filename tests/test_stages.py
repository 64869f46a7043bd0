"""What the stages do, one rule a test, on data that can be read."""

import csv
import json
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from stages import augment, clean, collect, evaluate, label_audit, outliers
from stages.cleaning.ledger import Decision, read_ledger
from stages.contracts.objective import Conclusion
from stages.core import paths, tables
from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.core.run import Counts
from stages.core.tables import (
    named_columns,
    new_table,
    read_frame,
    read_table,
    row_schema,
    vector_column,
    write_frame,
    write_tables,
)
from stages.modalities.text.clean import cleaner as cleaner
from stages.sources.records import RowIds
from stages.targets.category import label as category_label
from stages.targets.category import score as category_score
from stages.targets.category.objective import Objective
from stages.tasks.text_category import augment as text_category_augment
from tests import tiny
from tests.rows import write_rows
from tests.tiny import phrase

Run = Callable[[ModuleType, BaseModel], Counts]
CLEAN_TEXT = cleaner.CleanParams(**{**tiny.CLEAN_TEXT, "min_chars": 3, "max_chars": 80})


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run() -> Run:
    """Runs a stage with these params, and holds that every row is kept or has a reason."""

    def run_stage(stage: ModuleType, params: BaseModel) -> Counts:
        counts = stage.main(params)
        assert isinstance(counts, Counts)
        assert counts.rows_in == counts.rows_kept + sum(counts.dropped.values())
        return counts

    return run_stage


def write_vectors(vectors: np.ndarray) -> None:
    ids = [f"{number:03d}" for number in range(len(vectors))]
    write_tables(paths.EMBEDDINGS, [pa.table({"id": ids, "vector": vector_column(vectors.astype(np.float32))})])


def corners(labels: Sequence[str]) -> np.ndarray:
    """(n_rows, dim): a vector of length 1 for every label, each label in its own corner."""
    names = sorted(set(labels))
    vectors = np.random.default_rng(0).normal(0, 0.05, (len(labels), 8))
    vectors[np.arange(len(labels)), [names.index(label) for label in labels]] += 1
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


# --- params.yaml ---


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2e-05", 2e-5),
        ("2e-5", 2e-5),
        ("1e3", 1000.0),
        ("-1E+2", -100.0),
        ("1.5e-3", 0.0015),
        ("3", 3),
        ("010", 10),
        ("'2e-5'", "2e-5"),
        ("e5", "e5"),
        ("1e5x", "1e5x"),
    ],
)
def test_numbers_as_dvc_writes_them(written: str, value: object) -> None:
    Path("params.yaml").write_text(f"lr: {written}\n")
    read = read_yaml(Path("params.yaml"))["lr"]
    assert (read, type(read)) == (value, type(value))


# --- ids ---

Content = tuple[str, str | None]
FRUIT_ROWS: list[Content] = [
    ("a ripe apple", "fruit"),
    ("a red car", "vehicle"),
    ("a ripe apple", "fruit"),
    ("a ripe apple", "vehicle"),
    ("a pear", None),
]


def ids_of(rows: Sequence[Content]) -> list[str]:
    ids = RowIds()
    return [ids.next(content.encode(), label) for content, label in rows]


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
    columns = {"content": "text", "label": "kind", "group": None, "time": None, "split": None}
    section = {
        "table": None,
        "splits": None,
        "columns": columns,
        "files": None,
        "file_names": None,
        "label_format": "one",
        "label_delimiter": None,
    }
    section |= {"delimiter": None, "header": True, "quoting": True, "on_bad_row": "error"}
    return collect.Params.model_validate({"collect": {**section, **changes}})


def test_given_splits_are_noted(run: Run) -> None:
    Path("data").mkdir()
    for name, line in (("one.csv", "a ripe apple,fruit"), ("two.csv", "a red car,vehicle")):
        Path("data", name).write_text(f"text,kind\n{line}\n")
    run(collect, collect_params(source="data", splits={"test": "two.csv", "train": "one.csv"}))
    assert read_frame(paths.COLLECTED)[["source", "given_split"]].to_numpy().tolist() == [
        ["two.csv:1", "test"],
        ["one.csv:1", "train"],
    ]


# --- tables ---

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


# --- texts ---

CLEANED_TEXTS = [
    ("a <b>ripe</b> apple<br/>and a pear", "a ripe apple and a pear", ["html", "spaces"]),
    ("two &amp; three &eacute; &#39;four&#39;", "two & three é 'four'", ["html"]),
    ("shop?page=1&copy=2 R&D &unknown;", "shop?page=1&copy=2 R&D &unknown;", []),
    ("ripe<script>alert('<b>')</script><!-- not <i>this</i> --> apple", "ripe apple", ["html", "spaces"]),
    ("price <5 and >3, or x<y", "price <5 and >3, or x<y", []),
    ("<username> wrote to <all>", "<username> wrote to <all>", []),
    ("schÃ¶ne Ã„pfel", "schöne Äpfel", ["encoding"]),
    ("it\u2019s \u201cripe\u201d", 'it\'s "ripe"', ["encoding"]),
    ("Cafe\u0301", "Café", ["encoding"]),
    ("ap\u00adple\u200b and pear", "apple and pear", ["invisible"]),
    ("ripe\x00 apple\x07", "ripe apple", None),
    ("\t a  ripe\n\napple\u00a0! ", "a ripe apple !", None),
    ("熟したりんご、買った。", "熟したりんご、買った。", []),
    ("خانه‌ها", "خانه\u200cها", []),
    ("👩\u200d🌾 sells", "👩\u200d🌾 sells", []),
]


@pytest.mark.parametrize(("raw", "content", "repairs"), CLEANED_TEXTS, ids=[content for _, content, _ in CLEANED_TEXTS])
def test_text_is_repaired(raw: str, content: str, repairs: list[str] | None) -> None:
    cleaned = cleaner.clean(raw.encode(), CLEAN_TEXT)
    assert cleaned.content == content
    assert repairs is None or list(cleaned.repairs) == repairs


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b" <br>&nbsp;\x00", "empty"),
        (b"ok", "too_short"),
        (b"fig", None),
        (b"x" * 80, None),
        (b"x" * 81, "too_long"),
        (b"<b>" * 50 + b"fig", None),
    ],
)
def test_text_that_cannot_be_used(raw: bytes, reason: str | None) -> None:
    assert cleaner.clean(raw, CLEAN_TEXT).reason == reason


@pytest.mark.parametrize("opening", ["<!--", "<script>", "<style ", "<b "])
def test_unclosed_html_is_no_trap(opening: str) -> None:
    """Work that grows with the square of the length would let one row stop the line."""
    started = time.perf_counter()
    cleaner.clean((opening * (40_000 // len(opening))).encode(), CLEAN_TEXT)
    seconds = time.perf_counter() - started
    assert seconds < 1


# --- labels and the ledger ---


@pytest.mark.parametrize(
    ("raw", "label", "reason"),
    [
        ("fruit", "fruit", None),
        ("  red \n fruit ", "red fruit", None),
        ("Obst", "fruit", None),
        ("other", None, "unwanted_label"),
        ("misc", None, "unwanted_label"),  # an alias of one that is unwanted
        ("n/a", None, "missing_label"),  # an alias of nothing
        ("", None, "missing_label"),
        (None, None, "missing_label"),
        ("Other", "Other", None),
        ("fru\u200bit", "fruit", None),
        ("cafe\u0301", "caf\u00e9", None),
    ],
)
def test_label(raw: str | None, label: str | None, reason: str | None) -> None:
    cleaned = category_label.clean_label(
        raw,
        "a text",
        category_label.LabelParams(
            **tiny.CLEAN_NAMES | {"aliases": {"Obst": "fruit", "misc": "other", "n/a": ""}, "drop": ["other"]}
        ),
    )
    assert (cleaned.label, cleaned.reason) == (label, reason)


class TextSection(clean.Section):
    text: cleaner.CleanParams


def clean_params() -> clean.Params:
    section = TextSection(
        label=category_label.LabelParams(**tiny.CLEAN_NAMES | {"aliases": {"Obst": "fruit"}, "drop": ["other"]}),
        missing=[],
        text=CLEAN_TEXT,
    )
    return clean.Params.model_construct(modality="text", target="category", clean=section)


def write_collected(rows: Sequence[Content]) -> list[str]:
    ids = ids_of(rows)
    with new_table(paths.COLLECTED, row_schema(pa.binary(), pa.string())) as writer:
        for number, (row, (content, label)) in enumerate(zip(ids, rows, strict=True), start=1):
            writer.write_row({"id": row, "content": content.encode(), "label": label, "source": f"notes.csv:{number}"})
    return ids


def test_clean_drops_with_reasons_and_does_what_people_decided(run: Run) -> None:
    rows: list[Content] = [
        ("a ripe <b>apple</b>", "Obst"),
        ("a spade", "fruit"),
        ("an odd thing", "fruit"),
        ("x", "fruit"),
        ("x", "fruit"),
        ("a stone", "other"),
        ("a pear", None),
        ("a plum", None),
    ]
    ids = write_collected(rows)
    lines = [
        (ids[0], "keep", ""),
        (ids[1], "relabel", "tool"),
        (ids[2], "drop", ""),
        (ids[3], "drop", ""),
        (ids[7], "relabel", "Obst"),
        ("gone", "drop", ""),
    ]
    paths.LEDGER.write_text(
        "id,action,label,note\n" + "".join(f"{row},{action},{label},\n" for row, action, label in lines)
    )
    counts = run(clean, clean_params())
    cleaned = read_frame(paths.CLEANED)
    assert cleaned[["id", "content", "label", "source"]].to_numpy().tolist() == [
        [ids[0], "a ripe apple", "fruit", "notes.csv:1"],
        [ids[1], "a spade", "tool", "notes.csv:2"],
        [ids[7], "a plum", "fruit", "notes.csv:8"],
    ]
    verdicts = read_frame(paths.CLEAN_VERDICTS)
    assert verdicts["id"].tolist() == ids
    assert verdicts["reason"].fillna("").tolist() == [
        "",
        "",
        "ledger",
        "ledger",
        "too_short",
        "unwanted_label",
        "missing_label",
        "",
    ]
    assert verdicts["keep"].tolist() == (verdicts["reason"].isna()).tolist()
    assert verdicts["reviewed"].tolist() == [True, True, True, True, False, False, False, True]
    assert verdicts["given_label"].fillna("-").tolist() == [label or "-" for _, label in rows]
    assert counts.metrics() == {
        "rows_in": 8,
        "rows_kept": 3,
        "dropped_ledger": 2,
        "dropped_missing_label": 1,
        "dropped_too_short": 1,
        "dropped_unwanted_label": 1,
        "repaired_html": 1,
        "repaired_spaces": 1,
        "ledger_used": 5,
        "ledger_without_row": 1,
    }


def test_ledger_is_read() -> None:
    paths.LEDGER.parent.mkdir()
    paths.LEDGER.write_bytes(
        b'\xef\xbb\xbfid,action,label,note\r\n A1,keep,,\r\na2,relabel,red fruit,"unripe, but red"\r\n'
    )
    assert read_ledger(paths.LEDGER) == {"a1": Decision("keep", ""), "a2": Decision("relabel", "red fruit")}


# --- outliers ---


def judge(
    vectors: np.ndarray, names: Sequence[str] = (), classes: Sequence[str] = (), parts: int = 1, **section: Any
) -> pd.DataFrame:
    """The verdict on every row by id; the vectors come in `parts`."""
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    ids = np.array(names or [f"{number:04d}" for number in range(len(vectors))], dtype=object)
    own = {row: (name,) for row, name in zip(ids, classes or ["fruit"] * len(ids), strict=True)}
    pieces = list(zip(np.array_split(ids, parts), np.array_split(vectors, parts), strict=True))
    return outliers.find_outliers(
        own, lambda: pieces, outliers.Section(**{"neighbours": 5, "threshold": 3.5, **section})
    ).set_index("id")


def cloud(n_rows: int, seed: int = 0, dim: int = 16, spread: float = 0.2) -> np.ndarray:
    """(n_rows, dim), around the first axis."""
    return np.eye(dim)[0] + np.random.default_rng(seed).normal(0, spread, (n_rows, dim))


def test_the_car_among_the_fruit() -> None:
    names = ["apple", "pear", "plum", "cherry", "car", "lemon", "mango", "quince"]
    vectors = np.array([[1, 0], [0.99, 0.1], [0.98, -0.1], [0.99, 0.05], [0, 1], [1, 0.02], [0.97, 0.12], [0.98, 0.08]])
    found = judge(vectors, names)
    assert found["reason"].dropna().to_dict() == {"car": "far_from_all"}
    assert found.index[~found["keep"]].tolist() == ["car"]
    assert found["score"].idxmax() == "car"
    assert found.loc["apple", "nearest"] == "lemon"


def test_the_order_and_the_parts_of_rows_do_not_matter() -> None:
    vectors, order = cloud(300), np.random.default_rng(1).permutation(300)
    found = judge(vectors)
    again = judge(vectors[order], [f"{number:04d}" for number in order], parts=7)
    assert again.sort_index().equals(found)


def test_clean_rows_are_no_outliers_and_scores_compare_between_data_sets() -> None:
    narrow, wide = judge(cloud(1000), neighbours=30), judge(cloud(1000, spread=0.5), neighbours=30)
    assert narrow["keep"].mean() > 0.985
    assert wide["keep"].mean() > 0.985
    assert abs(narrow["score"].quantile(0.99) - wide["score"].quantile(0.99)) < 0.5


@pytest.mark.parametrize(("neighbours", "found"), [(5, 0), (15, 10)])
def test_members_of_a_small_group_vouch_for_each_other_unless_k_is_larger(neighbours: int, found: int) -> None:
    group = np.eye(16)[1] + np.random.default_rng(1).normal(0, 0.02, (10, 16))
    assert (~judge(np.vstack([cloud(300), group]), neighbours=neighbours)["keep"][300:]).sum() == found


def test_rows_that_say_the_same_are_no_outliers_and_hide_none() -> None:
    same = np.repeat(np.eye(4)[:1], 200, axis=0)
    assert judge(same)["keep"].all()
    assert judge(np.vstack([same, [[1, 0.01, 0, 0]]]))["keep"].all()  # a difference that is none
    found = judge(np.vstack([same, np.eye(4)[1:2]]))
    assert found.index[~found["keep"]].tolist() == ["0200"]
    assert found.loc["0000", "nearest"] == "0001"
    assert found.loc["0007", "nearest"] == "0000"  # of equally near ones the first


def test_many_rows_are_compared_with_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.vstack([cloud(600), np.eye(16)[1:2]])
    monkeypatch.setattr(outliers, "SAMPLE", 100)
    found = judge(vectors, neighbours=10, parts=3)
    assert not found.loc["0600", "keep"]
    assert (~found["keep"]).sum() < 5
    assert set(found["nearest"]) <= set(found.index[:100])
    assert (found["nearest"] != found.index).all()


def test_a_row_far_from_its_class_is_reported_and_stays() -> None:
    corners = np.eye(16)[:2]
    vectors = np.repeat(corners, 60, axis=0) + np.random.default_rng(0).normal(0, 0.1, (120, 16))
    classes = ["fruit"] * 60 + ["tool"] * 60
    classes[7] = "tool"
    found = judge(vectors, classes=classes)
    assert found["class_score"].idxmax() == "0007"
    assert found.loc["0007", "class_score"] > 10
    assert found.index[found["far_from_class"]].tolist() == ["0007"]
    assert found.loc["0007", "class_nearest"] >= "0060"
    assert found["keep"].all()
    assert found[["score", "keep"]].equals(judge(vectors)[["score", "keep"]])  # whatever the labels


def test_the_scale_of_a_small_class_is_shrunk_towards_that_of_all() -> None:
    tool = np.eye(16)[1]
    vectors = np.vstack([cloud(200), np.repeat([tool], 5, axis=0), [tool + 0.8 * np.eye(16)[3]], np.eye(16)[2:3]])
    found = judge(vectors, classes=["fruit"] * 200 + ["tool"] * 6 + ["book"], threshold=None)
    assert found.loc["0205", "class_score"] < 3.5  # by the spread of its own six it would lie far off
    assert pd.isna(found.loc["0206", "class_score"])  # none of its class to compare with
    assert pd.isna(found.loc["0206", "class_nearest"])


def test_of_several_classes_that_counts_which_a_row_fits_best() -> None:
    vectors = np.repeat(np.eye(16)[:2], 60, axis=0) + np.random.default_rng(0).normal(0, 0.1, (120, 16))
    own = {f"{number:04d}": (("fruit",) if number < 60 else ("tool",)) for number in range(120)} | {
        "0007": ("tool", "fruit")
    }
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    found = outliers.find_outliers(
        own, lambda: [(np.array(list(own), dtype=object), vectors)], outliers.Section(neighbours=5, threshold=3.5)
    ).set_index("id")
    assert found.loc["0007", "class_score"] < 3
    assert found.loc["0007", "class_nearest"] < "0060"


def test_without_a_threshold_none_is_an_outlier() -> None:
    vectors = np.vstack([cloud(100), -np.eye(16)[:1]])
    assert judge(vectors)["keep"].tolist() == [True] * 100 + [False]
    assert judge(vectors, threshold=None)["keep"].all()


def test_one_row_is_no_outlier() -> None:
    found = judge(np.eye(1))
    assert found["keep"].tolist() == [True]
    assert found["nearest"].tolist() == [None]


# --- label audit ---

TRUTH = ["apple", "hammer", "plum"] * 30
PLANTED = {4: "apple", 9: "plum", 20: "hammer", 31: "plum", 44: "apple"}  # training rows whose label is wrong
HELD_OUT = {row: "validation" if row < 75 else "test" for row in range(60, 90)}
WRONG = [PLANTED.get(row, label) for row, label in enumerate(TRUTH)]


def audited(
    run: Run, labels: Sequence[str], policy: str = "drop", reviewed: Sequence[int] = (), max_quality: float = 0.5
) -> pd.DataFrame:
    splits = [HELD_OUT.get(row, "train") for row in range(len(TRUTH))]
    write_rows(labels, split=splits, reviewed=[row in reviewed for row in range(len(TRUTH))])
    write_vectors(corners(TRUTH))
    section = label_audit.Section.model_validate({"folds": 3, "C": 10.0, "policy": policy, "max_quality": max_quality})
    run(label_audit, label_audit.Params(target="category", seed=1, label_audit=section))
    found = read_frame(paths.LABEL_VERDICTS).set_index("id")
    return found.set_index(found.index.astype(int)).sort_index()


def test_no_class_may_lose_all_of_its_training_rows() -> None:
    judged = pd.DataFrame(
        {"given_label": ["fig", "plum", "plum"], "label": ["fig", "plum", "plum"], "keep": [True, True, False]}
    )
    label_audit.check_classes(judged, category_label)
    with pytest.raises(InputError, match=r"no training row with the label 'fig'; set label_audit\.policy: keep"):
        label_audit.check_classes(judged.assign(keep=[False, True, True]), category_label)


def test_planted_labels_are_found_and_dropped(run: Run) -> None:
    found = audited(run, WRONG)
    assert found.index[~found["keep"]].tolist() == list(PLANTED)
    assert found["reason"].dropna().to_dict() == dict.fromkeys(PLANTED, "label_issue")
    assert found.index[found["is_label_issue"]].tolist() == list(PLANTED)
    assert found.loc[list(PLANTED), "predicted_label"].tolist() == [TRUTH[row] for row in PLANTED]
    assert found.loc[list(PLANTED), "label_quality"].max() < found.drop(list(PLANTED))["label_quality"].min()
    assert found["given_label"].tolist() == WRONG


def test_policy_relabel_corrects(run: Run) -> None:
    found = audited(run, WRONG, "relabel")
    assert found["keep"].all()
    assert found["label"].tolist() == TRUTH
    assert found["given_label"].tolist() == WRONG


def test_policy_keep_changes_nothing(run: Run) -> None:
    found = audited(run, WRONG, "keep")
    assert found["keep"].all()
    assert found["label"].tolist() == WRONG
    assert found.index[found["is_label_issue"]].tolist() == list(PLANTED)


def test_only_the_worst_labels_are_acted_on(run: Run) -> None:
    found = audited(run, WRONG, max_quality=0.0)
    assert found["keep"].all()
    assert found.index[found["is_label_issue"]].tolist() == list(PLANTED)


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_what_people_reviewed_stays(run: Run, policy: str) -> None:
    found = audited(run, WRONG, policy, reviewed=[4, 9])
    assert found.loc[[4, 9], "keep"].all()
    assert found.loc[[4, 9], "label"].tolist() == [PLANTED[4], PLANTED[9]]
    assert found.index[~found["keep"] | (found["label"] != found["given_label"])].tolist() == [20, 31, 44]


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_held_out_labels_are_judged_and_never_changed(run: Run, policy: str) -> None:
    labels = list(WRONG)
    labels[62], labels[80] = "apple", "hammer"
    assert [TRUTH[62], TRUTH[80]] == ["plum", "plum"]
    found = audited(run, labels, policy)
    held_out = found.loc[list(HELD_OUT)]
    assert held_out["keep"].all()
    assert held_out["label"].tolist() == [labels[row] for row in HELD_OUT]
    assert sorted(held_out["label_quality"].nsmallest(2).index) == [62, 80]
    assert held_out.loc[[62, 80], "predicted_label"].tolist() == ["plum", "plum"]


@pytest.mark.parametrize("policy", ["drop", "relabel", "keep"])
def test_no_held_out_label_matters_to_a_training_row(run: Run, policy: str) -> None:
    """Every held-out label is turned into another one: what happens to training rows is the same, to the bit."""
    before = audited(run, WRONG, policy)
    other = {"apple": "hammer", "hammer": "plum", "plum": "apple"}
    after = audited(run, [other[label] if row in HELD_OUT else label for row, label in enumerate(WRONG)], policy)
    pd.testing.assert_frame_equal(
        before[before["split"] == "train"], after[after["split"] == "train"], check_exact=True
    )
    assert (
        before["predictions"].tolist() == after["predictions"].tolist()
    )  # of the probe, on held-out rows too: it is a baseline of the test


def test_rows_of_a_unit_do_not_vouch_for_each_other(run: Run) -> None:
    """Five copies of one wrong label, in one group: no fold learns the mistake from another copy."""
    copies = [1, 7, 13, 19, 25]
    labels = ["plum" if row in copies else label for row, label in enumerate(TRUTH)]
    vectors = corners(TRUTH)
    vectors[copies] = vectors[1]
    write_rows(
        labels,
        split=[HELD_OUT.get(row, "train") for row in range(90)],
        cluster=["001" if row in copies else f"{row:03d}" for row in range(90)],
    )
    write_vectors(vectors)
    section = label_audit.Section(folds=5, C=1000.0, policy="drop", max_quality=0.5)
    run(label_audit, label_audit.Params(target="category", seed=1, label_audit=section))
    found = read_frame(paths.LABEL_VERDICTS)
    assert sorted(found.loc[~found["keep"], "id"].astype(int)) == copies


def test_rows_of_one_group_cannot_judge_each_other(run: Run) -> None:
    write_rows(TRUTH, split=[HELD_OUT.get(row, "train") for row in range(90)], cluster=["000"] * 90)
    write_vectors(corners(TRUTH))
    section = label_audit.Section(folds=5, C=1.0, policy="drop", max_quality=0.5)
    with pytest.raises(
        InputError,
        match=r"all .* training rows are in the same group or cluster, but .*; see collect\.columns\.group",
    ):
        run(label_audit, label_audit.Params(target="category", seed=1, label_audit=section))


# --- augment ---

BASKET = {"a1": "apple", "a2": "apple", "a3": "apple", "a4": "apple", "p1": "pear", "p2": "pear", "q1": "quince"}


@pytest.mark.parametrize(
    ("copies", "balance", "ratio", "expected"),
    [
        (0, "none", 1.0, {"apple": 4, "pear": 2, "quince": 1}),
        (2, "none", 1.0, {"apple": 12, "pear": 6, "quince": 3}),
        (0, "oversample", 1.0, {"apple": 4, "pear": 4, "quince": 4}),
        (0, "oversample", 0.5, {"apple": 4, "pear": 2, "quince": 2}),
        (1, "oversample", 1.0, {"apple": 8, "pear": 8, "quince": 8}),
    ],
)
def test_classes_are_balanced(copies: int, balance: str, ratio: float, expected: Mapping[str, int]) -> None:
    section = augment.Section.model_validate({"copies": copies, "balance": balance, "balance_ratio": ratio})
    strata = {row: (label,) for row, label in BASKET.items()}
    plan = augment.plan_copies(strata, section)
    assert min(plan.values()) >= copies
    assert Counter(label for row, label in BASKET.items() for _ in range(1 + plan[row])) == expected
    for label in expected:  # evenly over the rows of a class
        of_label = [plan[row] for row in BASKET if BASKET[row] == label]
        assert max(of_label) - min(of_label) <= 1
    assert augment.plan_copies(dict(reversed(strata.items())), section) == plan


def test_rows_of_several_strata_count_for_each_of_them() -> None:
    strata = {"a1": ("apple",), "a2": ("apple",), "a3": ("apple", "pear"), "a4": ("apple", "quince"), "p1": ("pear",)}
    plan = augment.plan_copies(
        strata, augment.Section.model_validate({"copies": 0, "balance": "oversample", "balance_ratio": 0.75})
    )
    assert plan == {"a1": 0, "a2": 0, "a3": 1, "a4": 2, "p1": 0}  # three quinces; then one pear more


class AugmentSection(augment.Section):
    text: text_category_augment.AugmentParams


def train_rows(run: Run, rows: Sequence[int], seed: int = 1) -> dict[tuple[str, int], tuple[str, str]]:
    """data/train by id and copy, where label_audit kept these rows."""
    given = write_rows(["fruit"] * 8, [phrase(number) for number in range(8)])
    schema = pa.schema([*tables.verdict_schema(("split", pa.string())), ("label", pa.string())])
    kept, splits = [number in rows for number in range(8)], ["test" if number == 7 else "train" for number in range(8)]
    final = given.assign(label=["fruit", "tool"] * 4, keep=kept, split=splits)
    write_frame(paths.LABEL_VERDICTS, final, schema)
    section = AugmentSection(
        copies=2,
        balance="none",
        balance_ratio=1.0,
        text=text_category_augment.AugmentParams(swap=0.3, delete=0.2, typo=0.2),
    )
    run(augment, augment.Params.model_construct(modality="text", target="category", seed=seed, augment=section))
    return {
        (row["id"], row["copy"]): (row["content"], row["label"]) for row in read_frame(paths.TRAIN).to_dict("records")
    }


def test_training_rows_are_the_originals_and_their_copies(run: Run) -> None:
    found = train_rows(run, [0, 1, 4, 7])
    assert list(found) == [(row, copy) for row in ("000", "001", "004") for copy in range(3)]
    assert [found[row, 0][0] for row in ("000", "001", "004")] == [phrase(0), phrase(1), phrase(4)]
    assert len({content for content, _ in found.values()}) == 9
    assert [found[row, 2][1] for row in ("000", "001", "004")] == ["fruit", "tool", "fruit"]  # the final labels


def test_a_copy_depends_on_its_own_row_and_the_seed(run: Run) -> None:
    some, more, other = train_rows(run, [1, 4]), train_rows(run, [0, 1, 2, 3, 4]), train_rows(run, [1, 4], seed=2)
    assert {key: more[key] for key in some} == some
    assert all((other[key] == some[key]) == (key[1] == 0) for key in some)


def test_every_copy_has_a_seed_of_its_own() -> None:
    seeds = [augment.copy_seed(seed, row, copy) for seed in (1, 2) for row in ("a1", "a11") for copy in range(1, 13)]
    assert len(set(seeds)) == len(seeds)


# --- evaluate ---

GIVEN = ["apple", "apple", "pear", "pear"]
PROBABILITIES = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])  # the last one is wrong
COLUMNS = ["apple", "pear"]


def said(probabilities: np.ndarray) -> Conclusion:
    return Objective(COLUMNS).conclude(probabilities)


def test_score_of_four_rows() -> None:
    found = category_score.score(GIVEN, said(PROBABILITIES), 5)
    assert (
        found
        == pytest.approx(
            {
                "accuracy": 3 / 4,
                "accuracy_low": 0.300642,  # Wilson's interval of 3 out of 4
                "accuracy_high": 0.954413,
                "f1_macro": (4 / 5 + 2 / 3) / 2,
                "f1_weighted": (4 / 5 + 2 / 3) / 2,
                "precision_macro": (2 / 3 + 1) / 2,
                "recall_macro": (1 + 1 / 2) / 2,
                "roc_auc": 3 / 4,
                "log_loss": -(math.log(0.9) + math.log(0.6) + math.log(0.8) + math.log(0.3)) / 4,
                "calibration_error": 0.15,  # 0.6 to 0.8: confidence 0.65, accuracy 1/2; 0.8 to 1: confidence 0.85, accuracy 1
                "f1_of_apple": 4 / 5,
                "f1_of_pear": 2 / 3,
            },
            abs=1e-6,
        )
    )


def test_reliability_and_confusion() -> None:
    found = category_score.plots(GIVEN, said(PROBABILITIES), 5)
    assert found["confusion"].to_numpy().tolist() == [
        ["apple", "apple"],
        ["apple", "apple"],
        ["pear", "pear"],
        ["pear", "apple"],
    ]
    assert found["reliability"].to_numpy() == pytest.approx(np.array([[0.65, 0.5, 2], [0.85, 1.0, 2]]))


def test_a_certain_and_wrong_prediction_has_a_finite_loss() -> None:
    found = category_score.score(["apple", "pear"], said(np.array([[0.0, 1.0], [0.0, 1.0]])), 5)
    assert 10 < found["log_loss"] < 40
    assert found["calibration_error"] == pytest.approx(0.5)


def predictions_of(
    ids: Sequence[str], split: str, given: Sequence[str], probabilities: np.ndarray, **more: Sequence[Any]
) -> pa.Table:
    found = {"predicted_label": said(probabilities).labels, "predictions": named_columns(probabilities, COLUMNS)}
    return pa.table({"id": ids, "split": [split] * len(ids), "given_label": given, **more, **found})


def test_model_and_baselines_are_scored_on_the_same_rows() -> None:
    """The tables come in other orders: rows are found by their ids."""
    half = np.full((4, 2), 0.5)
    ids, backwards = ["a", "b", "c", "d"], ["d", "c", "b", "a"]
    predictions = pa.concat_tables(
        [
            predictions_of(["v", "w"], "validation", ["pear", "apple"], PROBABILITIES[:2]),
            predictions_of(ids, "test", GIVEN, PROBABILITIES),
        ]
    )
    labels = pa.concat_tables(
        [
            predictions_of(
                ["t1", "t2", "t3", "t4"],
                "train",
                ["apple"] * 4,
                half,
                keep=[True] * 3 + [False],
                label=["apple", "pear", "pear", "apple"],
            ),
            predictions_of(
                backwards, "test", GIVEN[::-1], (1 - PROBABILITIES)[::-1], keep=[True] * 4, label=GIVEN[::-1]
            ),
        ]
    )
    found = evaluate.score_all(predictions, labels, category_score, Objective, 5)
    assert found["accuracy"] == 3 / 4
    assert found["validation_accuracy"] == 1 / 2
    assert found["probe_accuracy"] == 1 / 4
    assert found["majority_accuracy"] == 1 / 2
    assert found["majority_log_loss"] == pytest.approx(
        -(2 * math.log(1 / 3) + 2 * math.log(2 / 3)) / 4
    )  # of the three labels that were trained on
    assert found["majority_f1_macro"] == pytest.approx(1 / 3)


def test_majority_baseline_knows_how_common_each_class_is() -> None:
    assert category_score.constant(["apple", "pear", "apple", "apple"], ["pear", "apple"], COLUMNS).tolist() == [
        [0.75, 0.25],
        [0.75, 0.25],
    ]
