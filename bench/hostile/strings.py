"""Hostile texts in all places where a source, the ledger or the params may have a text."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from bench.hostile.images import good_image
from bench.hostile.params import COLUMNS, NOTES
from bench.hostile.workplace import LEDGER, Hostile
from stages.sources.records import RowIds

STRINGS = {
    "a terminal code that colours": "\x1b[31mred",
    "a terminal code that names the window": "\x1b]0;title\x07name",
    "a terminal code of one byte": "red\x9b31m",
    "a backspace and a bell": "good\x08\x08bad\x07",
    "a NUL": "one\x00two",
    "a carriage return": "good\rbad",
    "a line break": "two\nlines",
    "a line separator of Unicode": "two\u2028lines\u0085more",
    "a mark that turns the writing around": "abc\u202edcba",
    "only invisible characters": "\u200b\u2060\ufeff\u00ad",
    "a script": "<script>alert(1)</script>",
    "a formula of a spreadsheet": "=cmd|' /C calc'!A0",
    "a template": "{{ 7 * 7 }} ${7*7} {label}",
    "a format code": "%s%n%(x)d {0.__class__}",
    "the separators of pairs and tokens": "one\x1etwo\x1fthree",
    "1,000 combining marks": "e" + "\u0301\u0323" * 500,
    "100,000 characters": "x" * 100_000,
    "100,000 characters without a space in 50 scripts": "".join(map(chr, range(0x100, 0x2000))) * 13,
    "a path that leads out": "../../outside/secret.csv",
    "a word that YAML and pandas read as nothing": "null",
    "a lone half of a surrogate pair": "one\ud800two",
    "a character that is none": "one\uffff\U0010fffftwo",
    "quotes, commas and backslashes": "\"a',`\\\t;|",
    "a family of emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 3,
}


def csv_of(*rows: tuple[str, ...]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    return file.getvalue()


def jsonl_of(*rows: Mapping[str, Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)  # ASCII: a lone surrogate is written as \ud800


GOOD = (("a ripe apple on the table", "fruit"), ("a red car on the road", "vehicle"))


def in_text(text: str) -> Hostile:
    return Hostile("", "", {"notes.csv": csv_of(("text", "kind"), *GOOD, (text, "fruit"))}, rows=3)


def in_label(text: str) -> Hostile:
    rows = [("text", "kind"), *GOOD, ("a ripe pear", text), ("an apple pie", text)]
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, rows=4, stages=("collect", "clean", "trace --row notes.csv:3"))


def in_json_label(text: str) -> Hostile:
    rows = [{"text": content, "kind": label} for content, label in (*GOOD, ("a ripe pear", text))]
    return Hostile("", "", {"notes.jsonl": jsonl_of(*rows)}, {"collect.source": "data/notes.jsonl"}, rows=3)


def in_json_key(text: str) -> Hostile:
    rows = [{"text": content, "kind": label, text: 1} for content, label in GOOD]
    changes = {"collect.source": "data/notes.json", "collect.columns.group": "sender"}
    return Hostile("", "", {"notes.json": json.dumps(rows)}, changes)


def in_group(text: str) -> Hostile:
    rows = [("text", "kind", "sender"), *((*row, text) for row in GOOD)]
    changes = {"collect.columns.group": "sender"}
    stages = ("collect", "clean", "trace --row notes.csv:1")
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, changes, rows=2, stages=stages)


def in_time(text: str) -> Hostile:
    rows = [("text", "kind", "day"), (*GOOD[0], "2024-01-31"), (*GOOD[1], text)]
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, {"collect.columns.time": "day"}, rows=2)


def in_split(text: str) -> Hostile:
    rows = [("text", "kind", "part"), (*GOOD[0], "train"), (*GOOD[1], text)]
    changes = {"collect.columns.split": "part", "collect.splits": {"train": "train", "test": "test"}}
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, changes, rows=2)


def in_header(text: str) -> Hostile:
    rows = [("text", text), *GOOD]  # the column `kind` is missing, so the message shows the header
    return Hostile("", "", {"notes.csv": csv_of(*rows)})


def in_column(text: str) -> Hostile:
    rows = [("text", text), *GOOD]
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, {"collect.columns.label": text})


def in_names(text: str) -> Hostile:
    rows = [("text", "kind"), *GOOD, ("a ripe pear", json.dumps(["fruit", text]))]
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, base="text_categories", rows=3)


def in_number(text: str) -> Hostile:
    rows = [("text", "kind"), ("a ripe apple", "1.5"), ("a red car", "2"), ("a ripe pear", text)]
    return Hostile("", "", {"notes.csv": csv_of(*rows)}, base="text_number", rows=3)


def in_tag(text: str) -> Hostile:
    lists = {"tokens": ["Ann", "sleeps"], "tags": ["B-person", "O"]}
    rows = [lists, {"tokens": ["Bob", "sleeps"], "tags": [f"B-{text}", "O"]}]
    return Hostile(
        "", "", {"notes.jsonl": jsonl_of(*rows)}, {"collect.source": "data/notes.jsonl"}, "text_tags", rows=2
    )


def in_token(text: str) -> Hostile:
    lists = {"tokens": ["Ann", "sleeps"], "tags": ["B-person", "O"]}
    rows = [lists, {"tokens": [text, "sleeps"], "tags": ["B-person", "O"]}]
    return Hostile(
        "", "", {"notes.jsonl": jsonl_of(*rows)}, {"collect.source": "data/notes.jsonl"}, "text_tags", rows=2
    )


def in_file_name(name: str) -> Hostile:
    files = {"things/a/1.png": good_image(1), f"things/b/{name}.png": good_image(2), "things/b/x.png": b"none"}
    return Hostile("", "", files, {}, "image_category", rows=3, stages=("collect", "clean", "trace --row 1.png:1"))


def in_bad_file_name(name: str) -> Hostile:
    files = {"things/a/1.png": good_image(1), f"things/b/{name}.txt": b"\xff\xfe\xfd"}
    return Hostile("", "", files, {}, "image_category", rows=2)


def in_class_folder(name: str) -> Hostile:
    files = {f"things/a/{number}.png": good_image(number) for number in range(2)}
    files |= {f"things/{name}/{number}.png": good_image(number + 2) for number in range(2)}
    return Hostile("", "", files, {}, "image_category", rows=4)


def in_named_file(text: str) -> Hostile:
    """In a cell that names a file."""
    rows = [("picture", "kind"), ("1.png", "fruit"), (text, "fruit")]
    changes = {
        "collect.source": "data/pictures",
        "collect.table": "list.csv",
        "collect.files": "files/{}",
        "collect.columns": COLUMNS | {"content": "picture"},
    }
    files = {"pictures/list.csv": csv_of(*rows), "pictures/files/1.png": good_image(1)}
    return Hostile("", "", files, changes, "image_category", rows=2)


def in_ledger_label(text: str) -> Hostile:
    files = {"notes.csv": NOTES, "ledger.csv": LEDGER + csv_of((ID, "relabel", text, "a note"))}
    return Hostile("", "", files, rows=2)


def in_ledger_note(text: str) -> Hostile:
    files = {"notes.csv": NOTES, "ledger.csv": LEDGER + csv_of((ID, "keep", "", text))}
    return Hostile("", "", files, rows=2)


def in_ledger_action(text: str) -> Hostile:
    files = {"notes.csv": NOTES, "ledger.csv": LEDGER + csv_of((ID, text, "", ""), (text, "keep", "", ""))}
    return Hostile("", "", files, rows=2)


def in_alias(text: str) -> Hostile:
    return Hostile("", "", {"notes.csv": NOTES}, {"clean.label.aliases": {"fruit": text, text: "car"}}, rows=2)


def in_missing(text: str) -> Hostile:
    changes = {"clean.missing": [text], "clean.text.boilerplate": [text]}
    return Hostile("", "", {"notes.csv": NOTES}, changes, rows=2)


def in_source_name(name: str) -> Hostile:
    bad = NOTES + "one cell\n"
    return Hostile("", "", {f"{name}.csv": bad}, {"collect.source": f"data/{name}.csv"}, rows=3)


def is_name(name: str) -> bool:
    """Whether a file may have this name."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return False
    return "/" not in name and "\0" not in name and len(encoded) < 250 and not name.startswith(".")


