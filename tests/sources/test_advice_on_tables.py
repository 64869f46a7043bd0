"""A table that is read with the wrong settings is refused, and with the settings that the message names it is read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from stages.collect import Section, collect
from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import Counts
from stages.core.tables import iter_rows
from tests.collected import params_of, section_of

pytestmark = pytest.mark.usefixtures("workplace")
ROWS = [(f"a ripe fig, number {number}", ("fruit", "tool")[number % 2]) for number in range(8)]
QUOTED = "".join(f'"{text}",{kind}\n' for text, kind in ROWS)
COLUMNS = {"content": "text", "label": "kind"}


def section(name: str, content: str | bytes, **values: Any) -> Section:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return section_of(**{"source": name, "columns": COLUMNS, **values})


def read(section_: Section, target: str = "category") -> Counts:
    return collect(params_of(section_, target))


def labels() -> list[Any]:
    return [row["label"] for row in iter_rows(paths.COLLECTED)]


def texts() -> list[str]:
    return [row["content"].decode() for row in iter_rows(paths.COLLECTED)]


def message_of(section_: Section, target: str = "category") -> str:
    with pytest.raises(InputError) as error:
        read(section_, target)
    return str(error.value)


def follow(section_: Section, target: str = "category") -> str:
    """The refusal's message, after doing what it says has made the table readable."""
    message = message_of(section_, target)
    settings = re.findall(r"(?:set|and) collect\.(\w+): (\"[^\"]*\"|[\w.-]+)", message)
    assert settings, message
    read(section_.model_copy(update={key: yaml.safe_load(value) for key, value in settings}), target)
    return message


# --- CSV ---


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (
            "".join(f'"a ""fig"", {n}",{kind}\n' for n, (_, kind) in enumerate(ROWS)).replace('""', '\\"'),
            'escape: "\\\\"',
        ),
        (QUOTED.replace(",fruit", ";fruit").replace(",tool", ";tool"), 'delimiter: ";"'),
        ("".join(f'"fig" {n},{kind}\n' for n, (_, kind) in enumerate(ROWS)), "quoting: false"),
    ],
)
def test_settings_of_a_csv_file(content: str, advice: str) -> None:
    header = "text;kind\n" if ";" in content else "text,kind\n"
    assert f"set collect.{advice}" in follow(section("notes.csv", header + content))
    assert labels() == [kind for _, kind in ROWS]


def test_two_settings_at_once() -> None:
    content = "text;kind\n" + "".join(f'"a \\"fig\\"; {n}";{kind}\n' for n, (_, kind) in enumerate(ROWS))
    assert 'collect.delimiter: ";" and collect.escape' in follow(section("notes.csv", content))
    assert texts()[0] == 'a "fig"; 0'


def test_an_escape_that_escapes_nothing_stays() -> None:
    read(section("notes.csv", 'text,kind\n"C:\\new \\"x\\" \\\\ \\,",tool\n', escape="\\"))
    assert texts() == ['C:\\new "x" \\ \\,']


def test_a_few_texts_in_quotation_marks_are_quotes() -> None:
    rows = "".join(f"fig {n}\tfruit\n" for n in range(30))
    message = message_of(section("notes.tsv", f'text\tkind\n{rows}"a" fig\tfruit\n"Great!"\ttool\n'))
    assert "so that all rows can be read, set collect.quoting: false" in message


def test_no_advice_where_none_is_true() -> None:
    message = message_of(section("notes.csv", f"text,kind\n{QUOTED}one,cell,more\n"))
    assert message.startswith("notes.csv:9: line 10 has 3 cells, the file has 2 columns; mend the row")
    assert "\t" not in message_of(section("notes.tsv", 'text\tkind\n"a" fig\tfruit\n"a "b" c"\ttool\n'))
    assert "not valid TSV" in message_of(section("notes.tsv", 'text\tkind\n"a" fig\tfruit\n'))


