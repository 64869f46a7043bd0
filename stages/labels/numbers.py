"""Labels that are numbers: how people and countries write them, and which of these forms a program cannot read."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stages.contracts.label import Suggestion
from stages.core import paths
from stages.core.errors import InputError, shown
from stages.core.run import DataWarning
from stages.labels.names import LONGEST, as_name

MANY = 0.2  # a larger share of labels that are numbers in another form is no slip: without them, the rest is biased

_MINUS = "\u2212"
# "3,5", "1.500,50" and "1.500.000": only a decimal comma makes sense of them. "1,500" may be one, too.
_DECIMAL_COMMA = re.compile(
    r"[+-]?(\d+,(\d{1,2}|\d{4,})|0\d*,\d+|\d{4,},\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,})"
)
_GROUPED_DOTS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+|\.\d{3})")
_GROUPED_COMMAS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+|,\d{3})")
_THREE_AFTER_COMMA = re.compile(r"[+-]?\d{1,3},\d{3}")
_ERROR = re.compile(r"#.+|-?1\.#\w+")  # of a spreadsheet or of C: a missing value
_THREE_AFTER_DOT = re.compile(r"[+-]?\d{1,3}\.\d{3}")


@dataclass(frozen=True)
class Form:
    """A way to write numbers that is not read."""

    words: str
    key: str  # of params.yaml
    advice: str


DECIMAL_COMMA = Form("have a decimal comma", "collect.decimal", 'set collect.decimal: ","')
COMMA = Form(
    "have three digits after a comma",
    "collect.decimal",
    'if that is a decimal comma, set collect.decimal: ","; if it separates thousands, take it out in the source',
)
THOUSANDS = Form(
    "have commas between thousands", "collect.columns.label", "take these commas out in the source: 1200, not 1,200"
)
OTHER = Form(
    "are no plain numbers though they have digits",
    "collect.columns.label",
    "write each as one number in the source, such as 12.5",
)


@dataclass(frozen=True)
class UnreadNumbers:
    """Labels with digits that are not read as numbers, all of one form."""

    form: Form
    rows: int
    example: str  # the most common

    def message(self, n_rows: int) -> str:
        return f"{self.rows} of {n_rows} labels {self.form.words}, such as {shown(self.example)}: {self.form.advice}"


def as_number(raw: Any) -> float:
    """The number, or NaN if the value is not a number. Python reads "1_000" as a number, but people do not write so."""
    text = as_name(str(raw)).replace(_MINUS, "-")
    try:
        return math.nan if "_" in text else float(text)
    except ValueError:
        return math.nan


def unread_numbers(given: Mapping[str, int]) -> list[UnreadNumbers]:
    """The forms of the labels that have digits and are not read; `given` is the number of rows by raw label."""
    by_form: dict[Form, Counter[str]] = {}
    for raw, n_rows in given.items():
        form = form_of(raw)
        if form:
            by_form.setdefault(form, Counter())[as_name(raw)] += n_rows
    if DECIMAL_COMMA in by_form and COMMA in by_form:  # "1,500" beside "3,5" has a decimal comma, too
        by_form[DECIMAL_COMMA].update(by_form.pop(COMMA))
    elif THOUSANDS in by_form and COMMA in by_form:
        by_form[THOUSANDS].update(by_form.pop(COMMA))
    return [UnreadNumbers(form, counts.total(), most_common(counts)) for form, counts in by_form.items()]


def most_common(counts: Counter[str]) -> str:
    return max(counts, key=lambda text: (counts[text], text))


def form_of(raw: str) -> Form | None:
    """The form of a label that has digits and is not read as a number; None if it is read, or has none."""
    text = as_name(raw).replace(_MINUS, "-")
    if math.isfinite(as_number(text)) or _ERROR.fullmatch(text) or not any(c.isnumeric() for c in text):
        return None
    if _DECIMAL_COMMA.fullmatch(text):
        return DECIMAL_COMMA
    if _GROUPED_COMMAS.fullmatch(text):
        return THOUSANDS
    return COMMA if _THREE_AFTER_COMMA.fullmatch(text) else OTHER


def suggest_numbers(given: Mapping[str, int]) -> list[Suggestion]:
    return [
        Suggestion(unread.form.key, unread.example[:LONGEST], unread.rows, unread.form.advice)
        for unread in unread_numbers(given)
    ]


def check_numbers(given: Mapping[str, int]) -> list[DataWarning]:
    """A warning for each form of numbers that is not read.

    Raises:
        InputError: many labels are numbers in such a form, or some labels would be read as another number.
    """
    check_dots(given)
    n_rows = sum(given.values())
    warnings = []
    for unread in unread_numbers(given):
        if unread.rows > MANY * n_rows:
            raise InputError(f"{paths.COLLECTED}: {unread.message(n_rows)}")
        warnings.append(DataWarning(unread.message(n_rows), unread.form.key))
    return warnings


def check_dots(given: Mapping[str, int]) -> None:
    """
    Raises:
        InputError: a dot separates thousands in some labels, so that others would be read as a thousandth of a number.
    """
    texts = sorted(map(as_name, given))
    grouped = next(filter(_GROUPED_DOTS.fullmatch, texts), None)
    misread = next(filter(_THREE_AFTER_DOT.fullmatch, texts), None)
    if grouped and misread:
        raise InputError(
            f"{paths.COLLECTED}: in labels such as {shown(grouped)} a dot separates thousands, so {shown(misread)} is "
            f"not {as_number(misread):g}; {DECIMAL_COMMA.advice}"
        )
