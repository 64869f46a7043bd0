"""Plants known faults into the clean reviews: writes data/reviews.csv, and the key of what was done to which row.

    python -m tests.planted.plant

The pipeline never reads the key; tests/line/test_planted.py scores the pipeline against it.
"""

import csv
import random
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
CLEAN = HERE / "reviews_clean.csv"
KEY = HERE / "key.csv"
REVIEWS = HERE.parents[1] / "data" / "reviews.csv"
SEED = 7

# How many rows of each fault, of 2,500 clean ones.
COUNTS = {
    "flipped_label": 75,
    "html": 60,
    "mojibake": 50,
    "label_spelling": 200,
    "missing_label": 25,
    "exact_duplicate": 75,
    "near_duplicate": 100,
    "empty": 25,
    "one_word": 15,
    "other_language": 16,
    "gibberish": 30,
}
SPELLINGS = {
    "positive": ["Positive", " positive", "POSITIVE", " pos", "pos"],
    "negative": ["Negative", "negative ", "NEGATIVE", " neg", "neg"],
}
ONE_WORD = [
    "ok",
    "Good",
    "meh",
    "Great!",
    "nope",
    "Bad.",
    "fine",
    "Nice",
    "wow",
    "Love",
    "hmm",
    "no",
    "yes",
    "A+",
    "Awful",
]
OTHER_LANGUAGE = [
    ("Nach drei Wochen ist der Griff abgebrochen, der Kundendienst antwortet nicht. Nie wieder.", "negative"),
    ("Sehr bequem und schnell geliefert, meine Tochter zieht die Schuhe gar nicht mehr aus.", "positive"),
    ("Ich hatte mehr erwartet, die Farbe ist ganz anders als auf dem Bild.", "negative"),
    ("Produit conforme à la photo, la couleur est même plus jolie en vrai. Je suis ravie.", "positive"),
    ("La fermeture éclair s'est cassée au premier voyage, quelle déception.", "negative"),
    ("Très pratique pour les petites cuisines, et facile à nettoyer.", "positive"),
    ("Llegó tarde y con la caja rota, pero el altavoz suena de maravilla.", "positive"),
    ("No funciona con mi teléfono y nadie responde a los mensajes.", "negative"),
    ("Mi perro la destrozó en una tarde, y eso que ponía resistente.", "negative"),
    ("Il tessuto è sottile ma cade bene, lo ricomprerei senza pensarci.", "positive"),
    ("Dopo due lavaggi sembrava uno straccio.", "negative"),
    ("De lamp geeft prachtig warm licht en was zo opgehangen.", "positive"),
    ("Het deksel sluit niet, alles liep uit in mijn tas.", "negative"),
    ("Świetny plecak, przetrwał cały sezon w górach bez jednej dziury.", "positive"),
    ("思ったより小さくて、すぐに壊れてしまいました。", "negative"),
    ("Отличный чайник, закипает быстро и почти бесшумно.", "positive"),
]
Row = dict[str, str]


def as_html(text: str, rng: random.Random) -> str:
    """As a shop's page or a careless export leaves it."""
    wrapped = [
        f"<p>{text}</p>",
        f'<div class="review-body"><span>{text}</span></div>',
        text.replace(". ", ".<br/><br/>") + "<br>",
        text.replace("'", "&#39;").replace('"', "&quot;") + " &nbsp;",
    ]
    return rng.choice(wrapped)


def as_mojibake(text: str, rng: random.Random) -> str:
    """Curly quotes and dashes in UTF-8, read as Windows-1252."""
    curly = text.replace("'", "\u2019").replace(" - ", " \u2013 ")
    if curly == text:
        curly = text.replace(", ", " \u2013 ", 1) if ", " in text else f"\u201c{text.rstrip('.')}\u201d."
    return curly.encode("utf-8").decode("cp1252", "ignore")


