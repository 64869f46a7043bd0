"""Texts are repaired, or dropped with a reason."""

import time

import pytest

from stages.modalities.text.clean import cleaner
from tests.cleaning.text_params import CLEAN_TEXT

pytestmark = pytest.mark.usefixtures("workplace")


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
