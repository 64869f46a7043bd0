"""Language, gibberish, boilerplate, addresses and mentions in texts."""

import re

import pytest
from pydantic import ValidationError

from stages.core.errors import InputError
from stages.core.tables import SIDE_MARK
from stages.modalities.text.clean import checks
from stages.modalities.text.clean.cleaner import clean, suggest
from tests.cleaning.text_params import cleaned, params

# --- language and gibberish ---

# One sentence in twelve languages.
SENTENCES = {
    "en": "The parcel came far too late, and the box was open when the courier handed it over.",
    "de": "Das Paket kam viel zu spät an, und der Karton war offen, als der Bote ihn übergab.",
    "fr": "Le colis est arrivé beaucoup trop tard, et le carton était ouvert quand le livreur l'a remis.",
    "es": "El paquete llegó demasiado tarde y la caja estaba abierta cuando el mensajero la entregó.",
    "it": "Il pacco è arrivato troppo tardi e la scatola era aperta quando il corriere l'ha consegnata.",
    "pt": "O pacote chegou tarde demais e a caixa estava aberta quando o estafeta a entregou.",
    "nl": "Het pakket kwam veel te laat en de doos was open toen de bezorger hem overhandigde.",
    "pl": "Paczka przyszła o wiele za późno, a karton był otwarty, kiedy kurier mi go wręczył.",
    "sv": "Paketet kom alldeles för sent och lådan var öppen när budet lämnade över den.",
    "ru": "Посылка пришла слишком поздно, и коробка была открыта, когда курьер её передал.",
    "zh": "包裹来得太晚了，快递员交给我的时候箱子已经打开了。",
    "tr": "Paket çok geç geldi ve kurye teslim ettiğinde kutu açıktı.",
}
SHORT = [
    "ok",
    "no",
    "lol",
    "4/5",
    "thx m8",
    "Ja!",
    "C U l8r",
    "gr8 stuff",
    "?!",
    ":-)",
    "U dun say so early hor",
    "mango",
    "Ok lar...",
    "500 ml",
    "👍👍👍",
]


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_in_another_language_is_dropped(code: str) -> None:
    found = cleaned(SENTENCES[code], languages=["en"])
    assert (found.reason, found.measured["language"]) == (None if code == "en" else "other_language", code)
    assert cleaned(SENTENCES[code], languages=["en", code]).reason is None
    assert cleaned(SENTENCES[code]).measured.keys() == {"pii", "addresses"}  # not asked for, not loaded


@pytest.mark.parametrize("text", SHORT)
def test_no_text_is_dropped_on_a_guess(text: str) -> None:
    found = cleaned(text, languages=["en"], max_symbol_ratio=0.9, max_repetition=0.9)
    assert found.reason is None
    assert found.measured["language_probability"] < checks.SURE or found.measured["language"] == "en"