@pytest.mark.parametrize(
    "swallowing",
    [
        '"a fig,fruit\n' + "".join(f"a nail {n},tool\n" for n in range(20)) + 'of 5",fruit\n',
        '"a fig,fruit\na nail of 5",tool\n',
        '"a fig,fruit\na nail,tool\n"a "new" fig",tool\n',  # the partner makes it invalid, too
        # A text with a comma among them.
        '"a fig,fruit\n' + "".join(f"a nail {n},tool\n" for n in range(30)) + 'a nail, too,tool\nof 5",fruit\n',
        '"a fig,fruit\n' + "a nail, too,tool\n" * 3 + 'of 5",fruit\n',
    ],
)
@pytest.mark.parametrize("on_bad_row", ["error", "drop"])
def test_rows_are_not_swallowed_by_a_quotation_mark(swallowing: str, on_bad_row: str) -> None:
    message = message_of(section("notes.csv", f"text,kind\n{QUOTED}{swallowing}{QUOTED}", on_bad_row=on_bad_row))
    assert "the row that starts in line 10 has a quotation mark that is closed only in line" in message
    assert message.endswith("the lines between look like rows; close it in line 10")


def test_rows_are_not_swallowed_where_the_label_comes_first() -> None:
    content = 'kind,text\nfruit,"a fig\ntool,a nail\ntool,5"\n' + "".join(
        f"{kind},{n}\n" for n, (_, kind) in enumerate(ROWS)
    )
    assert "closed only in line 4" in follow(section("notes.csv", content))
    assert len(labels()) == 11


def test_texts_of_several_lines_are_no_swallowed_rows() -> None:
    letter = '"Dear Ann, thanks\nfor the figs, and\nbye Bob",fruit\n'
    order = '"my order\n' + "".join(f"figs, {n}\n" for n in range(30)) + '",fruit\n'
    labels = '"one of\nfruit\ntool\nfruit",tool\n'
    assert read(section("notes.csv", f"text,kind\n{QUOTED}{letter}{order * 3}{labels}{QUOTED}")).rows_kept == 21


def test_spaces_before_quotation_marks() -> None:
    content = 'text, kind\n"a fig, ripe", "fruit"\na "new" nail, "tool"\n "Great" figs,fruit\n'
    read(section("notes.csv", content))
    assert labels() == ["fruit", "tool", "fruit"]
    assert texts() == ["a fig, ripe", 'a "new" nail', ' "Great" figs']


def test_columns_that_nobody_asks_for_may_have_any_name() -> None:
    read(section("notes.csv", "text,kind,,,x,x\n" + "".join(f'"{text}",{kind},,,,\n' for text, kind in ROWS)))
    assert labels() == [kind for _, kind in ROWS]


def test_headers() -> None:
    by_position = {"content": "0", "label": "1"}
    follow(section("notes.csv", QUOTED, columns=by_position))
    assert len(labels()) == 8
    message = message_of(section("notes.csv", f"text,kind\n{QUOTED}", header=False))
    assert (
        message
        == "notes.csv: its first row is ['text', 'kind']; if these are names of columns, set collect.header: true"
    )
    assert "collect.header: true" in message_of(
        section("notes.csv", f"Text,Label\n{QUOTED}", header=False, columns=by_position)
    )
    assert read(section("notes.csv", "sep=;\ntext;kind\na fig, ripe;fruit\n")).rows_kept == 1