# The ids of the rows of NOTES, so that decisions of the ledger are about them.
ID, OTHER = (RowIds().next(text.encode(), label) for text, label in GOOD)
PLACES: dict[str, tuple[str, Callable[[str], Hostile]]] = {
    "a text": ("texts", in_text),
    "a label": ("labels", in_label),
    "a label in JSON Lines": ("labels", in_json_label),
    "a name in a list of labels": ("labels", in_names),
    "a number": ("labels", in_number),
    "a tag": ("labels", in_tag),
    "a token": ("texts", in_token),
    "a key in JSON": ("JSON", in_json_key),
    "a group": ("CSV", in_group),
    "a time": ("CSV", in_time),
    "a split": ("CSV", in_split),
    "a column that is not asked for": ("CSV", in_header),
    "the column of labels": ("CSV", in_column),
    "the name of a table": ("CSV", in_source_name),
    "the name of a file": ("folders", in_file_name),
    "the name of a file that is no picture": ("folders", in_bad_file_name),
    "the name of a class folder": ("folders", in_class_folder),
    "a cell that names a file": ("tables of files", in_named_file),
    "a label in the ledger": ("ledger", in_ledger_label),
    "a note in the ledger": ("ledger", in_ledger_note),
    "an action in the ledger": ("ledger", in_ledger_action),
    "an alias": ("params", in_alias),
    "a spelling of missing values": ("params", in_missing),
}
NAME_FILES = (in_source_name, in_file_name, in_bad_file_name, in_class_folder)
EACH = 3  # of the texts in a place; the next place has others


def inputs() -> Iterator[Hostile]:
    for first, (place, (group, make)) in enumerate(PLACES.items()):
        for kind in list(STRINGS)[first % EACH :: EACH]:
            text = STRINGS[kind]
            if make in NAME_FILES:
                text = text[:200]
                if not is_name(text):
                    continue
            yield replace(make(text), group=group, name=f"{place} with {kind}")
