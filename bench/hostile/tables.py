"""Hostile tables: CSV, TSV, JSON, JSON Lines, Parquet, CoNLL, the ledger and labels of many kinds."""

import io
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.hostile.params import CONLL, NOTES
from bench.hostile.strings import GOOD, ID, OTHER, csv_of, jsonl_of
from bench.hostile.workplace import LEDGER, Hostile

ROWS = NOTES.split("\n", 1)[1]
Case = tuple[Any, dict[str, Any], int | None, str]  # content, params, rows, known


def case(content: Any, rows: int | None = None, known: str = "", **params: Any) -> Case:
    return content, {f"collect.{key}": value for key, value in params.items()}, rows, known


def texts(
    count: int, label: Callable[[int], str] = lambda number: ["fruit", "vehicle"][number % 2]
) -> list[tuple[str, str]]:
    return [(f"a ripe apple number {number} on the table", label(number)) for number in range(count)]


def wide(columns: int, rows: int = 2) -> str:
    names = ["text", "kind", *(f"c{number}" for number in range(columns))]
    return csv_of(tuple(names), *((*row, *["1"] * columns) for row in GOOD[:rows]))


CSV: Mapping[str, Case] = {
    # the shape of the file
    "a CSV of no bytes": case(""),
    "a CSV of blank lines": case("\n\n \n\n"),
    "a CSV of a header alone": case("text,kind\n"),
    "a CSV of one line without an end": case("text,kind"),
    "a CSV of a byte order mark alone": case("\ufeff"),
    "a CSV of two byte order marks": case("\ufeff\ufeff" + NOTES, None),
    "a CSV in UTF-16 without a mark": case(NOTES.encode("utf-16-le")),
    "a CSV in UTF-16 with a mark": case(NOTES.encode("utf-16")),
    "a CSV in UTF-32": case(NOTES.encode("utf-32")),
    "a CSV in UTF-16 that is cut in a character": case(NOTES.encode("utf-16")[:-1], encoding="utf-16"),
    "a CSV of Latin letters that are not UTF-8": case("text,kind\ncafé,fruit\n".encode("latin-1")),
    "a CSV of two encodings": case(NOTES.encode() + "naïve,fruit\n".encode("cp1252"), None),
    "a CSV of Shift-JIS": case("text,kind\nリンゴ,fruit\n".encode("shift-jis")),
    "a CSV with overlong UTF-8": case(NOTES.encode() + b"\xc0\xaf\xe0\x80\xaf,fruit\n"),
    "a CSV of random bytes": case(random.Random(1).randbytes(20_000)),
    "a CSV of NUL bytes": case(bytes(5_000)),
    "a CSV that is a ZIP archive": case(b"PK\x03\x04" + bytes(500)),
    "a CSV that is a Parquet file": case(b"PAR1" + bytes(500) + b"PAR1"),
    "a CSV that is a page of the web": case("<!doctype html><html><body>Not found</body></html>"),
    "a CSV that is a pointer of Git LFS": case("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"),
    "a CSV that is an SQLite database": case(b"SQLite format 3\0" + bytes(500)),
    "a CSV with the line ends of old Macs": case(NOTES.replace("\n", "\r"), 2, "votingworks/arlo#883"),
    "a CSV with three kinds of line ends": case("text,kind\r\na ripe apple,fruit\ra red car,vehicle\n"),
    "a CSV with line ends of Unicode": case(NOTES.replace("\n", "\u2028", 2)),
    "a CSV with form feeds and vertical tabs": case(NOTES + "a pear\x0b\x0c,fruit\n", 3),
    "a CSV with Ctrl-Z at its end": case(NOTES + "\x1a", None),
    # columns
    "a CSV header of 20,000 columns": case(wide(20_000), 2),
    "a CSV header of 20,000 columns that are all called x": case(csv_of(("text", "kind", *["x"] * 20_000)) + ROWS),
    "a CSV row of 100,000 cells": case(NOTES + "," * 100_000 + "\n", 3),
    "a CSV of 200 rows that all have other numbers of cells": case(
        NOTES + "".join("," * (number % 50 + 2) + "\n" for number in range(200)), 202
    ),
    "a CSV whose header has the column of texts twice": case("text,kind,text\na,b,c\n"),
    "a CSV whose header has names that differ in case": case("text,kind,TEXT,Kind\na,b,c,d\n", 1),
    "a CSV whose header has blank names": case("text,kind,,\na ripe apple,fruit,,\n", 1),
    "a CSV whose header has names with blanks around": case(" text , kind \na ripe apple,fruit\n", 1),
    "a CSV whose header names are numbers": case("0,1\na ripe apple,fruit\n"),
    "a CSV without a header": case(ROWS),
    "a CSV without a header that is said to have none": case(
        ROWS, 2, header=False, columns={"content": "0", "label": "1", "group": None, "time": None, "split": None}
    ),
    "a CSV column that is the word null": case("null,kind\na ripe apple,fruit\n", **{"columns.content": "null"}),
    "a CSV with an index column of pandas": case(",text,kind\n0,a ripe apple,fruit\n1,a red car,vehicle\n", 2),
    "a CSV header of one cell of 1 MB": case("x" * 2**20 + ",text,kind\n,a ripe apple,fruit\n"),
    "a CSV with 200 words in one header cell": case('"' + " ".join(["text"] * 200) + '",kind\na,b\n'),
    # quotation marks
    "a CSV with a quotation mark that is never closed": case(NOTES + '"an open text,fruit\n' + ROWS * 50),
    "a CSV with a quotation mark in the middle of a cell": case(NOTES + 'an 11" plate,fruit\n', 3),
    "a CSV with text after a closed quotation mark": case(NOTES + '"an" apple,fruit\n'),
    "a CSV with 10,000 quotation marks in a row": case(NOTES + '"' * 10_000 + ",fruit\n"),
    "a CSV with 5,000 rows that open a quotation mark": case("text,kind\n" + 'a ",fruit\n' * 5_000, 5_000),
    "a CSV with 2,000 rows that start with a quotation mark": case("text,kind\n" + '"a,fruit\n' * 2_000),
    "a CSV with a cell over 20,000 lines": case(NOTES + '"' + "a line\n" * 20_000 + '",fruit\n'),
    "a CSV with a cell of 20,000 lines that look like rows": case(
        NOTES + '"' + "a pear,fruit\n" * 20_000 + '",fruit\n'
    ),
    "a CSV of spaces before quotation marks": case('text, kind\n   "a, pear",   "fruit"\n' * 1, 1),
    "a CSV with 3,000 rows of spaces before open quotation marks": case("text,kind\n" + ' "a pear, fruit\n' * 3_000),
    "a CSV with curly quotation marks": case("text,kind\n“a, pear”,fruit\n"),
    "a CSV with escaped quotation marks": case('text,kind\n"a \\"ripe\\" apple",fruit\n', escape="\\"),
    "a CSV with an escape at its end": case(NOTES + '"an apple\\', None, escape="\\"),
    "a CSV with 100,000 escapes": case(NOTES + '"' + "\\" * 100_000 + '",fruit\n', escape="\\"),
    "a CSV that says its delimiter is a tab": case("sep=\t\ntext\tkind\na ripe apple\tfruit\n", 1),
    "a CSV that says its delimiter is a quotation mark": case('sep="\n' + NOTES),
    "a CSV that says its delimiter is a letter": case("sep=e\n" + NOTES),
    "a CSV with semicolons": case(NOTES.replace(",", ";")),
    "a CSV with all delimiters": case("text,kind;a\tb|c\na ripe apple,fruit;a\tb|c\n"),
    "a TSV with commas": case(NOTES, source="data/notes.tsv"),
    "a TSV with tabs in its texts": case("text\tkind\na ripe\tapple\tfruit\n", 1, source="data/notes.tsv"),
    # sizes
    "a CSV with a cell of 5 MB": case(NOTES + "x" * 5 * 2**20 + ",fruit\n", 3),
    "a CSV with a line of 5 MB of commas": case(NOTES + "," * 5 * 2**20 + "\n", 3),
    "a CSV of 20,000 rows that are equal": case("text,kind\n" + "a ripe apple,fruit\n" * 20_000, 20_000),
    "a CSV of 20,000 rows that are empty": case("text,kind\n" + ",\n" * 20_000, 20_000),
    "a CSV of 300,000 blank lines": case("text,kind\n" + "\n" * 300_000 + ROWS, 2),
    # labels
    "labels and texts exchanged": case(csv_of(("kind", "text"), *texts(500)), 500),
    "labels that are long texts, 300 of them": case(
        csv_of(("text", "kind"), *texts(300, lambda number: f"a long text about the number {number}. " * 100)), 300
    ),
    "20,000 different ids as labels": case(
        csv_of(("text", "kind"), *texts(20_000, lambda number: f"{number:020x}")), 20_000
    ),
    "5,000 labels that are one letter apart": case(
        csv_of(("text", "kind"), *texts(5_000, lambda number: "a" * (number % 70) + "b" + "a" * (number // 70))), 5_000
    ),
    "3,000 labels of 200 characters that are one letter apart": case(
        csv_of(("text", "kind"), *texts(3_000, lambda number: "a" * 100 + f"{number:05d}" + "a" * 95)), 3_000
    ),
    "labels that differ in case and blanks only": case(
        csv_of(
            ("text", "kind"),
            *texts(6, lambda number: ["Fruit", "fruit", "FRUIT ", " fruit", "fru it", "fruit."][number]),
        ),
        6,
    ),
    "labels of look-alike letters": case(
        csv_of(("text", "kind"), *texts(4, lambda number: ["fruit", "fruіt", "frцit", "frսit"][number])), 4
    ),
    "labels that are all empty": case(csv_of(("text", "kind"), *texts(10, lambda number: "")), 10),
    "labels of all Unicode spaces": case(
        csv_of(("text", "kind"), *texts(4, lambda number: "\u00a0\u2003\u3000"[:number])), 4
    ),
    "labels that are numbers, texts and dates": case(
        csv_of(("text", "kind"), *texts(5, lambda number: ["1", "1.0", "one", "2024-01-31", "1e0"][number])), 5
    ),
    "labels that are lists of Python": case(csv_of(("text", "kind"), *texts(4, lambda number: "['fruit', 'red']")), 4),
    "labels that are code": case(
        csv_of(("text", "kind"), *texts(4, lambda number: "__import__('os').system('touch x')")), 4
    ),
    "a label of 10,000 brackets": case(csv_of(("text", "kind"), *GOOD, ("a pear", "[" * 10_000)), 3),
    "a label of 10,000 closed brackets": case(
        csv_of(("text", "kind"), *GOOD, ("a pear", "[" * 10_000 + "]" * 10_000)), 3
    ),
    "a label of 5,000 minus signs in brackets": case(
        csv_of(("text", "kind"), *GOOD, ("a pear", f"({'-' * 5_000}1,)")), 3
    ),
    "a label that would be a list of a billion": case(csv_of(("text", "kind"), *GOOD, ("a pear", "['a'] * 10**9")), 3),
    "a label of a number of 10,000 digits": case(csv_of(("text", "kind"), *GOOD, ("a pear", "9" * 10_000)), 3),
    # groups and times
    "20,000 groups": case(
        csv_of(("text", "kind", "sender"), *((*row, f"sender {number}") for number, row in enumerate(texts(20_000)))),
        20_000,
        **{"columns.group": "sender"},
    ),
    "a group of 1 MB": case(
        csv_of(("text", "kind", "sender"), (*GOOD[0], "x" * 2**20), (*GOOD[1], "y")), 2, **{"columns.group": "sender"}
    ),
    "a group of a number of 5,000 digits": case(
        csv_of(("text", "kind", "sender"), (*GOOD[0], "9" * 5_000 + ".0"), (*GOOD[1], "y")),
        2,
        **{"columns.group": "sender"},
    ),
}
BOUGHT = "text,kind\n4e492493924924,fruit\n2e06918610327a,fruit\na ripe apple,fruit\n"
REPORTED_CSV: Mapping[str, Case] = {
    "a CSV with one row too wide and blank lines after it": case(
        "text,kind\n1,1\n1,1,1,1,0\n1,1,1,1,0\n\n\n", 3, "pandas-dev/pandas#5664"
    ),
    "a CSV of a text that looks like an endless number": case(BOUGHT, 3, "pandas-dev/pandas#63089"),
    "a CSV of an id that looks like a number": case(
        "text,kind\n2e06918610327a,2e06918610327a\n", 1, "pandas-dev/pandas#62881"
    ),
    "a CSV of a whole number of 29 digits": case(
        "text,kind\n13324234234324234322332432432,13324234234324234322332432432\n", 1, "pandas-dev/pandas#11532"
    ),
    "a CSV with a NUL in a cell": case(NOTES + "a\0pear,fru\0it\n", 3, "pandas-dev/pandas#13859"),
    "a CSV with a byte order mark and quoted names": case(
        '\ufeff"text","kind"\na ripe apple,fruit\n', 1, "pandas-dev/pandas#4793"
    ),
    "a CSV with a byte order mark in front of its first text": case(
        "text,kind\n\ufeffa ripe apple,fruit\n", 1, "pandas-dev/pandas#10793"
    ),
    "a CSV with carriage returns in texts that are not quoted": case(
        "text,kind\ntwo\rowt,fruit\nthree,vehicle\n", None, "pandas-dev/pandas#10018"
    ),
    "a CSV with many carriage returns in a text": case(
        'text,kind\n"a\r\rripe\r\r\rapple",fruit\n' + ROWS, 3, "huggingface/datasets#713"
    ),
    "a CSV delimiter that is a carriage return": case(
        "text\rkind\ra\rb\r", None, "pandas-dev/pandas#66896", delimiter="\r"
    ),
    "a CSV with a label that is larger than 64 bits": case(
        csv_of(("text", "kind"), *texts(4, lambda number: str(2**64 + number))), 4, "pandas-dev/pandas#62582"
    ),
    "a CSV of a label of 19 digits beside a gap": case(
        "text,kind\na ripe apple,1234567890123456789\na pear,\n", 2, "pandas-dev/pandas#48170"
    ),
    "a CSV of labels that differ in their 18th digit": case(
        csv_of(("text", "kind"), *texts(4, lambda number: f"202355258571788{8193 + number}")),
        4,
        "pandas-dev/pandas#52505",
    ),
    "a CSV of labels between 2**63 and 2**64": case(
        csv_of(("text", "kind"), *texts(4, lambda number: str(2**63 + number))), 4, "pandas-dev/pandas#14983"
    ),
    "a CSV of a label of 1111111111111111111": case(
        "text,kind\na ripe apple,1111111111111111111\na pear,2\n", 2, "pandas-dev/pandas#5697"
    ),
    "a CSV with NA as the name of a class": case(
        csv_of(("text", "kind"), *texts(6, lambda number: ["NA", "#NA"][number % 2])), 6, "qcri/uclchem#166"
    ),
    "a CSV of dates before the first year of pandas": case(
        "text,kind,day\na ripe apple,fruit,0001-01-01\na red car,vehicle,9999-12-31\n",
        2,
        "apache/arrow#44420",
        **{"columns.time": "day"},
    ),
    "a CSV of labels of one class": case(
        csv_of(("text", "kind"), *texts(10, lambda number: "fruit")), 10, "cleanlab/cleanlab#288"
    ),
    "a CSV of labels that are nan": case(
        csv_of(("text", "kind"), *texts(10, lambda number: ["0", "nan", "1", "0.0"][number % 4])),
        10,
        "cleanlab/cleanlab#987",
    ),
    "a CSV of 9,140 classes with two rows each": case(
        csv_of(("text", "kind"), *texts(18_280, lambda number: f"class {number % 9_140}")),
        18_280,
        "cleanlab/cleanlab#41",
    ),
}


def json_of(rows: Any) -> str:
    return json.dumps(rows)


RECORDS = [{"text": content, "kind": label} for content, label in GOOD]
OBJECT = '{"text": "a ripe apple", "kind": "fruit"}'


def nested(depth: int, opened: str = "[", closed: str = "]") -> str:
    return opened * depth + closed * depth


JSON: Mapping[str, Case] = {
    "a JSON of no bytes": case(""),
    "a JSON of one number": case("1"),
    "a JSON of null": case("null"),
    "a JSON of an empty list": case("[]"),
    "a JSON of an empty object": case("{}"),
    "a JSON of a list of numbers": case("[1, 2, 3]"),
    "a JSON of 100,000 brackets": case(nested(100_000)),
    "a JSON of 100,000 open brackets": case("[" * 100_000),
    "a JSON of 100,000 open objects": case('{"a":' * 100_000),
    "a JSON with a text of 900 brackets inside": case(
        json_of([*RECORDS]).replace("]", ', {"text": ' + nested(900) + ', "kind": "fruit"}]'), 3
    ),
    "a JSON with a comma too many": case(json_of(RECORDS)[:-1] + ",]"),
    "a JSON with comments": case("/* rows */ " + json_of(RECORDS)),
    "a JSON with single quotation marks": case(str(RECORDS)),
    "a JSON that is cut": case(json_of(RECORDS)[:-20]),
    "a JSON with more after its end": case(json_of(RECORDS) + json_of(RECORDS)),
    "a JSON of 20,000 objects one after the other": case(OBJECT * 20_000),
    "a JSON of 20,000 objects with commas and no brackets": case(",\n".join([OBJECT] * 20_000)),
    "a JSON with a byte order mark": case("\ufeff" + json_of(RECORDS), 2),
    "a JSON in UTF-16": case(json_of(RECORDS).encode("utf-16")),
    "a JSON of NUL bytes": case(bytes(1_000)),
    "a JSON object of 60,000 keys": case(
        json_of([{**RECORDS[0], **{f"key {number}": 1 for number in range(60_000)}}]), 1
    ),
    "a JSON object of 60,000 columns": case(json_of({f"key {number}": [1, 2] for number in range(60_000)})),
    "a JSON object of 60,000 lists of objects": case(json_of({f"key {number}": RECORDS for number in range(20_000)})),
    "a JSON with the key of texts twice": case('[{"text": "one", "text": "two", "kind": "fruit"}]'),
    "a JSON with an empty key": case(json_of([{**RECORDS[0], "": 1}]), 1),
    "a JSON whose rows have other keys": case(json_of([*RECORDS, {"content": "a pear", "label": "fruit"}]), 3),
    "a JSON whose rows are lists": case(json_of([["text", "kind"], *GOOD])),
    "a JSON whose rows are null": case(json_of([*RECORDS, None, None]), 4),
    "a JSON of two lists of rows": case(json_of({"train": RECORDS, "test": RECORDS})),
    "a JSON by columns of other lengths": case(json_of({"text": ["a", "b"], "kind": ["fruit"]})),
    "a JSON with a text that is a number": case(json_of([*RECORDS, {"text": 12, "kind": "fruit"}]), 3),
    "a JSON with a text that is an object": case(json_of([*RECORDS, {"text": {"a": 1}, "kind": "fruit"}]), 3),
    "a JSON with a text that is a list of lists": case(json_of([*RECORDS, {"text": [[["a"]]], "kind": "fruit"}]), 3),
    "a JSON with a text that is false": case(json_of([*RECORDS, {"text": False, "kind": "fruit"}]), 3),
    "a JSON with a label that is an object": case(json_of([*RECORDS, {"text": "a pear", "kind": {"a": 1}}]), 3),
    "a JSON with a label that is null": case(json_of([*RECORDS, {"text": "a pear", "kind": None}]), 3),
    "a JSON with a label that is 1e999": case(json_of(RECORDS)[:-1] + ', {"text": "a pear", "kind": 1e999}]', 3),
    "a JSON with a label that is 1e308": case(json_of([*RECORDS, {"text": "a pear", "kind": 1e308}]), 3),
    "a JSON with a label of true and 1 and 1.0": case(
        json_of(
            [{"text": f"a pear {number}", "kind": kind} for number, kind in enumerate((True, 1, 1.0, "1", "True"))]
        ),
        5,
    ),
    "a JSON with an escape that is none": case('[{"text": "a \\x pear", "kind": "fruit"}]'),
    "a JSON with half an escape": case('[{"text": "a \\ud8", "kind": "fruit"}]'),
    "a JSON with control characters in a text": case('[{"text": "a\x01\x02 pear\n", "kind": "fruit"}]'),
    "a JSON with 1 MB of spaces": case(" " * 2**20 + json_of(RECORDS), 2),
    "a JSON with a number of 1 MB": case(json_of(RECORDS)[:-1] + ', {"text": ' + "9" * 2**20 + ', "kind": "fruit"}]'),
    "a JSON with a number of 5,000 digits": case(
        json_of(RECORDS)[:-1] + ', {"text": ' + "9" * 5_000 + ', "kind": "fruit"}]'
    ),
    "a JSON with a fraction of 1 MB": case(
        json_of(RECORDS)[:-1] + ', {"text": 0.' + "9" * 2**20 + ', "kind": "fruit"}]', 3
    ),
}
LINES: Mapping[str, Case] = {
    "JSON Lines of no bytes": case(""),
    "JSON Lines of blank lines": case("\n \n\t\n"),
    "JSON Lines of lists": case("[1]\n[2]\n"),
    "JSON Lines of numbers": case("1\n2\n"),
    "JSON Lines that are one JSON list": case(json_of(RECORDS)),
    "JSON Lines that are one object over many lines": case(json.dumps({"rows": RECORDS}, indent=2)),
    "JSON Lines with a line that is cut": case(jsonl_of(*RECORDS) + OBJECT[:-5] + "\n", 3),
    "JSON Lines with two objects in a line": case(jsonl_of(*RECORDS) + OBJECT + OBJECT + "\n", 3),
    "JSON Lines with a line of 100,000 brackets": case(jsonl_of(*RECORDS) + nested(100_000) + "\n", 3),
    "JSON Lines with a line of 100,000 open objects": case(jsonl_of(*RECORDS) + '{"a":' * 100_000 + "\n", 3),
    "JSON Lines with a line of 5 MB": case(jsonl_of(*RECORDS, {"text": "x" * 5 * 2**20, "kind": "fruit"}), 3),
    "JSON Lines with a line of 60,000 keys": case(jsonl_of({**RECORDS[0], **{f"k{n}": 1 for n in range(60_000)}}), 1),
    "JSON Lines with a line of 60,000 equal keys": case(
        '{"text": "a", "kind": "b", ' + ", ".join(['"x": 1'] * 60_000) + "}\n", 1
    ),
    "JSON Lines with line separators in a text": case(
        jsonl_of(*RECORDS) + '{"text": "a\u2028b\u0085c", "kind": "fruit"}\n', 3
    ),
    "JSON Lines with carriage returns": case(jsonl_of(*RECORDS).replace("\n", "\r"), 2),
    "JSON Lines with a byte order mark on each line": case(
        "".join("\ufeff" + line + "\n" for line in jsonl_of(*RECORDS).splitlines()), 2
    ),
    "JSON Lines with a wrong byte": case(jsonl_of(*RECORDS).encode() + b'{"text": "a\xff", "kind": "fruit"}\n', 3),
    "JSON Lines of 20,000 wrong lines": case(jsonl_of(*RECORDS) + "{wrong}\n" * 20_000, 20_002),
}
REPORTED_JSON: Mapping[str, Case] = {
    "JSON Lines that are indented": case(
        "\n".join(json.dumps(row, indent=4) for row in RECORDS), None, "huggingface/datasets#6460"
    ),
    "JSON rows of which two have other keys": case(
        json_of([*RECORDS, {**RECORDS[0], "split": 1}, {**RECORDS[1], "index": 2}]), 4, "YichenZW/Coh-MGT-Detection#4"
    ),
    "JSON whose first value is a list and its second an object": case(
        json_of([[RECORDS[0]], RECORDS[1]]), None, "xiaoachen98/Open-LLaVA-NeXT#31"
    ),
    "JSON with ids that are numbers and texts": case(
        json_of([{**RECORDS[0], "id": 1}, {**RECORDS[1], "id": "b"}]), 2, "RUC-NLPIR/FlashRAG#132"
    ),
    "JSON with labels that are numbers and texts": case(
        json_of([{"text": f"a pear {n}", "kind": kind} for n, kind in enumerate((1, "1", 2.5, "b", None))]),
        5,
        "huggingface/datasets#8027",
    ),
    "JSON with results that are numbers and texts in lists": case(
        json_of([{**RECORDS[0], "r": [1]}, {**RECORDS[1], "r": ["b", {"c": None}]}]), 2, "ShishirPatil/gorilla#371"
    ),
    "JSON with NaN as a label": case(
        '[{"text": "a pear", "kind": NaN}, {"text": "a red car", "kind": "vehicle"}]', 2, "gildas-lormeau/JSONVue#4"
    ),
    "JSON with -Infinity as a label": case(
        '[{"text": "a pear", "kind": -Infinity}, {"text": "a red car", "kind": "vehicle"}]', 2, "ultrajson/ultrajson#80"
    ),
    "JSON with +Infinity as a value": case('[{"text": "a pear", "kind": +Infinity}]', None, "jeroen/jsonlite#281"),
    "JSON with malformed UTF-8": case(b'[{"text": "\xc3\x28", "kind": "fruit"}]', None, "ultrajson/ultrajson#691"),
    "JSON of dates in some rows": case(
        json_of([{**RECORDS[0], "day": None}, {**RECORDS[1], "day": "2024-01-31T00:00:00Z"}]),
        2,
        "huggingface/course#692",
        **{"columns.time": "day"},
    ),
}


def parquet(columns: Mapping[str, Any], **options: Any) -> Callable[[Any], bytes]:
    """A function that makes a Parquet file, when the input is tried."""

    def made(_: Any) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        file = io.BytesIO()
        table = pa.table({name: value() if callable(value) else value for name, value in columns.items()})
        pq.write_table(table, file, **options)
        return file.getvalue()

    return made


def broken(change: Callable[[bytes], bytes], **columns: Any) -> Callable[[Any], bytes]:
    good = parquet(columns or {"text": [row[0] for row in GOOD] * 50, "kind": [row[1] for row in GOOD] * 50})
    return lambda path: change(good(path))


def pa_array(values: Sequence[Any], kind: str, *arguments: Any) -> Callable[[], Any]:
    def made() -> Any:
        import pyarrow as pa

        return pa.array(values, getattr(pa, kind)(*arguments))

    return made


def list_array(values: Sequence[Any], depth: int) -> Callable[[], Any]:
    def made() -> Any:
        import pyarrow as pa

        kind = pa.string()
        nested_values = list(values)
        for _ in range(depth):
            kind = pa.list_(kind)
            nested_values = [[value] for value in nested_values]
        return pa.array(nested_values, kind)

    return made


def coded_labels() -> Any:
    import pyarrow as pa

    return pa.array(["fruit", None]).dictionary_encode()


def twins(path: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    table = pa.Table.from_arrays(
        [pa.array(["one"]), pa.array(["two"]), pa.array(["fruit"])], names=["text", "text", "kind"]
    )
    pq.write_table(table, file)
    return file.getvalue()


def footer(change: Callable[[int], int]) -> Callable[[bytes], bytes]:
    """A change of the length of the metadata at the end of the file."""

    def changed(content: bytes) -> bytes:
        length = int.from_bytes(content[-8:-4], "little")
        return content[:-8] + (change(length) & 0xFFFFFFFF).to_bytes(4, "little") + content[-4:]

    return changed


def flipped(seed: int, where: float) -> Callable[[bytes], bytes]:
    """Ten bytes are changed, at a share of the file."""

    def changed(content: bytes) -> bytes:
        rng, mutable = random.Random(seed), bytearray(content)
        start = int(len(content) * where)
        for _ in range(10):
            mutable[min(len(mutable) - 1, start + rng.randrange(60))] = rng.randrange(256)
        return bytes(mutable)

    return changed


TWO = {"text": [row[0] for row in GOOD], "kind": [row[1] for row in GOOD]}
PARQUET: Mapping[str, Case] = {
    "a Parquet file of no bytes": case(b""),
    "a Parquet file of its mark alone": case(b"PAR1"),
    "a Parquet file of two marks": case(b"PAR1PAR1"),
    "a Parquet file that is encrypted": case(b"PARE" + bytes(100) + b"PARE"),
    "a Parquet file that is a CSV": case(NOTES),
    "a Parquet file that is an Arrow file": case(b"ARROW1\0\0" + bytes(200) + b"ARROW1"),
    "a Parquet file that is cut in the middle": case(broken(lambda content: content[: len(content) // 2])),
    "a Parquet file whose first half is missing": case(broken(lambda content: content[len(content) // 2 :])),
    "a Parquet file that is twice in one file": case(broken(lambda content: content + content), None),
    "a Parquet file whose metadata are said to be 4 GB": case(broken(footer(lambda length: -1))),
    "a Parquet file whose metadata are said to be nothing": case(broken(footer(lambda length: 0))),
    "a Parquet file whose metadata are one byte too long": case(broken(footer(lambda length: length + 1))),
    "a Parquet file whose metadata are 100 bytes too short": case(broken(footer(lambda length: length - 100))),
    "a Parquet file of zeros between its marks": case(
        b"PAR1" + bytes(10_000) + (9_000).to_bytes(4, "little") + b"PAR1"
    ),
    "a Parquet file of random metadata": case(
        b"PAR1" + random.Random(2).randbytes(9_000) + (9_000).to_bytes(4, "little") + b"PAR1"
    ),
    "a Parquet file without rows": case(parquet({"text": pa_array([], "string"), "kind": pa_array([], "string")})),
    "a Parquet file without columns": case(parquet({})),
    "a Parquet file of 5,000 columns": case(parquet({**TWO, **{f"c{n}": [1, 2] for n in range(5_000)}}), 2),
    "a Parquet file of one row that unpacks to 200 MB": case(
        parquet({"text": ["x" * 200_000_000], "kind": ["fruit"]}, compression="zstd")
    ),
    "a Parquet file of 50 texts of 4 MB each": case(
        parquet({"text": ["x" * 4_000_000] * 50, "kind": ["fruit"] * 50}, compression="zstd"), 50
    ),
    "a Parquet file of 200,000 rows that are null": case(
        parquet({"text": [None] * 200_000, "kind": ["fruit"] * 200_000}), 200_000
    ),
    "a Parquet file of 100,000 equal rows": case(
        parquet({"text": ["a"] * 100_000, "kind": ["fruit"] * 100_000}), 100_000
    ),
    "a Parquet file of texts that are numbers": case(parquet({**TWO, "text": [1, 2]}), 2),
    "a Parquet file of texts that are lists": case(parquet({**TWO, "text": [["a", "b"], None]}), 2),
    "a Parquet file of texts in 100 lists": case(parquet({**TWO, "text": list_array(["a", "b"], 100)}), 2),
    "a Parquet file of texts that are records": case(parquet({**TWO, "text": [{"a": 1}, {"b": [2]}]}), 2),
    "a Parquet file of texts that are bytes": case(parquet({**TWO, "text": [b"a ripe \xff\xfe apple", b""]}), 2),
    "a Parquet file of texts that are not UTF-8": case(
        broken(lambda content: content.replace(b"a ripe apple", b"\xff\xfe\xfd\xfc apple"), **TWO), None
    ),
    "a Parquet file of labels that are bytes": case(parquet({**TWO, "kind": [b"fruit", b"\xff\x1b[31m"]}), 2),
    "a Parquet file of labels that are booleans": case(parquet({**TWO, "kind": [True, None]}), 2),
    "a Parquet file of labels that are records": case(parquet({**TWO, "kind": [{"a": 1}, None]}), 2),
    "a Parquet file of labels that are lists of lists": case(parquet({**TWO, "kind": [[["a", "1"]], []]}), 2),
    "a Parquet file of labels that are floats without numbers": case(
        parquet({**TWO, "kind": [float("nan"), float("inf")]}), 2
    ),
    "a Parquet file of labels of 38 digits": case(
        parquet({**TWO, "kind": pa_array([10**37, None], "decimal128", 38)}), 2
    ),
    "a Parquet file of labels of half precision": case(
        parquet({**TWO, "kind": pa_array([1.5, 65504.0], "float16")}), 2
    ),
    "a Parquet file of labels that are durations": case(
        parquet({**TWO, "kind": pa_array([2**62, None], "duration", "s")}), 2
    ),
    "a Parquet file of labels in a dictionary with gaps": case(parquet({**TWO, "kind": coded_labels}), 2),
    "a Parquet file of times far after the last year": case(
        parquet({**TWO, "day": pa_array([2**50, -(2**50)], "timestamp", "s")}), None, **{"columns.time": "day"}
    ),
    "a Parquet file of times in nanoseconds": case(
        parquet({**TWO, "day": pa_array([1, 2**62], "timestamp", "ns")}), 2, **{"columns.time": "day"}
    ),
    "a Parquet file of times in a zone that does not exist": case(
        parquet({**TWO, "day": pa_array([1, 2], "timestamp", "us", "Mars/Olympus")}), None, **{"columns.time": "day"}
    ),
    "a Parquet file of times of the day": case(
        parquet({**TWO, "day": pa_array([1, 2], "time64", "us")}), 2, **{"columns.time": "day"}
    ),
    **{
        f"a Parquet file with ten wrong bytes at {place}": case(broken(flipped(seed, where)))
        for seed, (place, where) in enumerate(
            {
                "its start": 0.0,
                "a fifth": 0.2,
                "two fifths": 0.4,
                "three fifths": 0.6,
                "four fifths": 0.8,
                "nine tenths": 0.9,
                "its end": 0.97,
            }.items()
        )
    },
}
REPORTED_PARQUET: Mapping[str, Case] = {
    "a Parquet file whose first page is damaged": case(broken(flipped(11, 0.02)), None, "apache/parquet-java#2266"),
    "a Parquet file of metadata without rows": case(
        parquet({"text": pa_array([], "string"), "kind": pa_array([], "string")}), None, "apache/arrow#42619"
    ),
    "a Parquet file whose schema is damaged": case(broken(flipped(12, 0.85)), None, "apache/arrow#42882"),
    "a Parquet file whose nulls are damaged": case(
        broken(flipped(13, 0.1), text=["a", None] * 500, kind=["fruit", None] * 500), None, "apache/arrow#41321"
    ),
    "a Parquet file whose columns have other lengths": case(
        broken(flipped(14, 0.5), text=["a"] * 500, kind=["fruit"] * 500), None, "apache/arrow#41317"
    ),
    "a Parquet file of nested columns with nulls": case(
        parquet({**TWO, "more": [[{"a": None}], None]}), 2, "apache/arrow#3081"
    ),
    "a Parquet file of times of the year 8900 in nanoseconds": case(
        parquet({**TWO, "day": pa_array(["8900-12-31", "0001-01-01"], "string")}),
        2,
        "pacman82/arrow-odbc-py#47",
        **{"columns.time": "day"},
    ),
    "a Parquet file of dates in the year 0": case(
        parquet({**TWO, "day": pa_array([-719_529, 2**31 - 1], "date32")}),
        None,
        "apache/arrow#28964",
        **{"columns.time": "day"},
    ),
    "a Parquet file with two columns of one name": case(twins, None, "dask/fastparquet#118"),
    "a Parquet file of times with the name of the zone": case(
        parquet({**TWO, "day": pa_array([1, 2], "timestamp", "ms", "UTC")}),
        2,
        "dask/fastparquet#778",
        **{"columns.time": "day"},
    ),
    "a Parquet file of lists of records": case(
        parquet({**TWO, "payload": [{"data": {"id": None}}, {"data": {"id": 1}}]}), 2, "apache/arrow#2219"
    ),
    "a Parquet file of times in 64 bits": case(
        parquet({**TWO, "clock": pa_array([1, 2], "time64", "us")}), 2, "duckdb/duckdb#9443"
    ),
}
CONLL_FILES: Mapping[str, Case] = {
    "a CoNLL file of no bytes": case(""),
    "a CoNLL file of blank lines": case("\n\n\n"),
    "a CoNLL file of one word": case("Ann\n"),
    "a CoNLL file of words without tags": case("Ann\nlives\n\nBob\n"),
    "a CoNLL file of one text of 100,000 lines": case("Ann\tB-person\n" * 100_000, 1),
    "a CoNLL file of 50,000 texts of one word": case("Ann\tB-person\n\n" * 50_000, 50_000),
    "a CoNLL file with a word of 5 MB": case(CONLL + "\n" + "x" * 5 * 2**20 + "\tO\n", 3),
    "a CoNLL file with a tag of 1 MB": case(CONLL + "\nAnn\tB-" + "x" * 2**20 + "\n", 3),
    "a CoNLL file with a line of 200,000 cells": case(CONLL + "\n" + "\t".join(["x"] * 200_000) + "\tO\n", 3),
    "a CoNLL file of 20,000 kinds of entities": case("".join(f"Ann\tB-kind{n}\n\n" for n in range(20_000)), 20_000),
    "a CoNLL file of unknown prefixes": case("Ann\tX-person\n\nBob\tB-person\n", 2),
    "a CoNLL file of tags without a kind": case("Ann\tB-\n\nBob\tB-person\n", 2),
    "a CoNLL file of tags in brackets": case("Ann\t(person*)\n\nBob\t*\n", 2),
    "a CoNLL file of the tags of two annotators": case("Ann\tB-person\tB-place\n\nBob\tB-place\tB-person\n", None),
    "a CoNLL file with spaces and tabs": case("Ann B-person\nlives\tO\nin  O\n\nBob\t\tB-person\n", 2),
    "a CoNLL file with words that are empty": case("\tB-person\n\nBob\tB-person\n", 2),
    "a CoNLL file with words that are invisible": case("\u200b\tB-person\nsleeps\tO\n\nBob\tB-person\n", 2),
    "a CoNLL file with words of spaces of Unicode": case("a\u00a0b\u3000c\tB-person\n\nBob\tB-person\n", 2),
    "a CoNLL file with a NUL": case("A\0nn\tB-per\0son\n\nBob\tB-person\n", 2),
    "a CoNLL file of comments alone": case("# one\n# two\n\n# three\n"),
    "a CoNLL file of document starts alone": case("-DOCSTART- -X- O O\n\n" * 100),
    "a CoNLL file whose words count": case("".join(f"{n}\tAnn\tB-person\n" for n in range(1, 50)) + "\n1\tBob\tO\n"),
    "a CoNLL file whose numbers have 5,000 digits": case(
        "9" * 5_000 + "\tAnn\tO\n" + "9" * 5_000 + "\tBob\tO\n\n1\ta\tO\n2\tb\tO\n", None
    ),
    "a CoNLL file whose lines end with carriage returns": case(CONLL.replace("\n", "\r"), 2),
    "a CoNLL file in UTF-16": case(CONLL.encode("utf-16")),
    "a CoNLL file of entities inside entities": case("New\tB-place|B-team\nYork\tI-place|I-team\n\nBob\tO\n", 2),
    "a CoNLL file whose entities only go on": case("Ann\tI-person\nBob\tI-place\n\nEve\tE-person\n", 2),
}
REPORTED_CONLL: Mapping[str, Case] = {
    "a CoNLL-U file with a token of a line break": case(
        "# sent_id = 1\n1\tParent\tB-x\n2\tinformation\tI-x\n3\n\n\tSPACE\tO\n",
        None,
        "pyconll/pyconll#129",
        tag_column=-1,
        token_column=2,
    ),
    "a CoNLL file whose blank lines are tabs": case(
        "Ann\tB-person\n\t\nBob\tB-person\n\t\n", 2, "EmilStenstrom/conllu#54"
    ),
    "a CoNLL file with texts of no words": case("Ann\tB-person\n\n \n\nBob\tO\n", 2, "flairNLP/flair#33"),
    "a CoNLL file with words that are marks for nothing": case(
        "14\tentry-level\tNN\tO\n15\t_\t_\tO\n16\t_\t_\tO\n\n1\tBob\tNN\tO\n",
        None,
        "dkpro/dkpro-core#1164",
        token_column=2,
    ),
    "a CoNLL file with a character that cannot be printed": case(
        ":\t:\tPU\tO\n\x9d\t\x9d\tOD\tO\nL\tL\tM\tO\n\nBob\tBob\tNN\tO\n", 2, "ivanhe/termolator#1"
    ),
    "a CoNLL file with line breaks inside words": case(
        "5\t\n\t\n\tSPACE\tO\n\nBob\tB-person\n", None, "BramVanroy/spacy_conll#9"
    ),
    "a CoNLL file with neither tabs nor two spaces": case("Ann|B-person\nBob|O\n", None, "EmilStenstrom/conllu#23"),
}
SPANS = {
    "label_format": "spans",
    "source": "data/notes.jsonl",
    "columns": {"content": "text", "label": "spans", "group": None, "time": None, "split": None},
}


def spans_of(value: Any, text: Any = "Ann lives in Paris") -> str:
    return jsonl_of({"text": "Bob sleeps", "spans": [[0, 3, "person"]]}, {"text": text, "spans": value})


SPAN_FILES: Mapping[str, Case] = {
    f"spans that are {name}": case(spans_of(*value) if isinstance(value, tuple) else spans_of(value), 2, **SPANS)
    for name, value in {
        "beyond the text": [[0, 10**30, "person"]],
        "negative": [[-5, 3, "person"]],
        "the wrong way round": [[3, 0, "person"]],
        "of no length": [[3, 3, "person"]],
        "fractions": [[0.5, 3.5, "person"]],
        "booleans": [[False, True, "person"]],
        "over each other": [[0, 9, "person"], [4, 18, "place"]],
        "20,000 times the same": [[0, 3, "person"]] * 20_000,
        "of 20,000 words": ([[2 * n, 2 * n + 1, "person"] for n in range(20_000)], "a " * 20_000),
        "without a label": [[0, 3]],
        "of a label that is a list": [[0, 3, ["person"]]],
        "of a label with a terminal code": [[0, 3, "\x1b[31mperson"]],
        "of a label with a line break": [[0, 3, "per\nson"]],
        "of a label of 100,000 characters": [[0, 3, "x" * 100_000]],
        "objects with other keys": [{"von": 0, "bis": 3, "art": "person"}],
        "objects with a text of their own": [{"start": 0, "end": 3, "label": "person", "text": "\x1b[31mBob"}],
        "a text that is a list": "[[0, 3, 'person']]",
        "a text that is code": "[[0, 3, __import__('os').system('touch x')]]",
        "a number": 7,
        "inside an emoji": ([[0, 1, "face"]], "\U0001f468\u200d\U0001f469 smiles"),
        "in half a surrogate pair": ([[0, 1, "face"]], "\ud83d smiles"),
        "over 100,000 combining marks": ([[0, 100_001, "face"]], "e" + "\u0301" * 100_000),
    }.items()
}


def number_rows(*labels: str) -> str:
    return csv_of(
        ("text", "kind"),
        ("a ripe apple", "1"),
        ("a red car", "2.5"),
        *((f"a pear {n}", label) for n, label in enumerate(labels)),
    )


NUMBERS: Mapping[str, Case] = {
    f"a number that is {name}": case(number_rows(label), 3, known)
    for name, label, known in (
        ("infinity", "inf", ""),
        ("no number", "nan", ""),
        ("no number with a payload", "-nan(0x1234)", ""),
        ("1e400", "1e400", ""),
        ("1e-400", "1e-400", ""),
        ("of 100,000 digits", "9" * 100_000, ""),
        ("of 100,000 digits after its point", "0." + "9" * 100_000, ""),
        ("in hexadecimal", "0x1F", ""),
        ("with underscores", "1_000", ""),
        ("in Arabic digits", "١٢٣", ""),
        ("in full-width digits", "１２", ""),
        ("a fraction", "1/2", ""),
        ("a superscript", "2²", ""),
        ("a percentage", "50%", ""),
        ("money", "$1,000.00", ""),
        ("with a comma", "1,5", ""),
        ("with thousands in spaces", "1\u202f000", ""),
        ("with a minus sign of Unicode", "\u22121", ""),
        ("with two points", "1.2.3", ""),
        ("true", "true", ""),
        ("a list", "[1]", ""),
        ("larger than 64 bits", str(2**70), "pandas-dev/pandas#11440"),
        ("of 21 digits and a fraction", "1" * 21 + ".1", "pandas-dev/pandas#60082"),
    )
}
LISTS: Mapping[str, Case] = {
    f"a list of labels that is {name}": case(csv_of(("text", "kind"), *GOOD, ("a pear", label)), 3, known)
    for name, label, known in (
        ("20,000 names long", json.dumps([f"name {number}" for number in range(20_000)]), ""),
        ("one name 20,000 times", json.dumps(["fruit"] * 20_000), ""),
        ("100,000 commas", "," * 100_000, ""),
        ("of 2,000 brackets", "[" * 2_000 + "]" * 2_000, ""),
        ("never closed", '["fruit", "red"', ""),
        ("code", "[__import__('os').system('touch x')]", ""),
        ("of numbers", "[1, 2.5, 1e999]", ""),
        ("of null", "[null, null]", ""),
        ("of objects", '[{"a": 1}]', ""),
        ("of lists", '[["fruit"], ["red"]]', ""),
        ("as numpy prints it", "['fruit' 'red']", ""),
        ("of 3,000 texts as numpy prints it", "[" + " ".join(["'fruit'"] * 3_000) + "]", ""),
        ("of invisible names", '["\\u200b", "\\u2060"]', ""),
        ("a set of Python", "{'fruit', 'red'}", ""),
        ("a tuple of Python", "('fruit', 'red')", ""),
        ("of names with the separator", '["a,b", "a"]', ""),
        ("empty in brackets", "[]", "cleanlab/cleanlab#523"),
        ("of lists in lists of numbers", "[[0], [0, 1]]", "argilla-io/argilla#1982"),
    )
}
LEDGERS: Mapping[str, Any] = {
    "a ledger of no bytes": "",
    "a ledger of a header alone without an end": "id,action,label,note",
    "a ledger with another header": "id,label\n",
    "a ledger with semicolons": LEDGER.replace(",", ";"),
    "a ledger with a byte order mark": "\ufeff" + LEDGER,
    "a ledger in UTF-16": LEDGER.encode("utf-16"),
    "a ledger with a wrong byte": LEDGER.encode() + b"\xff,keep,,\n",
    "a ledger with a NUL": LEDGER + f"{ID}\0,keep,,\n",
    "a ledger with a row of 100,000 cells": LEDGER + "," * 100_000 + "\n",
    "a ledger with a row of one cell": LEDGER + f"{ID}\n",
    "a ledger with a quotation mark that is never closed": LEDGER + f'"{ID},keep,,\n',
    "a ledger with a note of 5 MB": LEDGER + f"{ID},keep,,{'x' * 5 * 2**20}\n",
    "a ledger with two decisions about a row": LEDGER + f"{ID},keep,,\n{ID},drop,,\n",
    "a ledger with the id in capitals": LEDGER + f"{ID.upper()},drop,,\n",
    "a ledger with an id of 1 MB": LEDGER + f"{'x' * 2**17},keep,,\n",
    "a ledger with an empty id": LEDGER + ",keep,,\n",
    "a ledger with 20,000 decisions about rows that do not exist": LEDGER
    + "".join(f"{n:032x},drop,,\n" for n in range(20_000)),
    "a ledger with 2,000 new classes": LEDGER + "".join(f"{n:032x},relabel,class {n},\n" for n in range(2_000)),
    "a ledger that drops all rows": LEDGER + f"{ID},drop,,\n{OTHER},drop,,\n",
    "a ledger with an action in capitals": LEDGER + f"{ID},KEEP,,\n",
    "a ledger that relabels to an invisible label": LEDGER + f"{ID},relabel,\u200b,\n",
    "a ledger that relabels to a new class": LEDGER + f"{ID},relabel,stone,\n",
    "a ledger that keeps with a label": LEDGER + f"{ID},keep,fruit,\n",
    "a ledger of carriage returns": (LEDGER + f"{ID},drop,,\n").replace("\n", "\r"),
}


def tables(group: str, suffix: str, cases: Mapping[str, Case], base: str = "text_category") -> Iterator[Hostile]:
    for name, (content, params, rows, known) in cases.items():
        source = params.get("collect.source", f"data/notes.{suffix}")
        files = {source.removeprefix("data/"): content}
        yield Hostile(group, name, files, {"collect.source": source, **params}, base, rows=rows, known=known)


def pairs() -> Iterator[Hostile]:
    """Two texts a row."""
    for name, (one, other) in {
        "a pair with an empty side": ("", "a red car"),
        "a pair of a side of 1 MB": ("x" * 2**20, "a red car"),
        "a pair with the separator of pairs in it": ("a\x1eb", "c\x1ed\x1e"),
        "a pair with the separator of tokens at its end": ("a ripe apple\x1f", "a red car\x1f"),
        "a pair of HTML that is open on one side": ("<b>a ripe apple", "a red</b> car"),
        "a pair of invisible characters": ("\u200b", "\ufeff"),
    }.items():
        rows = [("one", "other", "kind"), ("a ripe apple", "a ripe pear", "3"), (one, other, "2")]
        yield Hostile("texts", name, {"notes.csv": csv_of(*rows)}, {}, "text_pair", rows=2)


def inputs() -> Iterator[Hostile]:
    yield from tables("CSV", "csv", CSV)
    yield from tables("CSV", "csv", REPORTED_CSV)
    yield from tables("JSON", "json", JSON)
    yield from tables("JSON", "jsonl", LINES)
    yield from tables("JSON", "json", REPORTED_JSON)
    yield from tables("Parquet", "parquet", PARQUET)
    yield from tables("Parquet", "parquet", REPORTED_PARQUET)
    yield from tables("CoNLL", "conll", CONLL_FILES, "text_tags")
    yield from tables("CoNLL", "conll", REPORTED_CONLL, "text_tags")
    yield from tables("labels", "jsonl", SPAN_FILES, "text_tags")
    yield from tables("labels", "csv", NUMBERS, "text_number")
    yield from tables("labels", "csv", LISTS, "text_categories")
    yield from pairs()
    for name, content in LEDGERS.items():
        yield Hostile("ledger", name, {"notes.csv": NOTES, "ledger.csv": content}, rows=2)