# --- encodings ---


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "你好世界，我很喜欢这个产品"),
        ("big5hkscs", "我很喜歡這個產品，謝謝"),
        ("cp932", "この商品はとても良いです"),
        ("euc_jp", "この商品はとても良いです"),
        ("cp949", "이 제품이 아주 좋습니다"),
        ("cp1250", "Příliš žluťoučký kůň úpěl"),
        ("cp1251", "Мне очень понравился этот товар"),
        ("koi8_r", "Мне очень понравился этот товар"),
        ("cp1252", "schöne Grüße – ¿verdad?"),
        ("cp1253", "Μου άρεσε πολύ"),
        ("cp1255", "אהבתי את המוצר"),
        ("cp1256", "أعجبني هذا المنتج"),
        ("cp874", "ฉันชอบสินค้านี้มาก"),
        ("mac_roman", "schöne Grüße"),
        ("utf-16", "你好世界"),
        ("utf-16-le", "a ripe fig"),
        ("utf-16-be", "a ripe fig"),
        ("utf-32", "a ripe fig"),
        ("utf-32-le", "a ripe fig"),
    ],
)
@pytest.mark.parametrize("name", ["notes.csv", "notes.jsonl"])
def test_encodings_are_named_the_right_one_first(encoding: str, text: str, name: str) -> None:
    lines = [text, "all in ASCII"]
    if name == "notes.csv":
        content = "text,kind\n" + "".join(f"{line},fruit\n" for line in lines)
    else:
        content = "".join(json.dumps({"text": line, "kind": "fruit"}, ensure_ascii=False) + "\n" for line in lines)
    message = follow(section(name, content.encode(encoding)))
    assert f"it can be read as {encoding} (" in message
    assert texts() == lines


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    for encoding in (None, "utf-8", "utf-16-le"):
        content = f"\ufefftext,kind\n{QUOTED}".encode(encoding or "utf-8")
        assert read(section("notes.csv", content, encoding=encoding)).rows_kept == 8


def test_a_file_that_is_mostly_utf8() -> None:
    message = message_of(section("notes.csv", f"text,kind\n{'é' * 9},fruit\n".encode() + b"caf\xe9,fruit\n"))
    assert message == "notes.csv: not UTF-8 (byte 0xe9 in line 3); most of the file is UTF-8, so mend that line"


def test_unknown_encodings() -> None:
    for name in ("latin1x", "base64"):
        with pytest.raises(ValueError, match="Python knows no text encoding"):
            section("notes.csv", "", encoding=name)


# --- JSON and other files ---

OBJECTS = [{"text": text, "kind": kind} for text, kind in ROWS]


@pytest.mark.parametrize(
    "value",
    [
        {"version": 1, "data": OBJECTS},
        {"text": [text for text, _ in ROWS], "kind": [kind for _, kind in ROWS]},
        {
            "text": {str(n): text for n, (text, _) in enumerate(ROWS)},
            "kind": {str(n): k for n, (_, k) in enumerate(ROWS)},
        },
        {str(number): row for number, row in enumerate(OBJECTS)},
    ],
)
def test_objects_that_hold_rows(value: Any) -> None:
    read(section("notes.json", "\ufeff" + json.dumps(value)))
    assert labels() == [kind for _, kind in ROWS]


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("notes.json", "\n".join(map(json.dumps, OBJECTS)), "give the file a name that ends in .jsonl"),
        ("notes.jsonl", json.dumps(OBJECTS, indent=1), "give it a name that ends in .json"),
        ("notes.jsonl", json.dumps(OBJECTS), "give it a name that ends in .json"),
    ],
)
def test_names_of_json_files(name: str, content: str, advice: str) -> None:
    assert message_of(section(name, content, on_bad_row="drop")).endswith(advice)
    assert read(section(f"other.{advice.rpartition('.')[2]}", content)).rows_kept == 8


def test_json_values_one_after_the_other() -> None:
    content = "".join(json.dumps(row, indent=1) for row in OBJECTS)
    assert "it is 8 values, one after the other: put them into one list" in message_of(section("notes.json", content))
    assert read(section("notes.json", f"[{content.replace('}{', '},{')}]")).rows_kept == 8


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.csv", b"\x1f\x8b\x08", "it is compressed with gzip; unpack it"),
        ("notes.csv", b"PK\x03\x04", "it is a ZIP archive or an Excel workbook"),
        (
            "notes.csv",
            b"version https://git-lfs.github.com/spec/v1\n",
            "it is a pointer of Git LFS; run `git lfs pull`",
        ),
        ("notes.jsonl", b"<!DOCTYPE html><html>", "it is a web page; download the file itself"),
        ("notes.csv.gz", b"", "files that end in .gz are not read; unpack it"),
        ("notes.xlsx", b"", "files that end in .xlsx are not read; save its sheet as CSV in UTF-8"),
    ],
)
def test_files_of_other_formats(name: str, content: bytes, message: str) -> None:
    assert message_of(section(name, content)).startswith(f"{name}: {message}")


