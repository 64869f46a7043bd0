"""Reads numbers as people write them in tables."""

import re
from typing import Any

from stages.core.errors import shown
from stages.sources.records import BadRow

# A number with a comma before its fraction, and one of four signs between its thousands.
DECIMAL_COMMA = re.compile(
    r"(?P<sign>[+\-−]?)"
    r"(?P<whole>\d+|[1-9]\d{0,2}(?P<between>[. \u00a0\u202f'’])\d{3}(?:(?P=between)\d{3})*)"
    r"(?:,(?P<fraction>\d+))?"
)


def with_point(label: Any) -> Any:
    """A label with a decimal comma, such as "1.500,50", as "1500.50". Numbers and texts without digits stay.

    Raises:
        BadRow: a text with digits is no such number.
    """
    if not isinstance(label, str) or not any(map(str.isdecimal, label)):
        return label
    number = DECIMAL_COMMA.fullmatch(label.strip())
    if number is None:
        raise BadRow(
            "unusable_label",
            f"the label {shown(label)} is no number with a decimal comma, such as 3,5 or 1.200; see collect.decimal",
        )
    whole = re.sub(r"\D", "", number["whole"])
    sign = "-" if number["sign"] in ("-", "−") else ""
    return f"{sign}{whole}.{number['fraction']}" if number["fraction"] else f"{sign}{whole}"