def test_unknown_languages_are_refused() -> None:
    message = (
        "clean.text.languages: jp, xx cannot be identified; the ISO 639 codes that can, "
        "with the same first letter: ja, jv, xh"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        cleaned("a ripe apple", languages=["en", "xx", "jp"])
    assert cleaned("a ripe apple", languages=["en", "ja", "jv", "xh"]).reason is None


@pytest.mark.parametrize(
    "text",
    [
        "aaaaaaaaaaaa",
        "!!!!!!!!!",
        "lol lol lol lol",
        "hahahahahaha",
        "very good very good very good very good",
        "-=-=-=-=-=-=-=",
        "#$%^&*()_+{}|",
        "。。。。。。。。。",
        "~~~ *** ~~~ ***",
        "。、「」！？…—（）",
    ],
)
def test_gibberish(text: str) -> None:
    assert cleaned(text, max_symbol_ratio=0.9, max_repetition=0.9).reason == "gibberish"
    measured = cleaned(text, max_symbol_ratio=1.0, max_repetition=1.0).measured
    assert max(measured["symbol_ratio"], measured["repetition"]) > 0.9
    assert cleaned(text).reason is None


NO_GIBBERISH = [
    *SHORT, *SENTENCES.values(),
    "熟したりんごを買いました", "خانه‌ها زیبا هستند", "मुझे यह पसंद है", "ฉันชอบมันมาก",
    "🍏🍐🍊🍋🍌🍉🍇🍓", "👩‍🌾 👨‍👩‍👧‍👦 🏳️‍🌈",
    "for (i = 0; i < n; i++) { a[i] += b[i]; }", "x^2 + y^2 = z^2", "SELECT * FROM rows WHERE id = 7;",
    "12 34 56 78 90", "+44 20 7946 0958", "Wow!!!!!",
    "no no no, that is not what I ordered", "what on earth were they thinking??????", "¯\\_(ツ)_/¯ whatever", "the the",
    "Blah blah blah", "HOWS THIS HOWS THIS HOWS THIS", "1000000", "22 33 44 55 66 77", "bye bye",
]  # fmt: skip


@pytest.mark.parametrize("text", NO_GIBBERISH)
def test_what_is_no_gibberish(text: str) -> None:
    assert cleaned(text, max_symbol_ratio=0.9, max_repetition=0.9).reason is None


def test_random_keys_are_in_no_language() -> None:
    text = "hkwjlbf cfjr gmqb tljfxf jrysar vkixqyag zbrabk vppbxtkc chxfy"
    assert cleaned(text, languages=["en"]).reason == "gibberish"
    assert cleaned(text, languages=["en", "zxx"]).reason is None


def test_the_worse_side_of_a_pair_counts() -> None:
    pair = f"a ripe apple and a pear{SIDE_MARK}!!!!!!!!!!!!"
    assert cleaned(pair, max_symbol_ratio=0.9).reason == "gibberish"
    assert cleaned(f"{SENTENCES['de']}{SIDE_MARK}ok", languages=["en"]).reason == "other_language"


# --- boilerplate ---


def test_personal_data_that_params_take_out_are_not_suggested() -> None:
    letters = [f"a pear, number {number}\nwrite to jane.doe@example.com".encode() for number in range(12)]
    assert [one.value for one in suggest(letters, params())] == ["write to jane.doe@example.com"]
    assert suggest(letters, params(pii="redact")) == []


FOOTER = "Sent from my <b>telephone</b>"


def test_boilerplate_is_suggested_and_left_out_where_params_name_it() -> None:
    letters = [f"a pear, number {number}\nit was ripe\n\n{FOOTER}<br>***".encode() for number in range(12)]
    letters += [f"{FOOTER}</p>an anvil, number {number}".encode() for number in range(3)]
    found = suggest([*letters, b"a fig\nbought once", *[b"one <b>line</b> only"] * 30], params())
    assert [(one.key, one.value, one.rows) for one in found] == [
        ("clean.text.boilerplate", "Sent from my telephone", 15),
        ("clean.text.boilerplate", "it was ripe", 12),
    ]
    named = params(boilerplate=[one.value for one in found])
    assert suggest(letters, named) == []
    assert params(boilerplate=["Sent  from my telephone\u00a0"]).boilerplate == ["Sent from my telephone"]
    first = clean(letters[0], named)
    assert (first.content, first.repairs[-1]) == ("a pear, number 0 ***", "boilerplate")
    assert clean(b"a fig\nbought once", named) == clean(b"a fig\nbought once", params())
    assert clean(FOOTER.encode(), named).reason == "empty"


def test_lines_are_suggested_from_ten_rows_and_one_in_a_thousand_on() -> None:
    rows = [b"a pear\nripe"] * 9
    assert suggest(rows, params()) == []
    assert {one.rows for one in suggest([*rows, b"a fig\nripe\na pear"], params())} == {10}
    assert suggest([*rows, b"a fig\nripe\na pear", *[b"an apple"] * 9_991], params()) == []


def test_a_listed_line_that_no_text_has_is_reported() -> None:
    rows = [b"a pear\nSent from home", b"<p>Sent from home</p>a fig", b"Sent from\n\tabroad", b"Sent  from abroad"]
    named = params(boilerplate=["Sent from home", "Sent from abroad", "sent from \u201chome\u201d"])
    found = suggest(rows, named)
    assert [(one.key, one.value, one.rows) for one in found] == [
        ("clean.text.boilerplate", "sent from \u201chome\u201d", 0)
    ]
    assert suggest(rows, params(boilerplate=["Sent from home", "Sent from abroad"])) == []


def test_a_blank_line_of_boilerplate_is_refused() -> None:
    with pytest.raises(ValidationError, match="a line is blank; take it out"):
        params(boilerplate=["Sent from home", " \u00a0"])
    assert params(boilerplate=[]).boilerplate == []


def test_lines_that_together_are_a_listed_one_are_removed_at_once() -> None:
    assert cleaned("Sent\nfrom home", boilerplate=["Sent from home"]).reason == "empty"


def test_lines_that_stand_twice_in_a_row_count_once() -> None:
    assert [one.rows for one in suggest([b"ripe\nripe\nripe"] * 10, params())] == [10]


# --- addresses of pages, names of users ---


@pytest.mark.parametrize(
    ("text", "content", "repairs"),
    [
        ("see https://shop.example/a?b=1, or www.example.org.", "see [URL], or [URL].", ("urls",)),
        ("(ftp://files.example.org/x)", "([URL])", ("urls",)),
        ("thanks @jane_doe and u/apple-eater!", "thanks [USER] and [USER]!", ("mentions",)),
        ("@me@mastodon.example said: meet @7pm @ home", "[USER] said: meet @7pm @ home", ("mentions",)),
        ("jo@mail.example, 3 @ 0.50", "jo@mail.example, 3 @ 0.50", ()),
        ("他@wang说 https://例え.jp/a", "他[USER]说 [URL]", ("urls", "mentions")),
        ("看https://shop.example/a1很好，http://b.example/c，不错", "看[URL]很好，[URL]，不错", ("urls",)),
        (
            "textwww.a.example here:https://a.example/b… _http://c.example",
            "textwww.a.example here:[URL] _[URL]",
            ("urls",),
        ),
        ("RT@jo: ripe", "RT[USER]: ripe", ("mentions",)),
        ("ripe//@张三:sweet", "ripe//[USER]:sweet", ("mentions",)),
        (".@jo see this.@ann_b", ".[USER] see this.[USER]", ("mentions",)),
        ("@12345678 and ＠jo２", "[USER] and [USER]", ("mentions",)),
        (
            "5 pears @ 500, @1200 each, @1500000.50, npm/@scope/name",
            "5 pears @ 500, @1200 each, @1500000.50, npm/@scope/name",
            (),
        ),
        ("回复@李小花:好吃 问@张三 吧", "回复[USER]:好吃 问[USER] 吧", ("mentions",)),
        ("苹果@三块钱一斤真的是很便宜很便宜啊", "苹果@三块钱一斤真的是很便宜很便宜啊", ()),
    ],
)
def test_addresses_and_mentions_are_replaced_where_params_ask(
    text: str, content: str, repairs: tuple[str, ...]
) -> None:
    found = cleaned(text, urls="replace", mentions="replace")
    assert (found.content, found.repairs) == (content, repairs)
    again = cleaned(content, urls="replace", mentions="replace")
    assert (again.content, again.repairs) == (content, ())
    assert cleaned(text).content == text


def test_addresses_and_mentions_are_measured_by_default() -> None:
    measured = cleaned("@jo https://a.example/@jo and u/ann").measured
    assert measured == {"pii": [], "addresses": ["mention", "url", "mention"]}
    replaced = cleaned("@jo https://a.example/@jo and u/ann", urls="replace", mentions="replace")
    assert replaced.measured["addresses"] == measured["addresses"]


def test_frequent_addresses_are_a_suggestion() -> None:
    rows = [b"@jo a fig"] * 2 + [b"a pear"] * 6 + [b"see https://a.example/b"] * 2
    found = [(one.key, one.value, one.rows) for one in suggest(rows, params())]
    assert found == [("clean.text.urls", "web addresses", 2), ("clean.text.mentions", "names of users", 2)]
    assert suggest(rows, params(urls="replace", mentions="replace")) == []
    assert suggest([*rows, b"a plum"], params()) == []


def test_texts_that_are_far_too_long_are_not_searched_for_suggestions() -> None:
    """The cleaner drops them before it searches them. One that tags make long is searched."""
    line = "@jo a ripe fig\n"
    long = params(max_chars=len(line))
    assert {one.rows for one in suggest([line.encode() * 2] * 10, long)} == {10}
    assert suggest([line.encode() * 21] * 10, long) == []
    assert suggest([f"a fig{SIDE_MARK}{line * 21}".encode()] * 10, long) == []
    assert {one.rows for one in suggest([f"{line}<b>{line}</b>{'<i></i>' * 99}".encode()] * 10, long)} == {10}
