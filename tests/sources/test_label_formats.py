"""Labels that are more than one name, as sources write them: lists, tags a token, spans of a text."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from stages.sources.conll_files import read_conll
from stages.sources.label_formats import BadLabel, Tagged, names_of, names_of_flags, tagged, tagged_by_spans
from stages.sources.records import FileFormat, Record

# --- tags ---


@pytest.mark.parametrize(
    ("given", "bio"),
    [
        ("B-fruit I-fruit O", "B-fruit I-fruit O"),
        ("B-fruit E-fruit S-fruit", "B-fruit I-fruit B-fruit"),  # BIOES
        ("B-fruit L-fruit U-fruit", "B-fruit I-fruit B-fruit"),  # BILOU
        ("I-fruit I-fruit O", "I-fruit I-fruit O"),  # IOB1: clean says what comes of it
        ("B-garden-fruit O O", "B-garden-fruit O O"),
    ],
)
def test_tags_become_bio(given: str, bio: str) -> None:
    for value in (given, given.split(), json.dumps(given.split()), tuple(given.split())):
        for tokens in ("a b c", ["a", "b", "c"], ("a", "b", "c")):
            assert tagged(tokens, value) == Tagged(["a", "b", "c"], bio.split())


@pytest.mark.parametrize("missing", [None, float("nan"), "", " \t"])
def test_a_text_without_tags_keeps_its_tokens(missing: Any) -> None:
    assert tagged("a ripe apple", missing) == Tagged(["a", "ripe", "apple"], None)
    assert tagged_by_spans("a ripe apple!", missing) == Tagged(["a", "ripe", "apple", "!"], None)


@pytest.mark.parametrize(
    ("tokens", "value", "message"),
    [
        ("a b", "O", "2 tokens and 1 tags"),
        (["a b"], "O O", "1 tokens and 2 tags"),
        (None, "O", "0 tokens and 1 tags"),
        ("a b", [], "2 tokens and 0 tags"),
        ("a", "o", "unknown tag 'o', expected O, or B, I, M, E, S, L or U with a hyphen and a type, such as B-person"),
        ("a", "B-", "unknown tag 'B-'"),
        ("a", "fruit", "unknown tag 'fruit'"),
        ("a", [7], "unknown tag '7'"),
        ("a", "[", "not valid JSON"),
        ("a", "[" * 100_000, "not valid JSON"),
        ("a", 3, "expected a list, got int"),
        ("a", {"tag": "O"}, "expected a list, got dict"),
        (7, "O", "expected a list, got int"),
        (float("nan"), "O", "0 tokens and 1 tags"),
        ("a b c", "(PER* *) *", r"the tag '\(PER\*' is in the brackets of CoNLL-2012"),
        ([["a"], None], "O O", r"expected a list of tokens, got \[\[.a.\], null\]"),
    ],
)
def test_tags_that_do_not_fit(tokens: Any, value: Any, message: str) -> None:
    with pytest.raises(BadLabel, match=message):
        tagged(tokens, value)


# --- spans ---


def spans(text_: str, *marked: str, label: str = "fruit") -> list[dict[str, Any]]:
    return [{"start": text_.index(part), "end": text_.index(part) + len(part), "label": label} for part in marked]


def by_spans(content: str, value: Any) -> str:
    found = tagged_by_spans(content, value)
    assert found.tags is not None
    return " ".join(
        f"{token}/{tag}" if tag != "O" else token for token, tag in zip(found.tokens, found.tags, strict=True)
    )


def test_words_and_signs_in_a_span_get_its_label() -> None:
    content = "I had a Granny Smith, then(two)figs."
    value = spans(content, "Granny Smith", "figs")
    expected = "I had a Granny/B-fruit Smith/I-fruit , then ( two ) figs/B-fruit ."
    for form in (
        value,
        value[::-1],
        json.dumps(value),
        [list(span.values()) for span in value],
        [tuple(span.values()) for span in value],
    ):
        assert by_spans(content, form) == expected
    assert by_spans(content, []) == "I had a Granny Smith , then ( two ) figs ."


def test_spans_need_not_end_at_spaces() -> None:
    assert by_spans("a fig-tree.", spans("a fig-tree.", "fig")) == "a fig/B-fruit - tree ."
    assert by_spans("a fig", [[1, 5, "fruit"]]) == "a fig/B-fruit"
    assert by_spans("赤い林檎です", spans("赤い林檎です", "林檎")) == "赤い 林檎/B-fruit です"


@pytest.mark.parametrize(("span", "around"), [((0, 4), "unri|pened"), ((2, 9), "un|ripened")])
def test_a_span_that_cuts_a_word_is_counted_from_somewhere_else(span: tuple[int, int], around: str) -> None:
    """By bytes, from 1 on, in UTF-16...: a model that learned from such pieces would be tested on them, and nobody
    would know.
    """
    with pytest.raises(
        BadLabel,
        match=rf"the span {span[0]} to {span[1]} cuts a word: {re.escape(around)}; offsets are in characters, the "
        rf"first is 0",
    ):
        tagged_by_spans("unripened", [[*span, "fruit"]])


@pytest.mark.parametrize("word", ["हिन्दी", "e\u0301te\u0301", "می\u200cخواهم", "👩\u200d🌾"])
def test_marks_and_joiners_stay_with_their_letters(word: str) -> None:
    assert tagged_by_spans(f"a {word}, b", []).tokens in (["a", word, ",", "b"], ["a", "👩\u200d", "🌾", ",", "b"])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[0, 3, "fruit"], [2, 5, "fruit"]], "the spans 0 to 3 and 2 to 5 overlap"),
        ([[1, 2, "fruit"]], "the span 1 to 2 has no word"),
        ([[0, 9, "fruit"]], r"the span \[0, 9, .fruit.\], expected start, a larger end \(up to 5\) and label"),
        ([[2, 2, "fruit"]], "expected start, a larger end"),
        ([[True, 2, "fruit"]], "expected start, a larger end"),
        ([[-1, 2, "fruit"]], "expected start, a larger end"),
        ([[0, 1, ""]], "expected start, a larger end"),
        ([[0.0, 1.0, "fruit"]], "expected start, a larger end"),
        ([{"start": 0, "end": 1}], "expected start, a larger end"),
        (["fruit"], "expected start, a larger end"),
        (
            [{"start": 2, "end": 5, "label": "fruit", "text": "pear"}],
            "2 to 5 is 'fig', but its text is 'pear'",
        ),
        ([{"start": 2, "end": 5, "labels": ["fruit", "food"]}], "has 2 labels, expected one"),
        ("fig", "not valid JSON"),
        ({"start": 0, "end": 1, "label": "fruit"}, "expected a list, got dict"),
    ],
)
def test_spans_that_do_not_fit(value: Any, message: str) -> None:
    with pytest.raises(BadLabel, match=message):
        tagged_by_spans("a fig", value)


def test_spans_may_be_those_of_label_studio() -> None:
    span = {"start": 2, "end": 5, "text": "fig", "labels": ["fruit"]}
    assert tagged_by_spans("a fig", [span]) == Tagged(["a", "fig"], ["O", "B-fruit"])


def test_offsets_that_count_an_emoji_twice_are_noticed() -> None:
    with pytest.raises(BadLabel, match="an emoji is one"):
        tagged_by_spans("💩刘洋到过广州", [{"start": 2, "end": 4, "label": "person", "text": "刘洋"}])


def test_spans_mark_texts() -> None:
    with pytest.raises(BadLabel, match="expected a text for the spans, got list"):
        tagged_by_spans(["a", "fig"], [])


def test_a_long_text_with_many_spans_takes_no_time() -> None:
    content = "fig " * 50_000
    start = time.perf_counter()
    found = tagged_by_spans(content, [[place, place + 3, "fruit"] for place in range(0, len(content), 8)])
    assert found.tags == ["B-fruit", "O"] * 25_000
    assert time.perf_counter() - start < 5


# --- lists ---


def test_names_in_a_list_or_a_cell() -> None:
    for value in (["ripe", "red"], '["ripe", "red"]', " ripe; red;", "ripe;red"):
        assert names_of(value, ";") == ["ripe", "red"]
    assert names_of("ripe;red", None) == ["ripe;red"]
    assert names_of([3, None, " "], None) == ["3"]
    assert names_of(" ", None) == names_of(None, None) == names_of("[]", None) == []
    for wrong, message in (
        ([["ripe"]], "expected a list of names"),
        ("[1, ", "not valid JSON"),
        (7, "expected a list, got int"),
    ):
        with pytest.raises(BadLabel, match=message):
            names_of(wrong, None)


def test_names_of_columns_that_hold_a_1() -> None:
    assert names_of_flags({"ripe": 1, "red": "0", "large": True, "round": "1.0", "old": ""}) == [
        "ripe",
        "large",
        "round",
    ]
    with pytest.raises(BadLabel, match="the column 'ripe' has 'yes', expected 0 or 1"):
        names_of_flags({"ripe": "yes"})


# --- CoNLL files ---


def conll(folder: Path, content: str) -> list[Record]:
    path = folder / "some.conll"
    path.write_bytes(content.encode())
    return list(read_conll(path, FileFormat()))


def rows(records: list[Record]) -> list[tuple[Any, Any]]:
    return [(record.values["tokens"], record.values["tags"]) for record in records]


FRUIT = (["a", "fig"], ["O", "B-fruit"])
TOOL = (["hammer"], ["B-tool"])


@pytest.mark.parametrize(
    "content",
    [
        "a\tO\nfig\tB-fruit\n\nhammer\tB-tool\n",
        "a O\nfig B-fruit\n\nhammer B-tool",  # no line break at the end
        "a DT O\r\nfig NN B-fruit\r\n\r\nhammer NN B-tool\r\n",  # more columns, and Windows' line breaks
        # a byte order mark, and blank lines that are not empty
        "\ufeffa\tO\nfig\tB-fruit\n \t\n\n\nhammer\tB-tool\n\n\n",
        "-DOCSTART- -X- O\n\na O\nfig B-fruit\n\n-DOCSTART- -X- O\n\nhammer B-tool\n",
        "# sent_id = 1\n# text = a fig\na\tO\nfig\tB-fruit\n\n# sent_id = 2\nhammer\tB-tool\n",
        "# id 2c8f\tdomain=en\na _ _ O\nfig _ _ B-fruit\n\n# id 2c90\tdomain=en\nhammer _ _ B-tool\n",
        "#0\na O\nfig B-fruit\n\n#1\nhammer B-tool\n",
        "# web\na O\nfig B-fruit\n\n# news\nhammer B-tool\n",
    ],
)
def test_texts_of_a_conll_file(content: str, tmp_path: Path) -> None:
    found = conll(tmp_path, content)
    assert rows(found) == [FRUIT, TOOL]
    assert [record.source for record in found] == ["some.conll:1", "some.conll:2"]


def test_a_first_token_may_start_with_a_number_sign(tmp_path: Path) -> None:
    content = "#ripe B-tag\nfig B-fruit\n\n# O\n1 O\n\na O\n#fig B-fruit\n"
    assert rows(conll(tmp_path, content)) == [
        (["#ripe", "fig"], ["B-tag", "B-fruit"]),
        (["#", "1"], ["O", "O"]),
        (["a", "#fig"], ["O", "B-fruit"]),
    ]


def test_a_token_of_a_conll_file_may_hold_a_space_between_tabs(tmp_path: Path) -> None:
    assert rows(conll(tmp_path, "New York\tB-place\n\u00a0\tO\n")) == [(["New York", "\u00a0"], ["B-place", "O"])]


def test_a_line_without_a_tag_spoils_its_text_alone(tmp_path: Path) -> None:
    first, second = conll(tmp_path, "a O\nfig\nripe O\n\nhammer B-tool\n")
    assert first.problem == "line 2 has one cell, expected a token and its tag"
    assert (second.problem, rows([second])) == (None, [TOOL])
    assert conll(tmp_path, "\n \n") == []
