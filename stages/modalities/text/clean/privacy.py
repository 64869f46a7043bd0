"""Finds personal data in a text: e-mail addresses, phone numbers, payment cards, IBANs, IP addresses and id numbers.

A number alone says little: 4155550132 is a phone number or an order. The nearest cue word decides ("call", "order").
Without a cue word, only the spelling and the check digits of a number can prove what it is.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from stages.modalities.text.clean.privacy_cues import cues_after, cues_before
from stages.modalities.text.clean.privacy_numbers import count_digits, is_chinese_mobile, is_iban, is_id, kind_of
from stages.modalities.text.clean.urls import URL
from stages.modalities.text.content import CJK

KINDS = ("email", "phone", "card", "iban", "ip", "id")
WINDOW = 8  # groups of digits that one number may have
SHORTEST_IBAN = 15  # characters: Norway's
FEWEST, MOST = 7, 19  # digits of a number

# Most texts hold no personal data; these checks show it ten times faster than a search.
_DIGITS_NEARBY = re.compile(r"\d(?:\D{0,3}\d){5}")
_SPELLED_AT = re.compile(r"[\[({]\s?(?:at|AT)\s?[\])}]| dot ")

# Latin, Greek, Cyrillic. Text in other scripts may touch an address without a space: the address begins after it.
_LETTER = "A-Za-z\u00c0-\u04ff"
# It may begin behind a sign that is not part of it ("...jo@mail.example"), but not within a longer one.
_LOCAL = (
    rf"(?<![{_LETTER}\d@])(?<![{_LETTER}\d@][.+%_-])"
    rf"[{_LETTER}\d](?:\.?[{_LETTER}\d+%'_-]){{0,63}}(?<=[{_LETTER}\d+_-])"
)
_DOMAIN = rf"(?:[{_LETTER}\d](?:[{_LETTER}\d-]{{0,61}}[{_LETTER}\d])?\.){{1,6}}[{_LETTER}]{{2,24}}"
_EMAIL = re.compile(rf"(?P<local>{_LOCAL})@(?P<domain>{_DOMAIN})(?P<path>:[\w~/])?")
_NAME = r"[A-Za-z\d][A-Za-z\d.+_-]{0,62}"
_AT = r"\s?[\[({]\s?(?:at|AT)\s?[\])}]\s?"
_DOT = r"(?:\s?[\[({]\s?(?:dot|DOT)\s?[\])}]\s?| dot |\.)"
_TOP_LEVEL = r"(?:com|org|net|edu|gov|info|io|co|[a-z]{2})"
_SPELLED_OUT = re.compile(
    rf"(?<![{_LETTER}\d_.+-])(?:{_NAME}{_AT}(?:[A-Za-z\d-]{{1,63}}{_DOT}){{1,3}}[A-Za-z]{{2,10}}"
    rf"|{_NAME}(?: dot [A-Za-z\d]{{1,30}}){{0,2}} at (?:[A-Za-z\d-]{{1,63}} dot ){{1,3}}{_TOP_LEVEL})"
    rf"(?![{_LETTER}\d_-])"
)
_ASSET = re.compile(r"\d+x\.(?:png|jpe?g|gif|webp|svg)$", re.IGNORECASE)  # icon@2x.png

_IBAN = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z\d]){11,34}")
_IPV4 = re.compile(rf"(?<![{_LETTER}\d_.])(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![{_LETTER}\d_]|\.\d)")
_IPV6 = re.compile(
    rf"(?<![{_LETTER}\d_:.])(?=[\dA-Fa-f:]{{0,38}}:[\dA-Fa-f]{{0,38}}:)[\dA-Fa-f:]{{6,39}}(?![{_LETTER}\d_:])"
)
_IN_WORD = re.compile(rf"[{_LETTER}\d]")
_IPV6_NETWORKS = tuple(map(ipaddress.ip_network, ("2000::/3", "fc00::/7", "fe80::/10")))

_RUN = re.compile(  # digits, with the signs that people write between them
    r"(?<![A-Za-z\d])(?<!\d[.,:])(?:\+ ?)?\(?\d(?:[ .()/\-\u2013\u2011]{0,3}\d)+(?:-?[A-Za-z]{1,2}(?![A-Za-z\d]))?"
)
_CJK_BEFORE = re.compile(rf"[{CJK}\u3000-\u303f\uff00-\uffef]\s?[:(]?\Z")
_CJK_AFTER = re.compile(rf"[)]?\s?[{CJK}\u3000-\u303f\uff00-\uffef]")
_GROUP = re.compile(r"[^ /]+")
_CODE = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{1,6}-?\d[A-Za-z\d]{4,15}(?:-[A-Za-z])?(?![A-Za-z\d])")
# The National Insurance number of the United Kingdom, which has no check digit.
_NINO = re.compile(r"(?<![A-Za-z\d])[A-Z]{2} ?\d\d ?\d\d ?\d\d ?[A-D](?![A-Za-z\d])")
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"  # a month is matched as a day too
_YEAR = r"(?:1\d|20)\d\d"
_DATE = re.compile(
    rf"\(?(?:{_DAY}[./-]{_DAY}[./-](?:\d\d|(?:19|20)\d\d)|(?:19|20)\d\d[./-]{_DAY}[./-]{_DAY}"
    rf"|{_YEAR} ?[-\u2013/] ?{_YEAR})(?![./-]?\d)"
)


# Full-width letters, digits, and the signs of addresses and numbers.
_FULL_WIDTH = {
    ord(character): ord(character) - 0xFEE0
    for character in map(chr, range(0xFF01, 0xFF5F))
    if chr(ord(character) - 0xFEE0).isalnum() or character in "\uff20\uff0e\uff0d\uff08\uff09\uff0b\uff3f\uff0f"
}


@dataclass(frozen=True)
class Span:
    """Characters `start` to `end` of a text, and which of KINDS they are."""

    start: int
    end: int
    kind: str


def find_pii(text: str) -> list[Span]:
    """The spans of personal data, in the order of the text; they do not overlap."""
    finders = [find for find, is_possible in _FINDERS if is_possible(text)]
    if not finders:
        return []
    plain = with_ascii_forms(text)
    spans: list[Span] = []
    for find in finders:
        plain = blanked(plain, spans)
        spans = in_order([*spans, *find(plain)])
    return spans


def with_ascii_forms(text: str) -> str:
    """Converts full-width letters and signs, and digits of all scripts, one character each."""
    if text.isascii():
        return text
    return re.sub(r"\d", lambda digit: str(int(digit.group())), text.translate(_FULL_WIDTH))


def in_order(spans: Iterable[Span]) -> list[Span]:
    return sorted(spans, key=lambda span: span.start)


def blanked(text: str, spans: Iterable[Span]) -> str:
    """The text with spaces in place of the spans, so that no other finder sees them; the spans are in order."""
    return replaced(text, spans, lambda span: " " * (span.end - span.start))


def replaced(text: str, spans: Iterable[Span], replacement: Callable[[Span], str]) -> str:
    """The text with a replacement for each span; the spans are in order and do not overlap."""
    pieces, end = [], 0
    for span in spans:
        pieces += [text[end : span.start], replacement(span)]
        end = span.end
    return "".join(pieces) + text[end:]


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also those spelled out as "jo (at) mail (dot) org"."""
    for match in _EMAIL.finditer(text):
        is_repository = match["local"].lower() == "git" and match["path"]
        if not (is_repository or _ASSET.match(match["domain"])):
            yield Span(match.start(), match.end("domain"), "email")
    for match in _SPELLED_OUT.finditer(text):
        yield Span(match.start(), match.end(), "email")


