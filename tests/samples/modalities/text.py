"""Samples of text."""

from tests import tiny
from tests.samples.kinds import ModalitySamples


def texts(*lines: str) -> list[bytes]:
    return [line.encode() for line in lines]


SAMPLES = ModalitySamples(
    contents=texts(
        "a ripe apple",
        "a ripe apple from the old shop, and the large red one with it",
        "a hammer, an anvil and a file from the new box of tools",
        "fig",
        "?!",
        "熟したりんごを買いました",
        "яблоко с рынка",
        "🍏🍐",
        "a " * 40 + "mango",
    ),
    same=[
        (b"A ripe apple!", b"a ripe, apple"),
        ("ﬁne pears".encode(), b"fine PEARS"),
        (b"<p>two &amp; three</p>", b"two three"),
    ],
    near=[
        (
            b"the quick fox ran over the hill to the old shop and bought a box of ripe apples",
            b"the quick fox ran over the hill to the old shop and bought a bag of ripe apples",
        ),
        (
            b"open daily from nine to five, closed on Sundays and holidays",
            b"open daily from nine to six, closed on Sundays and holidays",
        ),
    ],
    threshold=0.7,
    reasons={
        "empty": b" <br> \x00 ",
        "too_short": b"f",
        "too_long": b"a mango " * 50,
        "gibberish": b"#=#-*#-#*=/=#",
        "other_language": "Hier gibt es nur Äpfel und Birnen, aber keine Pflaumen und erst recht keine Mangos".encode(),
        "pii": b"apples: call Ann on 020 7946 0958",
    },
    clean=tiny.CLEAN_TEXT
    | {"min_chars": 2, "max_chars": 200, "languages": ["en", "ja", "ru"], "max_symbol_ratio": 0.9, "pii": "drop"},
    embedders=[
        {"model": "{folder}/text", "max_length": 16, "batch_size": 4, "token_layer": None},
        {"model": "{folder}/text", "max_length": 16, "batch_size": 4, "token_layer": 1},
        {"model": "sentence-transformers/all-MiniLM-L6-v2", "max_length": 32, "batch_size": 4, "token_layer": 4},
    ],
    clean_copies={"min_chars": 1, "languages": []},
)
