"""Finds web addresses, and names of users: @somebody and u/somebody."""

import re

from stages.modalities.text.clean.privacy import Span, blanked, with_ascii_forms
from stages.modalities.text.clean.urls import URL
from stages.modalities.text.content import CJK

_NAME_OF_LATIN = r"\d{0,15}[A-Za-z_\u00c0-\u04ff][\w\u00c0-\u04ff]{0,30}(?:@(?:[\w-]+\.)+\w+)?"
# Names of digits only are long: "3 @ 500" is a price.
_NAME_OF_DIGITS = r"\d{6,20}(?![.,]?\d|[A-Za-z_])"
# Nothing shows where such a name ends but what follows it; a longer one is a sentence.
_NAME_OF_CJK = rf"[{CJK}\uac00-\ud7a3][{CJK}\uac00-\ud7a3\w-]{{1,9}}(?![{CJK}\uac00-\ud7a3\w-])"
_MENTION = re.compile(
    # A mention may follow a full stop, or RT without a space; jo@mail.example and npm/@scope are none.
    rf"(?:(?<![A-Za-z0-9_@/])|(?<=//)|(?<=(?<![A-Za-z0-9_])[Rr][Tt]))"
    rf"@(?!\d{{1,2}}(?:am|pm)\b)(?:{_NAME_OF_LATIN}|{_NAME_OF_DIGITS}|{_NAME_OF_CJK})"
    r"|(?<![A-Za-z0-9_.@/])/?u/[\w-]{3,20}",
    re.ASCII,
)


def find_addresses(text: str) -> list[Span]:
    """The spans of kind `url` and `mention`, in the order of the text; they do not overlap."""
    urls = [Span(*match.span(), "url") for match in URL.finditer(text)] if may_have_url(text) else []
    if not may_have_mention(text):
        return urls
    rest = blanked(with_ascii_forms(text), urls)
    mentions = [Span(*match.span(), "mention") for match in _MENTION.finditer(rest)]
    return sorted([*urls, *mentions], key=lambda span: span.start)


def may_have_url(text: str) -> bool:
    return "://" in text or "www." in text.lower()


def may_have_mention(text: str) -> bool:
    return "@" in text or "u/" in text or "\uff20" in text