def ibans(text: str) -> Iterator[Span]:
    """IBANs with the length of their country and valid check digits."""
    for match in _IBAN.finditer(text):
        start = match.start()
        # The pattern may run on into the next word: take the longest valid one that ends at the end of a word.
        for end in range(match.end(), start + SHORTEST_IBAN - 1, -1):
            is_end_of_word = end == len(text) or not _IN_WORD.match(text, end)
            if is_end_of_word and is_iban(text[start:end]):
                yield Span(start, end, "iban")
                break


def ips(text: str) -> Iterator[Span]:
    """Addresses of hosts. Versions and sections look the same: small numbers need a cue word for IP addresses."""
    for match in _IPV4.finditer(text):
        octets = [int(part) for part in match.group().split(".")]
        cues = cues_before(text, match.start())
        is_host = max(octets) < 256 and 0 < octets[0] < 224 and octets[0] != 127
        if is_host and "other" not in cues and ("ip" in cues or octets[0] == 10 or max(octets) > 31):
            yield Span(*match.span(), "ip")
    for match in _IPV6.finditer(text):
        try:
            address = ipaddress.IPv6Address(match.group())
        except ValueError:
            continue
        if any(address in network for network in _IPV6_NETWORKS):
            yield Span(*match.span(), "ip")


def numbers(text: str) -> Iterator[Span]:
    """Cards, id numbers and phone numbers outside of URLs."""
    text = URL.sub(lambda url: " " * len(url.group()), text)
    ninos = [
        Span(*match.span(), "id") for match in _NINO.finditer(text) if "other" not in cues_before(text, match.start())
    ]
    yield from ninos
    text = blanked(text, ninos)
    for match in _CODE.finditer(text):
        if is_id(match.group(), cues_before(text, match.start())):
            yield Span(*match.span(), "id")
    for match in _RUN.finditer(text):
        cues = cues_before(text, match.start()) or cues_after(text, match.end())
        if not cues and is_chinese_mobile(match.group()) and touches_cjk(text, *match.span()):
            cues = frozenset({"phone"})
        yield from numbers_in_run(match.group(), match.start(), cues)


