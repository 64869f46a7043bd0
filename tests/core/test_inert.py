"""Texts of the data in files that others draw: no markup, no formula, nothing unseen, and no two of them alike."""

import csv
import json
import math
from itertools import chain, product
from pathlib import Path

import pandas as pd
import pytest

from stages.core.inert import LONGEST, inert, write_csv
from stages.core.run import Counts
from tests.tiny import ROOT

# What is replaced, what stands for it, and what may stand beside it.
SIGNS = ("<", "‹", "[", "⁅", "\\", "=", "'", '"', ";", "\x1b", "\n", "n", "x1b", " ")
NUMBERS = ("-1", "-1.5", "+3", "-2 to 0", "1e-05 to 2e-05")
NAMES = ("", "apple", "it's", "(none)", "naïve", "日本語", "می\u200cخواهم", "👩\u200d💻")
SYMBOLS = ("a\\b", "C:\\data", "x > 5", "[0, 1]", "5-3", "a=b", "me@example.org")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("<script>alert(1)</script>", "‹script>alert(1)‹/script>"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-", "'-"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1", "'＝1"),
        (' "=1"', ' "\'=1"'),
        ("a;=1", "a;'=1"),
        ("\t=1", r"\t=1"),
        ("red\x1b[31m", r"red\x1b[31m"),
        ("one\ntwo", r"one\ntwo"),
        ("\u202eabc", r"\u202eabc"),
        ("pass\u200bword", r"pass\u200bword"),
        ("{refresh_tag}", "❴refresh_tag}"),  # `dvc plots` takes it out
        ("[/]", "⁅/]"),  # closes what is not open, and `dvc exp show` ends there
    ],
)
def test_what_a_program_would_obey_is_written_otherwise(text: str, written: str) -> None:
    assert inert(text) == written


@pytest.mark.parametrize("text", [*NUMBERS, *NAMES, *SYMBOLS])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert inert(text) == text


def test_no_two_texts_become_the_same() -> None:
    texts = ["".join(signs) for signs in chain.from_iterable(product(SIGNS, repeat=length) for length in range(5))]
    texts = list(dict.fromkeys(texts))
    written = [inert(text) for text in texts]
    assert len(texts) > 30_000
    assert len(set(written)) == len(texts)
    assert all("<" not in text and text.isprintable() for text in written)
    assert not any(text.lstrip('" ').startswith("=") for text in written)


def test_long_texts_are_cut_and_stay_different() -> None:
    longest, longer, other = "a" * LONGEST, "a" * (LONGEST + 1), "a" * LONGEST + "b"
    assert inert(longest) == longest
    assert len({inert(text) for text in (longest, longer, other, inert(longer))}) == 4
    assert len(inert("a" * 1_000_000)) < LONGEST + 20


def test_numbers_in_a_plot_stay_numbers(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"label": ["=1+1", None, "a,b"], "value": [-1.5, math.inf, math.nan], "rows": [1, -2, 3], "right": [True] * 3}
    )
    write_csv(tmp_path / "plot.csv", table)
    with (tmp_path / "plot.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["label", "value", "rows", "right"],
            ["'=1+1", "-1.5", "1", "True"],
            ["", "", "-2", "True"],
            ["a,b", "", "3", "True"],
        ]


def test_metrics_are_json_with_inert_names() -> None:
    metrics = Counts(1, more={"f1_of_<b>": math.nan, "f1_of_[/]": -math.inf, "f1_of_\x1b": 0.5}).metrics()
    text = json.dumps(metrics, allow_nan=False)
    assert json.loads(text) == {
        **{"rows_in": 1, "rows_kept": 1},
        **{"f1_of_‹b>": None, "f1_of_⁅/]": None, r"f1_of_\x1b": 0.5},
    }


def test_tables_for_people_go_through_one_door() -> None:
    paths = chain((ROOT / "stages").rglob("*.py"), (ROOT / "tools").rglob("*.py"))
    assert [path.name for path in paths if ".to_csv(" in path.read_text(encoding="utf-8")] == ["inert.py"]
