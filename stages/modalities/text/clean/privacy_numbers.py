"""Decides whether digits are a payment card, an id number or a phone number.

Check digits, the spelling and the cue words near the digits decide.
"""

import importlib
import re
from functools import cache
from typing import Any

from stages.modalities.text.clean.privacy_cues import vocabulary

_THOUSANDS = re.compile(r"\d{1,2}([ .])\d{3}(?:\1\d{3})+")
_DECIMAL = re.compile(r"\d{1,3}\.\d{5,}")
_CARD = re.compile(r"\d{12,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5}")
_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|(?:6011|65\d\d|64[4-9]\d|35\d\d)\d{12}|3[068]\d{12}"
)
_NORTH_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d([ .-]))[2-9]\d\d[ .-]\d{4}")
_CHINESE_MOBILE = re.compile(r"(?:\+?86[ -]?)?1[3-9]\d([ -]?)\d{4}\1\d{4}")
_TRUNK = re.compile(r"\(?0[1-9][\d ()./\-\u2013\u2011]*")  # the national prefix 0


def kind_of(number: str, cues: frozenset[str], alone: bool) -> str | None:
    """`card`, `id`, `phone` or None, for 7 to 19 digits; `alone`: whether the number is the whole run of digits."""
    n_digits = count_digits(number)
    if n_digits >= 12 and "other" not in cues and is_card(number, cues):
        return "card"
    if is_id(number, cues):
        return "id"
    if is_phone(number, cues, alone):
        return "phone"
    return None


def count_digits(number: str) -> int:
    return sum(map(str.isdigit, number))


def is_card(number: str, cues: frozenset[str]) -> bool:
    """Needs the issuer's first digits or a cue word: one number in ten has a valid check digit by chance."""
    if not _CARD.fullmatch(number):
        return False
    digits = re.sub(r"[ -]", "", number)
    if "card" not in cues and not _ISSUER.fullmatch(digits):
        return False
    return bool(stdnum("luhn").is_valid(digits))


def is_iban(number: str) -> bool:
    try:
        stdnum("iban").validate(number, check_country=False)  # python-stdnum's list of a country's banks may be old
    except stdnum("exceptions").ValidationError:
        return False
    return True


def is_id(number: str, cues: frozenset[str]) -> bool:
    """Whether its check digits are valid for an id number that a cue word or its spelling suggests."""
    if cues & {"other", "phone"}:
        return False
    spelling = re.sub(r"[A-Za-z]", "A", re.sub(r"\d", "9", number))
    names = vocabulary().names_of.get(spelling, frozenset()) | (cues & vocabulary().id_numbers)
    without_dots = number.replace(".", "")
    return any(stdnum(name).is_valid(number) or stdnum(name).is_valid(without_dots) for name in sorted(names))


def is_chinese_mobile(number: str) -> bool:
    """Whether it is spelled as a mobile number of China: in a Chinese sentence it needs no cue word."""
    return _CHINESE_MOBILE.fullmatch(number) is not None


def is_phone(number: str, cues: frozenset[str], alone: bool) -> bool:
    if number.startswith("+"):
        return is_dialled(number, None)
    if "other" in cues or cues & vocabulary().id_numbers or number[-1].isalpha() or not looks_dialled(number):
        return False
    has_cue = "phone" in cues
    if number.startswith("00") and (alone or has_cue) and is_dialled(f"+{number[2:]}", None):
        return True
    if _NORTH_AMERICAN.fullmatch(number) and is_dialled(number, "US"):
        return True
    needs_no_cue = alone and _TRUNK.fullmatch(number) and count_digits(number) >= 9
    if not (has_cue or needs_no_cue):
        return False
    return any(is_dialled(number, country) for country in vocabulary().phone_countries)


def looks_dialled(number: str) -> bool:
    """Whether the number is no price, no coordinate and no row of small numbers.

    German numbers may have any length, so a long run with spaces would count as one of them: it has at most 12 digits.
    """
    n_digits = count_digits(number)
    n_groups = len(re.findall(r"\d+", number))
    if not 8 <= n_digits <= 15:
        return False
    if n_digits < 2 * n_groups or (n_digits > 12 and " " in number):
        return False
    return not (_THOUSANDS.fullmatch(number) or _DECIMAL.match(number))


def is_dialled(number: str, country: str | None) -> bool:
    """Whether the number is in use in the country.

    None: the number starts with + and a country code, and only its length is checked.
    """
    import phonenumbers

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed) if country else phonenumbers.is_possible_number(parsed)


@cache
def stdnum(name: str) -> Any:
    """A module of python-stdnum."""
    return importlib.import_module(f"stdnum.{name}")
