"""Texts are repaired, or dropped with a reason."""

import random
import sys
import time
from typing import Any

import pytest

from stages.modalities.text.clean import cleaner
from tests.cleaning.text_params import CLEAN_TEXT, cleaned, params

pytestmark = pytest.mark.usefixtures("workplace")


CLEANED_TEXTS = [
    ("a <b>ripe</b> apple<br/>and a pear", "a ripe apple and a pear", ["html", "spaces"]),
    ("CO<sub>2</sub>, un<em>believ</em>able", "CO2, unbelievable", ["html"]),
    ("<ul><li>ripe<li>sweet</ul>pears", "ripe sweet pears", ["html", "spaces"]),
    ('<A HREF="https://a.example?b=c" target=_top>fig</A><img src=a.png alt="a > b">', "fig", ["html", "spaces"]),
    ("&lt;i&gt;ripe&lt;/i&gt; &amp;amp;lt;i&amp;gt;figs&lt;/i>", "ripe figs", ["html"]),
    ("the end is cut</b> off", "the end is cut off", ["html"]),
    ("<!DOCTYPE html><p class=a>ripe", "ripe", ["html", "spaces"]),
    ("two &amp; three &eacute; &#39;four&#39;", "two & three é 'four'", ["html"]),
    ("shop?page=1&copy=2 R&D &unknown;", "shop?page=1&copy=2 R&D &unknown;", []),
    ("ripe<script>alert('<b>')</script><!-- not <i>this</i> --> apple", "ripe apple", ["html", "spaces"]),
    ("price <5 and >3, or x<y", "price <5 and >3, or x<y", []),
    ("<username> wrote to <all>", "<username> wrote to <all>", []),
    ("&copyright; &amp;unknown; &#9731; &#0128;", "&copyright; &unknown; ☃ €", ["html"]),
    ("schÃ¶ne Ã„pfel", "schöne Äpfel", ["encoding"]),
    ("it\u2019s \u201cripe\u201d", 'it\'s "ripe"', ["encoding"]),
    ("Cafe\u0301", "Café", ["encoding"]),
    ("ap\u00adple\u200b and pear", "apple and pear", ["invisible"]),
    ("ripe\x00 apple\x07", "ripe apple", None),
    ("\t a  ripe\n\napple\u00a0! ", "a ripe apple !", None),
    ("熟したりんご、買った。", "熟したりんご、買った。", []),
    ("好吃，很快！（ＡＢＣ１２３）ﾊﾟﾝ", "好吃，很快！（ＡＢＣ１２３）ﾊﾟﾝ", []),
    ("e" + "\u0301" * 40 + "!", "é" + "\u0301" * 29 + "!", ["marks", "encoding"]),
    ("<\u200bbr>fig &l\u0007t;br>", "fig", None),
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
        (b"<br>" * 500 + b"fig", None),
        (b" " * 5_000 + b"fig", None),
        (b"x y " * 500, "too_long"),
    ],
)
def test_text_that_cannot_be_used(raw: bytes, reason: str | None) -> None:
    assert cleaner.clean(raw, CLEAN_TEXT).reason == reason


LOOK_ALIKES = [
    "if p<q and r>s then swap",
    "if a<b and c>d then swap",
    "Bring the box to <address> at <time>, see <link> and <summary>",
    "<title>: <source> to <TIME>, <dd>/<mm>, <input>",
    "#include <time.h>",
    "std::pair <a, b> and Map<String, List<I>>",
    "Set<S> of Box<object>",
    "how to centre a <div> in a <table>",
    "<label of the box>, <time of arrival>",
    "<3 <- -> <jo@mail.example> <https://a.example>",
    "x <b = 3> y, i <p and p> j",
    "<Link to={home}>Home</Link> <button onClick={() => go()}>Go</button>",
    "<robot><link name='base'/><joint/></robot>",
    "<note><to>Ann</to></note>",
    "a <b>c, d <i>e",
]


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_html_stays(text: str) -> None:
    assert (cleaned(text).content, cleaned(text).repairs) == (text, ())


@pytest.mark.parametrize(
    "text",
    [
        "we won, \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f forever",  # England's flag
        "with love \u2764\ufe0f from us",
        "a family \U0001f468\u200d\U0001f469\u200d\U0001f467 at home",
    ],
)
def test_marks_that_emoji_need_stay(text: str) -> None:
    assert cleaner.clean(text.encode(), CLEAN_TEXT).content == text


def test_html_stays_where_params_keep_it() -> None:
    text = "<b>ripe</b> &amp; <!-- not --> sweet<br>"
    kept = cleaned(text, html="keep", boilerplate=["ripe & sweet"])
    assert (kept.content, kept.repairs) == (text, ())
    assert cleaned(text, boilerplate=["ripe & sweet"]).reason == "empty"


