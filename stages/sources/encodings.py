"""Finds encodings that a text file may have, for messages about files that are not in the encoding expected.

The messages need the right name first. For short files charset-normalizer 3.5 often names another: cp949 for Chinese in
GB 18030, cp1250 for German in cp1252.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

BLOCK = 2**20  # bytes that are decoded at a time
SAMPLE = 200_000  # bytes of lines that are scored
SHOWN = 3  # encodings in a message

# Of two encodings that read a file equally well, the first is named first.
ENCODINGS = (
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "mac_roman"),
    *("cp949", "gb18030", "big5hkscs", "cp932", "euc_jp"),
)
BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# The frequent characters of East Asian character sets are those whose first byte is in a range.
FREQUENT = {
    "gb18030": ("gb2312", 0xB0, 0xD7),
    "big5hkscs": ("big5", 0xA4, 0xC6),
    "cp932": ("shift_jis", 0x88, 0x97),
    "euc_jp": ("shift_jis", 0x88, 0x97),
    "cp949": ("euc_kr", 0xB0, 0xC8),
}
FREQUENT_LETTERS = set("оеаинтсрвлкмдпуαοιετσνηυρπκμλωςάέήίόύώיוהלאתרבשמנاليمونرتبعةهานรอกเงมยลวดทสตะปคหแ่้ัิีื")
PUNCTUATION = "“”‘’„–—…«»¡¿€£°©®"
MINOR_LETTERS = "ªº"


@dataclass(frozen=True)
class Candidate:
    """An encoding that decodes a whole file, and how it reads some letters of it."""

    encoding: str
    sample: str

    def __str__(self) -> str:
        return f"{self.encoding} ({self.sample!r})"


def candidates(path: Path) -> list[Candidate]:
    """The encodings that decode the whole file and read it differently, the most likely first."""
    head = _odd_lines(path)
    scores: dict[str, float] = {}  # by how the lines read
    encodings: dict[str, str] = {}
    for name in [name for mark, name in BYTE_ORDER_MARKS.items() if head.startswith(mark)][:1] or _without_mark(head):
        text = head.decode(name, "ignore")
        if text not in scores and decodes(path, name):
            scores[text], encodings[text] = likelihood(text, name), name
    texts = sorted(scores, key=lambda text: -scores[text])
    likely = [text for text in texts if scores[text] > scores[texts[0]] - 1]
    return [Candidate(encodings[text], sample_of(text)) for text in likely[:SHOWN]]


def _without_mark(head: bytes) -> Sequence[str]:
    if b"\x00" not in head:
        return ENCODINGS
    # Of the four bytes of a letter in UTF-32, two or three are NUL.
    return ("utf-16-le", "utf-16-be") if head.count(b"\x00") < 0.6 * len(head) else ("utf-32-le", "utf-32-be")


def _odd_lines(path: Path) -> bytes:
    """The start of the file, and the first lines after it that are not ASCII."""
    with path.open("rb") as file:
        head = file.read(1_000)
        size = 0
        head += file.readline()
        for line in file:
            if not line.isascii() and size < SAMPLE:
                size += len(line)
                head += line
    return head[: len(head) // 4 * 4] if b"\x00" in head else head


def decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(BLOCK):
                pass
    except (UnicodeError, LookupError):
        return False
    return True


def likelihood(text: str, encoding: str) -> float:
    """How much the characters of a text that are not ASCII look like writing: -2 to 1, on average."""
    scores = [score for before, character in pairwise(f" {text}") for score in _score(before, character, encoding)]
    return sum(scores) / len(scores) if scores else 0.0


def _score(before: str, character: str, encoding: str) -> Iterator[float]:
    """The score of a character after another; none of an ordinary ASCII character."""
    if character < "\x80":
        if not (character.isprintable() or character in "\t\r\n"):
            yield -2
        return
    category, script = unicodedata.category(character), script_of(character)
    if category in ("Cc", "Cn", "Co") or script in ("BOX", "BLOCK", "HALFWIDTH"):
        yield -2
    elif script in ("CJK", "HANGUL", "HIRAGANA", "KATAKANA"):
        yield 1 if is_frequent(character, encoding) else -1
    elif not category.startswith(("L", "M")) or character in MINOR_LETTERS:
        yield 1 if character in PUNCTUATION or script in ("IDEOGRAPHIC", "FULLWIDTH") else -1
    elif before.isalpha() and script_of(before) not in (script, "CJK"):
        yield -2
    elif before.isalpha() and character.isupper():
        yield 0 if before.isupper() else -2
    elif script == "LATIN":
        yield 0 if before > "\x7f" and before.isalpha() else 1  # two accented letters in a row are rare
    else:
        yield 1 if character.lower() in FREQUENT_LETTERS else 0.3


def script_of(character: str) -> str:
    """The first word of the character's name in Unicode, such as LATIN."""
    return unicodedata.name(character, "").partition(" ")[0]


def is_frequent(character: str, encoding: str) -> bool:
    """Whether an East Asian character is among the frequent ones of an encoding, or of any for UTF-16 and UTF-32."""
    if "\u3040" <= character <= "\u30ff":  # kana
        return encoding not in ("gb18030", "big5hkscs", "cp949")
    for charset, first, last in [FREQUENT[encoding]] if encoding in FREQUENT else FREQUENT.values():
        lead = character.encode(charset, "ignore")[:1]
        if lead and first <= lead[0] <= last:
            return True
    return False


def sample_of(text: str) -> str:
    """Up to 20 characters of a line, from the first that is not ASCII on."""
    text = text.lstrip("\ufeff")
    start = next((place for place, character in enumerate(text) if character > "\x7f"), 0)
    return text[start : start + 20].partition("\n")[0].rstrip()


def is_mostly_utf8(path: Path) -> bool:
    """Whether more of the characters that are not ASCII are valid UTF-8 than not."""
    good = bad = 0
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        while text := file.read(BLOCK):
            n_bad = text.count("\ufffd")
            good += sum(character > "\x7f" for character in text) - n_bad
            bad += n_bad
    return good > bad
