"""Personal data in texts is found, noted, redacted, or drops its row."""

import time
from collections import Counter
from typing import Any

import pytest

from stages import clean as stage
from stages.core import paths
from stages.core.tables import SIDE_MARK, WORD_MARK, read_frame
from stages.modalities.text.clean import privacy
from stages.modalities.text.clean.cleaner import CleanParams
from stages.targets.category import label as category_label
from tests import pii, tiny
from tests.cleaning.text_params import cleaned, params
from tests.collected import write_collected


def tokens(*words: str) -> str:
    return "".join(word + WORD_MARK for word in words)


def test_pii_is_found_and_nothing_else() -> None:
    """At least 300 of each, in many countries' spellings."""
    rows = list(pii.sentences())
    found = pii.score()
    assert sum(len(row.wanted) for row in rows) >= 300
    assert sum(not row.wanted for row in rows) >= 300
    assert {kind for row in rows for kind, *_ in row.wanted} == set(privacy.KINDS)
    assert found.precision(*privacy.KINDS) >= 0.95
    assert found.recall(*privacy.KINDS) >= 0.95
    assert min(found.precision(kind) for kind in privacy.KINDS) >= 0.95
    assert min(found.recall(kind) for kind in privacy.KINDS) >= 0.95


def test_pii_is_noted_redacted_or_drops_its_row() -> None:
    text = "Ann, ann@mail.example or 020 7946 0958, also bob@mail.example"
    kept, redacted, dropped = (cleaned(text, pii=mode) for mode in ("keep", "redact", "drop"))
    assert (kept.content, kept.repairs) == (text, ())
    assert redacted.content == "Ann, [EMAIL] or [PHONE], also [EMAIL]"
    assert redacted.repairs == ("redacted_email", "redacted_phone")
    assert (dropped.content, dropped.reason) == (None, "pii")
    assert kept.measured["pii"] == redacted.measured["pii"] == dropped.measured["pii"] == ["email", "phone", "email"]
    assert cleaned(str(redacted.content), pii="redact").measured["pii"] == []


def test_each_token_stays_one() -> None:
    """A number that stands in several tokens is one placeholder a token, as each has a tag."""
    text = tokens("Call", "020", "7946", "0958", ",", "or", "jo@mail.example", "see", "https://a.example", "@jo")
    found = cleaned(text, pii="redact", urls="replace", mentions="replace")
    assert found.content == "Call [PHONE] [PHONE] [PHONE] , or [EMAIL] see [URL] [USER]"
    assert found.measured["pii"] == ["phone", "email"]