def as_retyped(text: str, rng: random.Random) -> str:
    """The same words: other case, other punctuation, other spaces."""
    changes: list[Callable[[str], str]] = [
        str.upper,
        str.lower,
        lambda t: t.replace(".", "!"),
        lambda t: t.replace(" ", "  ") + " ",
        lambda t: t,
    ]
    return rng.choice(changes)(text)


def as_edited(text: str, rng: random.Random) -> str:
    """One small edit, as when a person posts a review again."""
    words = text.split(" ")
    place = rng.randrange(len(words))
    edits = {
        "drop": words[:place] + words[place + 1 :],
        "double": words[: place + 1] + words[place:],
        "append": [*words, rng.choice(["Thanks.", "EDIT: typo.", "Cheers", "(bought twice)"])],
        "typo": [*words[:place], words[place][1:] + words[place][:1], *words[place + 1 :]],
    }
    return " ".join(edits[rng.choice(sorted(edits))])


def as_gibberish(rng: random.Random) -> str:
    return " ".join(
        "".join(rng.choice("asdfghjklqwertyuiopzxcvbnm;") for _ in range(rng.randint(2, 9)))
        for _ in range(rng.randint(4, 12))
    )


def plant(rows: list[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """The faulty rows and the key: one line a fault, with the review that it was made from."""
    rng = random.Random(seed)
    planted, key = [dict(row) for row in rows], []
    rated = [row for row in planted if row["sentiment"] in SPELLINGS]  # the line drops the others
    samples = [dict(row) for row in rated]
    untouched = rng.sample(rated, len(rated))

    def take(count: int, shortest: int = 0) -> list[Row]:
        """Rows without a fault, of more than `shortest` characters."""
        chosen = [row for row in untouched if len(row["review"]) > shortest][:count]
        for row in chosen:
            untouched.remove(row)
        return chosen

    def note(row: Row, fault: str, of: str = "") -> None:
        key.append({"review_id": row["review_id"], "fault": fault, "of": of})

    def add(row: Row, fault: str, of: str = "", after: int = 0) -> None:
        row = {**row, "review_id": f"x{len(key):04d}"}
        note(row, fault, of)
        planted.insert(rng.randint(after, len(planted)), row)

    for row in take(COUNTS["flipped_label"]):
        row["sentiment"] = "negative" if row["sentiment"] == "positive" else "positive"
        note(row, "flipped_label")
    for fault, change in (("html", as_html), ("mojibake", as_mojibake)):
        for row in take(COUNTS[fault], shortest=60):
            row["review"] = change(row["review"], rng)
            note(row, fault)
    for row in take(COUNTS["label_spelling"]):
        row["sentiment"] = rng.choice(SPELLINGS[row["sentiment"]])
        note(row, "label_spelling")
    for row in take(COUNTS["missing_label"]):
        row["sentiment"] = rng.choice(["", " "])
        note(row, "missing_label")
    for fault, change in (("exact_duplicate", as_retyped), ("near_duplicate", as_edited)):
        for row in take(COUNTS[fault], shortest=110):
            copy = {**row, "review": change(row["review"], rng)}
            add(copy, fault, row["review_id"], planted.index(row) + 1)
    for number in range(COUNTS["empty"]):
        add({**rng.choice(samples), "review": ["", " ", "\n", "<p></p>"][number % 4]}, "empty")
    for word in ONE_WORD:
        add({**rng.choice(samples), "review": word}, "one_word")
    for text, sentiment in OTHER_LANGUAGE:
        add({**rng.choice(samples), "review": text, "sentiment": sentiment}, "other_language")
    for _ in range(COUNTS["gibberish"]):
        add({**rng.choice(samples), "review": as_gibberish(rng)}, "gibberish")
    return planted, sorted(key, key=lambda line: (line["fault"], line["review_id"]))


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    reviews, key = plant(read(CLEAN), SEED)
    write(REVIEWS, reviews)
    write(KEY, key)
