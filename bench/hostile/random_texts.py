"""Random texts of parts that cleaning changes, in any order: one repair may reveal what another one finds."""

import random
from collections.abc import Iterator

TAGS = (
    *("<b>", "</b>", "<i ", "<a href=x>", '<a href="http://a.example">', "</a>", "<br/>", "<br", "<p/>", "<div\n>"),
    *("<!--", "-->", "<!doctype html>", "<script>", "</script>", "<style>", "</style >", "<time>", "<x>", "</x>"),
    *("<List<String>>", "a<b and c>d", "<3", "</", "/>", "<", ">", "<time", "<img src='", "<B>", "</P>", "<h1 id=1>"),
)
ENTITIES = (
    *("&", ";", "&amp;", "&amp;amp;", "&amp;lt;", "&lt;", "&gt;", "&lt;b&gt;", "&#60;", "&#x3c;", "&#x3C;b&#62;"),
    *("&nbsp;", "&shy;", "&zwj;", "&#x41;", "&#769;", "&#8203;", "&#x202e;", "&#0;", "&#128;", "&#xd800;", "&eacute;"),
    *("&#38;", "&#x26;", "&AMP;", "&copy", "&nosuch;", "&#x1b;[31m", "&#10;", "&#32;", "&#64;", "&#x2f;", "&ast;"),
)
MARKS = (
    *("\u0301", "\u0316", "\u0323", "\u0345", "\u093c", "\u05b0", "\u05bc", "\u0e31", "\u0f71", "\u0f72", "\u3099"),
    *("e\u0301", "e\u0323\u0301", "e\u0301\u0323", "\u00e9", "\u1e69", "\u212b", "\u0958", "\u1112\u1161\u11ab"),
    *("\uac00\u11a8", "\u0bc6\u0bbe", "\ufb1d", "\u1fee", "\u2126", "\u20dd", "\ufe0f", "\u0301" * 40),
)
UNSEEN = (
    *("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u034f", "\u061c", "\u115f", "\u3164", "\u180e"),
    *("\u200e", "\u200f", "\u202a", "\u202e", "\u202c", "\u2066", "\u2069", "\ufffc", "\ufffd", "\ufffe", "\U000e0061"),
    *("\x00", "\x01", "\x07", "\x08", "\x1b", "\x1b[31m", "\x1b]0;a\x07", "\x7f", "\x85", "\x92", "\x9b31m", "\ud83d"),
)
SPACES = (
    *(" ", " ", " ", "  ", "\n", "\n\n", "\r", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x1d", "\xa0", "\u1680"),
    *("\u2000", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u2800"),
)
MOJIBAKE = (
    *("\u00c3\u00a9", "\u00c3", "\u00a9", "\u00e2\u20ac\u2122", "\u00e2\u20ac", "\u00e2", "\u2122", "\u00c2\u00a0"),
    *("\u00c3\u0192\u00c2\u00a9", "\u00ef\u00bf\u00bd", "\u00f0\u0178\u02dc\u20ac", "\u00f0\u0178", "\u00d0\u00b0"),
    *(
        "\u00e3\u0081\u0082",
        "\u0432\u0402\u2122",
        "\u00c5\u201c",
        "\u0139\u0080",
        "\u00ec\u0095",
        "\u00e0",
        "\u00cb\u0153",
    ),
    *("\u201c", "\u201d", "\u2018", "\u2019", "\ufb01", "\u0133", "\u01c6", "\uff41", "\uff11", "\uff06", "\uff1c"),
)
PERSONAL = (
    *("jo@mail.example", "a@b.co", "jo (at) mail (dot) org", "jo dot b at mail dot com", "@ann", "@ann@b.example"),
    *("u/ann", "/u/ann_b", "RT@ann", "\uff20ann", "@\u738b\u5c0f\u660e", "+49 170 1234567", "(212) 555-0147"),
    *("tel 030 123456", "call 4155550132", "order 4155550132", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"),
    *("DE89370400440532013000", "1.2.3.4", "ip 10.0.0.1", "2001:db8::1", "AB 12 34 56 C", "078-05-1120"),
    *("PAN ABCDE1234F", "12/12/2020", "1999/2000", "13800138000", "\u738b13800138000", "\u0661\u0662\u0663"),
    *("[EMAIL]", "[PHONE]", "[URL]", "[USER]", "[CARD]", "[IBAN]", "[IP]", "[ID]"),
)
ADDRESSES = (
    *("http://", "https://a.example/b?c=1&d=2", "http://a.example/(b)", "www.", "www.a.example.", "ftp://a.example"),
    *("http://\u4f8b\u5b50.example", "http://a.example\u4e00", "://", "http:", "//", "http://@ann", "http://1.2.3.4"),
)
WORDS = (
    *("a", "B", "word", "not good", "1", "23", "456", ".", ",", "-", "/", ":", "@", "#", "[", "]", "(", ")", '"', "'"),
    *("spam", "sent from my phone", "\u3042", "\u4e00\u4e8c", "\u0440\u0443", "\u0627\u0644", "\u0e01\u0e33", "\ud55c"),
    *("\U0001f600", "\U0001f468\u200d\U0001f469", "\U0001f1e9\U0001f1ea", "\U0001f3f4\U000e0067\U000e007f", "ha" * 8),
)
PARTS = (TAGS, ENTITIES, MARKS, UNSEEN, SPACES, MOJIBAKE, PERSONAL, ADDRESSES, WORDS)


def random_texts(seed: int, n: int) -> Iterator[str]:
    """`n` texts, the same for the same seed: parts of one, two or all kinds, some of them cut or repeated."""
    rng = random.Random(seed)
    for _ in range(n):
        kinds = rng.sample(PARTS, rng.choice((1, 2, len(PARTS))))
        yield "".join(_part(kinds, rng) for _ in range(rng.choice((1, 2, 4, 8, 16, 40))))


def _part(kinds: list[tuple[str, ...]], rng: random.Random) -> str:
    part = rng.choice(rng.choice(kinds))
    how = rng.random()
    if how < 0.1:
        return part[: rng.randrange(len(part) + 1)]
    if how < 0.13:
        return part * rng.choice((2, 3, 35))
    return part
