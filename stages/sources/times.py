"""Reads times as people and programs write them, and turns them into ISO 8601."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Literal

from stages.core.errors import shown
from stages.core.run import DataWarning
from stages.sources.cells import as_text
from stages.sources.records import BadRow

TimeFormat = Literal["iso", "day_first", "month_first", "epoch"]
# 31/12/2024, 31.12.24, 12-31-2024 11:59 PM ...
NUMERIC_DATE = re.compile(
    r"(?P<one>\d{1,2})(?P<sign>[/.\-])(?P<other>\d{1,2})(?P=sign)(?P<year>\d{4}|\d{2})"
    r"(?:,?[ T]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)? ?(?P<half>[AaPp][Mm])?"
    r" ?(?P<zone>Z|[+\-]\d{2}:?\d{2})?)?"
)
FIRST_SECOND = 10**8  # 1973; a smaller number is a year, or a day number of a spreadsheet
SECONDS_END = 10**11  # larger numbers of seconds are after the year 5000, so the unit is a smaller one
LONGEST = 64  # characters; a longer text is no time
UNITS = (1, 10**3, 10**6, 10**9)  # seconds, milliseconds, microseconds, nanoseconds


class Times:
    """Converts the times of a column, and counts those that are no ISO 8601 dates."""

    def __init__(self, format: TimeFormat) -> None:
        self.format = format
        self.readers = dict(READERS)  # of the formats that have read every cell so far
        self.n_cells = 0
        self.n_not_iso = 0
        self.example = ""

    def convert(self, value: Any) -> str | None:
        """The time in ISO 8601; as it is if the format is iso; None if it is missing.

        Raises:
            BadRow: it cannot be read in the format.
        """
        text = (as_text(value, "time") or "").strip() or None
        if text is None or isinstance(value, date):  # datetimes are dates, too
            return text
        if self.format == "iso":
            self._look_at(text)
            return text
        time = READERS[self.format](text)
        if time is None:
            raise BadRow(
                "unusable_time", f"the time {shown(text)} is not {NAMES[self.format]}; see collect.time_format"
            )
        return time

    def _look_at(self, text: str) -> None:
        self.n_cells += 1
        if len(text) > LONGEST or not is_iso(text):
            self.example = self.example or text
            self.n_not_iso += 1
        self.readers = {name: read for name, read in self.readers.items() if read(text)}

    def warnings(self) -> list[DataWarning]:
        if not self.n_not_iso:
            return []
        readers = " and ".join(self.readers)
        verb = "reads" if len(self.readers) == 1 else "read"
        advice = f"collect.time_format: {readers} {verb} all of them" if readers else "no collect.time_format reads all"
        message = (
            f"{self.n_not_iso:,} of {self.n_cells:,} times are not ISO 8601, such as {shown(self.example)}; {advice}"
        )
        return [DataWarning(message, "collect.time_format")]


@lru_cache(maxsize=10_000)
def is_iso(text: str) -> bool:
    """Whether `split` can read the time."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        if not re.match(r"\d{4}($|-?\d)", text):
            return False
    else:
        return True
    import pandas as pd

    return bool(pd.notna(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)))


def read_day_first(text: str) -> str | None:
    return _read_date(text, day="one", month="other")


def read_month_first(text: str) -> str | None:
    return _read_date(text, day="other", month="one")


def _read_date(text: str, day: str, month: str) -> str | None:
    match = NUMERIC_DATE.fullmatch(text)
    if match is None:
        return None
    year, hour, half = match["year"], int(match["hour"] or 0), (match["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        return None
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    try:
        if len(year) == 2:  # as POSIX does: 69 is 1969, 68 is 2068
            year = str(datetime.strptime(year, "%y").year)
        time = datetime(
            int(year), int(match[month]), int(match[day]), hour, int(match["minute"] or 0), int(match["second"] or 0)
        )
    except ValueError:
        return None
    if match["hour"] is None:
        return time.date().isoformat()
    return time.isoformat() + (match["zone"] or "").replace("Z", "+00:00")


def read_epoch(text: str) -> str | None:
    """Seconds since 1970, or thousandths, millionths or milliardths of them."""
    try:
        number = float(text)
    except ValueError:
        return None
    for unit in UNITS:
        if FIRST_SECOND <= number / unit < SECONDS_END:
            return datetime.fromtimestamp(number / unit, UTC).isoformat()
    return None


READERS: Mapping[str, Callable[[str], str | None]] = {
    "day_first": read_day_first,
    "month_first": read_month_first,
    "epoch": read_epoch,
}
NAMES = {
    "day_first": "a date with the day first, such as 31/12/2024",
    "month_first": "a date with the month first, such as 12/31/2024",
    "epoch": "a number of seconds or milliseconds since 1970",
}