def test_both_sides_of_a_pair_are_redacted() -> None:
    found = cleaned(f"mail jo@mail.example{SIDE_MARK}call 020 7946 0958", pii="redact")
    assert found.content == "mail [EMAIL]\ncall [PHONE]"
    assert found.measured["pii"] == ["email", "phone"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("order 4155550132", []),
        ("call 4155550132", ["phone"]),
        ("4155550132", []),
        ("(415) 555-0132", ["phone"]),
        ("My order is late, so I want you to call 4155550132", ["phone"]),
        (
            "Your 2004 Account Statement for 07742676969 shows 786 points",
            ["phone"],
        ),  # "account" is too far away to count
        ("invoice no. is 07742676969", []),
        ("Bestellnummer 07742676969", []),
        ("07742676969", ["phone"]),
        ("call 07742676969/07880867867", ["phone", "phone"]),
        ("called (12.03.2024), phoned 03/11/2024 10:45, rang 2010-2015", []),
        ("phone 10 9 8 7 6 5 4 3 2 1", []),
        ("called to say it costs 12 450 000", []),
        ("call https://a.example/07742676969", []),
        ("card 6759 6498 2643 8453", ["card"]),
        ("6759 6498 2643 8453", []),
        ("card 6759 6498 2643 8454", []),
        ("gift card 4111 1111 1111 1111", []),
        ("4111 1111 1111 1111", ["card"]),
        ("DE89 3704 0044 0532 0130 00", ["iban"]),
        ("call about DE89 3704 0044 0532 0130 00", ["iban"]),
        ("SIN 046 454 286", []),  # void, but no phone number
        ("DE88 3704 0044 0532 0130 00", []),
        ("mask 255.255.255.0, ip 127.0.0.1, host 0.0.0.0", []),
        ("version 81.2.69.142", []),
        ("81.2.69.142", ["ip"]),
        ("3.1.2.4", []),
        ("server 3.1.2.4", ["ip"]),
        ("PESEL 99021050048", ["id"]),
        ("PESEL 99021050049", []),
        ("99021050048", []),
        ("529.982.247-25", ["id"]),
        ("call 09061209465", ["phone"]),  # which would be a Norwegian id number
        ("git@host.example:me/it.git, icon@2x.png, @me@host.example", []),
        ("jo at mail dot example", []),
        ("jo at mail dot com", ["email"]),
        ("اتصل ٠٥٠١٢٣٤٥٦٧", ["phone"]),
        ("有事请打13912345670谢谢", ["phone"]),
        ("139-1234-5670是我的", ["phone"]),
        ("订单13912345670什么时候到", []),
        ("订单没到，请拨打13912345670", ["phone"]),
        ("编号：13912345670", []),
        ("13912345670", []),  # nothing says that this is a Chinese sentence
        ("手机１３９１２３４５６７０", ["phone"]),
        ("邮箱ａｎｎ＠ｍａｉｌ．ｃｏｍ", ["email"]),
        ("邮箱.ann@mail.example，ann(at)mail.de谢谢", ["email", "email"]),
        ("Thanks...ann@mail.example", ["email"]),
        ("@ann-b@mail.example", []),
        ("服务器81.2.69.142挂了", ["ip"]),
        ("转到DE89370400440532013000吧", ["iban"]),
        ("看https://a.example/b电话13912345670", ["phone"]),
    ],
)
def test_the_nearest_word_or_the_spelling_says_what_a_number_is(text: str, found: list[str]) -> None:
    assert [span.kind for span in privacy.find_pii(text)] == found


@pytest.mark.parametrize(
    "unit",
    [
        "1",
        "1 ",
        "1-",
        "call 12345678, ",
        "a@",
        "x@a.",
        ":",
        "a:",
        "1.",
        "AB12 ",
        "a dot ",
        "a at ",
        "(at)",
        "DE89 3704 ",
        "http://a",
        "+1",
        "(",
        "u/",
        "@",
        "aB1",
    ],
)
def test_long_texts_are_no_trap(unit: str) -> None:
    """Work that grows with the square of the length would let one row stop the line."""
    text = unit * (20_000 // len(unit))
    started = time.process_time()
    cleaned(text, pii="redact", urls="replace", mentions="replace", max_symbol_ratio=1.0, max_repetition=1.0)
    assert time.process_time() - started < 2


class TextSection(stage.Section):
    text: CleanParams


def test_what_was_found_is_counted(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths.LEDGER.parent.mkdir()
    paths.LEDGER.write_text("id,action,label,note\n")
    write_collected(
        [
            ("mail a@b.example, c@d.example", "fruit"),
            ("call 020 7946 0958", "fruit"),
            ("a ripe apple", "fruit"),
            (" ", "fruit"),
        ]
    )
    section = TextSection(label=category_label.LabelParams(**tiny.CLEAN_NAMES), missing=[], text=params(pii="redact"))
    counts = stage.main(stage.Params.model_construct(modality="text", target="category", clean=section))
    found = {name: count for name, count in counts.metrics().items() if "pii" in name or "redacted" in name}
    assert found == {"repaired_redacted_email": 1, "repaired_redacted_phone": 1, "pii_email": 2, "pii_phone": 1}
    assert read_frame(paths.CLEAN_VERDICTS)["pii"].tolist() == [["email", "email"], ["phone"], [], []]
    assert Counter(read_frame(paths.CLEANED)["content"]) == Counter(
        ["mail [EMAIL], [EMAIL]", "call [PHONE]", "a ripe apple"]
    )