def touches_cjk(text: str, start: int, end: int) -> bool:
    """Whether a Chinese letter or sign stands beside the characters from `start` to `end`."""
    return _CJK_BEFORE.search(text[max(0, start - 3) : start]) is not None or _CJK_AFTER.match(text, end) is not None


def numbers_in_run(run: str, offset: int, cues: frozenset[str]) -> Iterator[Span]:
    """Splits a run of digits, which starts at `offset` of the text, into numbers.

    From each group on, the longest number is taken; dates are skipped.
    """
    groups = [match.span() for match in _GROUP.finditer(run)]
    n_digits_before = list(accumulate((count_digits(run[start:end]) for start, end in groups), initial=0))
    first = 0
    while first < len(groups):
        start = groups[first][0]
        if date := _DATE.match(run, start):
            while first < len(groups) and groups[first][0] < date.end():
                first += 1
            continue
        for last in range(min(len(groups), first + WINDOW) - 1, first - 1, -1):
            if not FEWEST <= n_digits_before[last + 1] - n_digits_before[first] <= MOST:
                continue
            end = start + len(run[start : groups[last][1]].rstrip("(.-/ "))
            is_unclosed = run[start] == "(" and ")" not in run[start:end]
            begin = start + is_unclosed
            is_whole_run = len(groups) == last - first + 1
            if kind := kind_of(run[begin:end], cues, is_whole_run):
                yield Span(offset + begin, offset + end, kind)
                first = last
                break
        first += 1


def may_have_email(text: str) -> bool:
    return "@" in text or "\uff20" in text or _SPELLED_AT.search(text) is not None


def may_have_iban(text: str) -> bool:
    return _DIGITS_NEARBY.search(text) is not None


def may_have_ip(text: str) -> bool:
    return text.count(".") > 2 or text.count(":") > 1


def may_have_number(text: str) -> bool:
    return _DIGITS_NEARBY.search(text) is not None or "PAN" in text  # India's PAN has four digits


# In this order: the spans of one finder are blanked for the next.
_FINDERS: tuple[tuple[Callable[[str], Iterator[Span]], Callable[[str], bool]], ...] = (
    (emails, may_have_email),
    (ibans, may_have_iban),
    (ips, may_have_ip),
    (numbers, may_have_number),
)
