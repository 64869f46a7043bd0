"""Sources that cannot be read are refused, with file, row and what to do."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.refusals.bad_input import MEND, NOTES, PICTURES, Bad, each, png, put, refuse, set_params


def parquet(frame: Mapping[str, Sequence[Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(frame), file)
    return file.getvalue()


NOTHING = "it has no rows; check collect.source"
GOOD_PARQUET = parquet({"text": ["a ripe apple"] * 500, "kind": ["fruit"] * 500})


SOURCES = [
    Bad(
        "Parquet file that was cut off",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {"notes.parquet": GOOD_PARQUET[: len(GOOD_PARQUET) // 2]},
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "Parquet file with broken pages",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {"notes.parquet": GOOD_PARQUET[:4] + bytes(60) + GOOD_PARQUET[64:]},
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "no Parquet file",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {"notes.parquet": NOTES},
        {"collect.source": "data/notes.parquet"},
    ),
    Bad(
        "CSV row with too few cells",
        "data/notes.csv:2: line 3 has 1 cells, the file has 2 columns" + MEND,
        {"notes.csv": NOTES.replace("a red car,vehicle", "a red car")},
    ),
    Bad(
        "CSV row with too many cells",
        "data/notes.csv:1: line 2 has 3 cells, the file has 2 columns" + MEND,
        {"notes.csv": NOTES.replace("a ripe apple", "a ripe, red apple")},
    ),
    Bad(
        "column that occurs twice",
        "data/notes.csv: it has the column 'text' more than once; rename one",
        {"notes.csv": NOTES.replace("text,kind", "text,kind, text")},
    ),
    Bad(
        "missing column",
        "data/notes.csv:1: no column 'label', the row has 'text', 'kind'; see collect.columns",
        params={"collect.columns.label": "label"},
    ),
    Bad("empty file", "data/notes.csv: " + NOTHING, {"notes.csv": ""}),
    Bad("header only", "data/notes.csv: " + NOTHING, {"notes.csv": "text,kind\n"}),
    Bad(
        "not UTF-8",
        "data/notes.csv: not UTF-8 (byte 0xfc in line 2); it can be read as cp1252 ('ün apple,fruit'); "
        "set collect.encoding: cp1252",
        {"notes.csv": NOTES.replace("ripe", "grün").encode("latin-1")},
    ),
    Bad(
        "unclosed quotation mark",
        "data/notes.csv: the row that starts in line 3 has a quotation mark that is never closed; close it, or set "
        "collect.quoting: false",
        {"notes.csv": NOTES.replace("a red car", '"a red car') + "a pear,fruit\na cart,vehicle\n"},
        {"collect.on_bad_row": "drop"},  # what comes after it would be lost uncounted
    ),
    Bad(
        "quotation mark in the middle of a cell",
        "data/notes.csv:2: not valid CSV near line 3 (…); so that all rows can be read, "
        "set collect.quoting: false" + MEND,
        {"notes.csv": NOTES.replace("a red car", '"a red" car')},
    ),
    Bad(
        "quotation mark in the header",
        "data/notes.csv: the header is not valid CSV near line 1 (…); mend it",
        {"notes.csv": NOTES.replace("text", '"te"xt')},
    ),
    Bad(
        "other sign between the cells",
        "data/notes.csv: the header is one cell, 'text;kind'; set collect.delimiter: \";\"",
        {"notes.csv": NOTES.replace(",", ";")},
    ),
    Bad(
        "UTF-16",
        "data/notes.csv: not UTF-8 (byte 0xff in line 1); it can be read as utf-16 ('text,kind'); "
        "set collect.encoding: utf-16",
        {"notes.csv": NOTES.encode("utf-16")},
    ),
    Bad(
        "list for a label",
        'data/notes.jsonl:1: the label ["fruit", "food"] is a list, expected one value; '
        "set collect.label_format: list and target: categories" + MEND,
        {"notes.jsonl": '{"text": "a ripe apple", "kind": ["fruit", "food"]}\n'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "date that Python cannot hold",
        "data/notes.parquet: not a readable Parquet file (…); copy or export it again",
        {
            "notes.parquet": parquet(
                {"text": ["a ripe apple"], "kind": ["fruit"], "day": pa.array([10_000_000], pa.date32())}
            )
        },
        {"collect.source": "data/notes.parquet", "collect.columns.time": "day"},
    ),
    Bad(
        "invalid JSON",
        "data/notes.json: not valid JSON (… at line 2)",
        {
            "notes.json": '{"text": "a ripe apple", "kind": "fruit"\n{"text": "a red car", "kind": "vehicle"}\n',
        },
        {"collect.source": "data/notes.json"},
    ),
    Bad(
        "JSON that is no list",
        "data/notes.json: expected a list of objects with the columns 'text', 'kind', "
        "got an object with 'text', 'kind'; write the rows as one list, such as pandas' to_json(orient='records') does",
        {"notes.json": '{"text": "a ripe apple", "kind": "fruit"}'},
        {"collect.source": "data/notes.json"},
    ),
    Bad(
        "JSON in too many brackets",
        "data/notes.json: not valid JSON (…)",
        {"notes.json": "[" * 100_000},
        {"collect.source": "data/notes.json"},
    ),
    Bad(
        "JSON line that is none",
        "data/notes.jsonl:2: not valid JSON (… at character 9)" + MEND,
        {"notes.jsonl": '{"text": "a ripe apple", "kind": "fruit"}\n{"text": a red car}\n'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "JSON line that is a list",
        "data/notes.jsonl:2: expected an object with columns, got list" + MEND,
        {"notes.jsonl": '{"text": "a ripe apple", "kind": "fruit"}\n["a red car", "vehicle"]\n'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "JSON line in too many brackets",
        "data/notes.jsonl:1: not valid JSON (…)" + MEND,
        {"notes.jsonl": "[" * 100_000},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "JSON number of too many digits",
        "data/notes.jsonl:1: not valid JSON (…)" + MEND,
        {"notes.jsonl": '{"text": ' + "7" * 5000 + ', "kind": "number"}'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "content that is neither text nor file",
        "data/notes.jsonl:1: the content is of type dict, expected a text or the bytes of a file" + MEND,
        {"notes.jsonl": '{"text": {"en": "a ripe apple"}, "kind": "fruit"}'},
        {"collect.source": "data/notes.jsonl"},
    ),
    Bad(
        "unsupported suffix",
        "data/notes.lst: its name does not end in a known format; "
        "use one of .csv, .tsv, .json, .jsonl, .parquet, .conll, a folder with one folder per class, or a .yaml "
        "descriptor",
        {"notes.lst": NOTES},
        {"collect.source": "data/notes.lst"},
    ),
    Bad(
        "missing source",
        "data/none.csv: cannot be read (No such file or directory)",
        params={"collect.source": "data/none.csv"},
    ),
    Bad(
        "missing table",
        "data/none.csv: not there; check collect.source, collect.splits and collect.table",
        params={"collect.source": "data", "collect.table": "none.csv"},
    ),
    Bad(
        "missing split",
        "data/test.csv: not there; check collect.source, collect.splits and collect.table",
        params={"collect.source": "data", "collect.splits": {"train": "notes.csv", "test": "test.csv"}},
    ),
    Bad(
        "split that leads out of the folder",
        "'../secret.csv' leads out of data; name a path inside it",
        {"../secret.csv": NOTES},
        {"collect.source": "data", "collect.splits": {"train": "notes.csv", "test": "../secret.csv"}},
    ),
    Bad(
        "table at an absolute path",
        "'/etc/passwd' leads out of data; name a path inside it",
        params={"collect.source": "data", "collect.table": "/etc/passwd"},
    ),
    Bad(
        "folder without folders of classes",
        "data/pictures: expected one folder per class, got files only; set collect.file_names to the parts of their "
        "names, such as 'apple.png', or move them into one folder per class",
        {"pictures/apple.png": png()},
        {"collect.source": "data/pictures"},
    ),
    Bad(
        "file that a row names is missing",
        "data/pictures, list.csv:2: data/pictures/files/car.png: not there" + MEND,
        {"pictures/list.csv": "picture,kind\napple,fruit\ncar,vehicle\n", "pictures/files/apple.png": png()},
        PICTURES,
    ),
    Bad(
        "file that a row names below another file",
        "data/pictures, list.csv:2: data/pictures/files/apple.png/car.png: not there" + MEND,
        {"pictures/list.csv": "picture,kind\napple,fruit\napple.png/car,vehicle\n", "pictures/files/apple.png": png()},
        PICTURES,
    ),
    Bad(
        "name of a file that no file can have",
        f"data/pictures, list.csv:2: data/pictures/files/{'a' * 300}.png: not there" + MEND,
        {"pictures/list.csv": f"picture,kind\napple,fruit\n{'a' * 300},vehicle\n", "pictures/files/apple.png": png()},
        PICTURES,
    ),
    Bad(
        "file that a row names leads out",
        "data/pictures, list.csv:1: 'files/../../secret.png' leads out of data/pictures; name a path inside it" + MEND,
        {
            "pictures/list.csv": "picture,kind\n../../secret,fruit\n",
            "pictures/files/apple.png": png(),
            "secret.png": png(),
        },
        PICTURES,
    ),
    Bad(
        "pattern of files that leads out",
        "data/pictures, list.csv:1: '../secret/apple.png' leads out of data/pictures; name a path inside it" + MEND,
        {"pictures/list.csv": "picture,kind\napple,fruit\n", "secret/apple.png": png()},
        {**PICTURES, "collect.files": "../secret/{}.png"},
    ),
    Bad(
        "file that a row names has no possible name",
        "data/pictures, list.jsonl:1: …" + MEND,
        {"pictures/list.jsonl": '{"picture": "app\\u0000le", "kind": "fruit"}\n', "pictures/files/apple.png": png()},
        {**PICTURES, "collect.table": "list.jsonl"},
    ),
    Bad(
        "descriptor of something unknown",
        "data/things.yaml: expected `builtin: digits` or `load_dataset:` with its arguments, got query",
        {"things.yaml": "query: SELECT * FROM things\n"},
        {"collect.source": "data/things.yaml"},
    ),
    Bad(
        "descriptor that runs foreign code",
        "data/things.yaml: trust_remote_code would run code of the data set on this machine; remove it",
        {"things.yaml": "load_dataset:\n  path: some/things\n  revision: 0123abc\n  trust_remote_code: true\n"},
        {"collect.source": "data/things.yaml"},
    ),
    Bad(
        "hub data set without a revision",
        "data/things.yaml: load_dataset: `revision` is missing; set it to a commit of 'some/things', so that the "
        "data cannot change",
        {"things.yaml": "load_dataset:\n  path: some/things\n"},
        {"collect.source": "data/things.yaml"},
    ),
    Bad(
        "split of a descriptor that has none",
        "data/digits.yaml: it has no split 'fold 1'; it has …",
        {"digits.yaml": "builtin: digits\n"},
        {"collect.source": "data/digits.yaml", "collect.splits": {"train": "fold 1"}},
    ),
]


@each(SOURCES)
def test_source(bad: Bad) -> None:
    for name, content in bad.files.items():
        put(name, content)
    set_params(bad.params)
    refuse(bad.stage, bad.message)
