"""Hostile texts: what takes parsers of HTML, regular expressions and Unicode far more time than its length."""

from collections.abc import Iterator, Mapping

from bench.hostile.strings import GOOD, csv_of
from bench.hostile.workplace import Hostile

CHECKS = {
    "clean.text.max_symbol_ratio": 0.9,
    "clean.text.max_repetition": 0.9,
    "clean.text.urls": "replace",
    "clean.text.mentions": "replace",
    "clean.text.pii": "redact",
    "clean.text.max_chars": 10_000,
}
N = 100_000  # characters of each; the limit of 10,000 characters is 20 times as much before repairs
REPEATED: Mapping[str, str] = {
    "dates": "12/12/2020 ",
    "digits": "1",
    "digits with blanks": "1 ",
    "digits with hyphens": "1-",
    "groups of four digits": "4111 ",
    "card numbers": "4111111111111111 ",
    "phone numbers": "+49 170 1234567 ",
    "addresses of e-mails": "a@b.co ",
    "at signs": "@",
    "dots": ".",
    "dots between letters": "a.",
    "addresses without an end": "http://",
    "addresses of the web": "https://example.org/a?b=c ",
    "numbers of IP addresses": "1.2.3.4 ",
    "colons of IP addresses": "1:",
    "letters of an IBAN": "DE89 3704 0044 0532 0130 00 ",
    "open tags": "<",
    "open tags of a letter": "<a",
    "tags": "<b>",
    "tags with open quotation marks": '<a href="',
    "comments": "<!--",
    "comments that close at once": "<!-->",
    "ends of comments": "-->",
    "scripts that never end": "<script>",
    "styles that never end": "<style ",
    "sections of CDATA": "<![CDATA[",
    "instructions": "<?",
    "entities without an end": "&",
    "entities of numbers": "&#x41;",
    "entities of entities": "&amp;",
    "entities of nothing": "&#0;",
    "line breaks": "\n",
    "blanks": " ",
    "tabs and blanks": "\t ",
    "separators of pairs": "\x1e",
    "separators of tokens": "\x1f",
    "NULs": "\0",
    "terminal codes": "\x1b[31m",
    "combining marks": "\u0301",
    "combining marks in the wrong order": "\u0301\u0323",
    "letters with marks": "e\u0301",
    "Korean letters in parts": "\u1112\u1161\u11ab",
    "mojibake": "Ã¢â‚¬â„¢",
    "mojibake of mojibake": "Ãƒ",
    "halves of surrogate pairs": "\ud83d",
    "halves in the wrong order": "\ude00\ud83d",
    "invisible characters": "\u200b",
    "joiners": "\u200d",
    "marks of the direction of writing": "\u202e",
    "flags": "\U0001f1e9",
    "families of emoji": "\U0001f468\u200d",
    "full-width letters": "ａ",
    "ligatures": "\ufdfa",
    "curly quotation marks": "“",
    "one letter": "a",
    "two letters": "ab",
    "a word": "spam ",
    "letters of a language without blanks": "あ",
    "backslashes": "\\",
    "opening brackets": "[",
    "words of names": "Mr. A. B. ",
    "names of users": "@a ",
    "replacement characters": "\ufffd",
}
OTHERS: Mapping[str, str] = {
    "a text of every character below U+3000": "".join(map(chr, range(0x3000))),
    "a text of every 17th character of Unicode": "".join(
        chr(n) for n in range(0, 0x110000, 17) if not 0xD800 <= n < 0xE000
    ),
    "a text of tags that nest 20,000 times": "<b>" * 20_000 + "x" + "</b>" * 20_000,
    "a text of a tag with 10,000 attributes": "<a " + 'x="y" ' * 10_000 + ">text</a>",
    "a text of a tag of 100,000 characters": "<" + "a" * N + ">text",
    "a text of a link of 100,000 characters": "https://" + "a" * N,
    "a text of an e-mail address of 100,000 characters": "a" * N + "@" + "b" * N,
    "a text of a domain of 50,000 dots": "see " + "a." * 50_000 + "org",
    "a text whose repairs reveal a tag": "&amp;lt;b&amp;gt;x&amp;lt;/b&amp;gt;",
    "a text whose repairs reveal a tag five times": "&" + "amp;" * 6 + "lt;b" + "&" + "amp;" * 6 + "gt;x",
    "a text whose invisible characters hide an e-mail": "a\u200b@\u200bb\u200b.\u200bco and more",
    "a text that is a placeholder": "[EMAIL] [PHONE] [URL] [USER]",
    "a text whose placeholder touches a number": "a@b.co1234 5678 9012 3456",
    "a text of one combining mark": "\u0301",
    "a text that ends in half a character": "a ripe apple \ud83d",
    "a text of a line of 1 MB without a blank": "x" * 2**20,
    "a text of 5 MB of blanks around a word": " " * 5 * 2**20 + "word",
    "a text of 200,000 short lines": "ab\n" * 200_000,
}


def inputs() -> Iterator[Hostile]:
    for name, part in REPEATED.items():
        yield hostile_text(f"a text of {N:,} characters: {name}", part * (N // len(part)))
    for name, text in OTHERS.items():
        yield hostile_text(name, text)


def hostile_text(name: str, text: str) -> Hostile:
    rows = [("text", "kind"), *GOOD, (text, "fruit")]
    return Hostile("texts", name, {"notes.csv": csv_of(*rows)}, CHECKS, rows=3)