def test_cleaning_twice_changes_nothing() -> None:
    modes = [
        params(),
        params(html="keep"),
        params(urls="replace", mentions="replace", pii="redact", boilerplate=["hello", "a b"]),
    ]
    for seed in range(600):
        text = mixed_text(seed)
        for mode in modes:
            once = cleaner.clean(text.encode(), mode)
            if once.content is not None:
                assert cleaner.clean(once.content.encode(), mode).content == once.content, ascii(text)


# Scripts, entities, tags, controls, marks, mojibake, personal data.
PIECES = [
    *(
        "a",
        "b ",
        "hello",
        " ",
        "\n",
        "\t",
        "\u3000",
        "é",
        "e\u0301",
        "Ã©",
        "â€œ",
        "Ã",
        "\x85",
        "\xad",
        "\u200b",
        "\ufeff",
    ),
    *(
        "\u0301",
        "\u0338",
        "\u0300" * 40,
        "<b>",
        "</b>",
        "<br>",
        "<p>",
        "<address>",
        "<a href='x'>",
        "</a>",
        "<i",
        "<",
        ">",
    ),
    *("&amp;", "&lt;", "&gt;", "&", "amp;", "lt;", "#38;", "&#x3c;", "&nbsp;", "&#769;", "&amp;lt;b&amp;gt;", ";", "="),
    *(
        "<!--",
        "-->",
        "<script>",
        "</script>",
        "\x00",
        "\x07",
        "\x1b[31m",
        "\x1b",
        "[0m",
        "你好",
        "，",
        "！",
        "ｂ",
        "ﬁ",
        "“",
    ),
    *(
        "ﾊﾟ",
        "ハ",
        "\u3099",
        "की",
        "ก็",
        "한",
        "\u1100\u1161",
        "👍🏽",
        "\ufe0f",
        "\u2028",
        "\u212b",
        "\u037e",
        "\ufffd",
        "@jo",
    ),
    *(
        "@张三 ",
        "http://a.b/c",
        "www.x.y",
        ".",
        "RT",
        "u/abc",
        "/",
        "jo@mail.example",
        "13812345678",
        "+44 20 7946 0958",
    ),
    *("DE89 3704 0044 0532 0130 00", "[URL]", '"', "'", "(at)", " dot com"),
]


def mixed_text(seed: int) -> str:
    rng = random.Random(seed)
    return "".join(rng.choices(PIECES, k=rng.randint(1, 25)))


# --- work ---


@pytest.mark.parametrize(
    "unit",
    [
        *("<", "<b>", "<b ", "</b>", '<a b="', "<!--", "<script>", "<style ", "&", "&amp;", "&amp;amp;", "&#38;"),
        *("\n", "\x85", "Ã©", "a\u200b", "1 ", "1/", "12/12/2020 ", "2010-2015 ", "call 12345678, ", "a@b.example "),
        *(
            "@",
            "a@",
            "RT@",
            "http://",
            "(",
            "1.2.3.4 ",
            "AB 12 34 56 C ",
            "AB12 ",
            "13812345678 ",
            "@张",
            "e\u0301\u0327",
        ),
    ],
)
def test_ten_times_the_text_is_ten_times_the_work(unit: str) -> None:
    """Work that grows with the square of the length would let one row stop the line."""
    everything = params(max_chars=10**6, urls="replace", mentions="replace", pii="redact", max_repetition=1.0)
    short, long = (unit * (length // len(unit)) for length in (1_500, 15_000))
    cleaner.clean(short.encode(), everything)  # what is loaded on first use
    assert n_calls(long, everything) <= 15 * n_calls(short, everything) + 500
    started = time.process_time()
    cleaner.clean((unit * (40_000 // len(unit))).encode(), everything)
    assert time.process_time() - started < 2


def n_calls(text: str, settings: cleaner.CleanParams) -> int:
    """The number of calls of functions and steps of generators while a text is cleaned."""
    n = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal n
        n += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        cleaner.clean(text.encode(), settings)
    finally:
        sys.setprofile(before)
    return n


def test_many_marks_are_no_trap() -> None:
    """NFC orders a run of marks in quadratic time."""
    started = time.process_time()
    cleaned("a" + "\u0301\u0327" * 100_000)
    assert time.process_time() - started < 2


def test_tags_are_not_searched_in_what_is_longer_still(monkeypatch: pytest.MonkeyPatch) -> None:
    short = params(max_chars=10)
    assert cleaner.clean(b"<p>" * 600 + b"a fig", short).content == "a fig"
    monkeypatch.setattr(cleaner.markup, "without_html", pytest.fail)
    assert cleaner.clean(b"<p>" * 700 + b"a fig", short).reason == "too_long"


def test_what_is_far_too_long_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleaner, "find_pii", pytest.fail)
    monkeypatch.setattr(cleaner, "repair", pytest.fail)
    for text in ("12/12/2020 " * 200, "<p>a fig</p>" * 500, "fig\x1f" * 500):
        assert cleaner.clean(text.encode(), CLEAN_TEXT).reason == "too_long"