def test_folders_that_are_named_like_a_table() -> None:
    Path("notes.csv").mkdir()
    Path("notes.csv/part-0.csv").write_text(f"text,kind\n{QUOTED}")
    follow(section_of(source="notes.csv", columns=COLUMNS))
    assert len(labels()) == 8


def test_a_split_without_rows() -> None:
    Path("train.csv").write_text(f"text,kind\n{QUOTED}")
    Path("test.csv").write_text("text,kind\n")
    wanted = section_of(source=".", columns=COLUMNS, splits={"train": "train.csv", "test": "test.csv"})
    assert "the split test has no rows" in message_of(wanted)


# --- CoNLL ---

TOKENS = [("Ann", "B-PER"), ("lives", "O"), ("in", "O"), ("New", "B-LOC"), ("York", "I-LOC")]
BIO = json.dumps([tag for _, tag in TOKENS])


def conll(line: str, before: str = "", **values: Any) -> Section:
    """Four texts, whose lines have the cells of a pattern with {n}, {token}, {tag} and {bare}."""
    lines = [
        line.format(n=n, token=token, tag=tag, bare=tag.rpartition("-")[2]) for n, (token, tag) in enumerate(TOKENS, 1)
    ]
    text = before + "\n".join(lines) + "\n\n"
    return section(
        "notes.conll", text * 4, columns={"content": "tokens", "label": "tags"}, label_format="tags", **values
    )


@pytest.mark.parametrize(
    "wanted",
    [
        ("{n}\t{token}\tO\t{tag}", ""),
        ("{n}\t{token}\t_\t{tag}", "# sent_id = 1\n1-2\tAnnlives\t_\t_\n1.1\tshe\t_\t_\n"),
        ("{n} {token} {tag}", "#\thttp://example.org\n"),
    ],
)
def test_a_column_that_counts(wanted: tuple[str, str]) -> None:
    assert "count 1, 2, 3...; the second are the tokens" in follow(conll(*wanted), "tags")
    assert labels() == [BIO] * 4
    assert texts()[0].split("\x1f")[:-1] == [token for token, _ in TOKENS]


def test_the_column_of_the_tags() -> None:
    assert "no tag in column 3" in follow(conll("{token}\t{tag}\tO"), "tags")
    assert labels() == [BIO] * 4
    layers = "".join(f"{token}\t{tag}\t{tag if tag == 'B-PER' else 'O'}\n" for token, tag in TOKENS)
    wanted = conll("{token} {tag}")
    Path("notes.conll").write_text(layers + "\n" + layers)
    assert "set collect.tag_column: 2 (or 3)" in follow(wanted, "tags")
    read(wanted.model_copy(update={"tag_column": 3}), "tags")
    assert labels() == [json.dumps(["B-PER", "O", "O", "O", "O"])] * 2
    read(conll("{token} NN B-NP {tag}"), "tags")  # chunks are no layer of the names
    assert labels() == [BIO] * 4
    assert "are the same column, 1" in message_of(conll("{token} {tag}", tag_column=1), "tags")
    assert "line 5 has 2 cells" in message_of(conll("{token} {tag}", tag_column=3), "tags")


def test_schemes_of_tags() -> None:
    follow(conll("{token} {bare}"), "tags")
    assert labels() == [BIO] * 4
    for scheme in ("bio", "bare"):
        message = message_of(conll("{token} {bare}-B", tag_scheme=scheme), "tags")
        assert "'PER-B'" in message and "bare; see" not in message


def test_documents_and_hashtags() -> None:
    read(conll("#{token} {tag}"), "tags")
    assert texts()[0].startswith("#Ann")
    wanted = conll("doc/1 {n} {token} {tag}", "#begin document\n")
    assert "the first cells of each text are all the same" in message_of(wanted, "tags")
    read(wanted.model_copy(update={"token_column": 3}), "tags")
    assert labels() == [BIO] * 4
