"""Suggests a group where file names have a part that many of them share, such as a speaker or a patient."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from stages.core.errors import one_line
from stages.core.run import DataWarning

MIN_FILES = 20
MIN_VALUES = 5  # fewer are rather a property: left and right, three sizes
MIN_REPEATS = 2  # files per value, on average
SAME_FORM = 0.9  # the share of names with the same separators
SEPARATORS = re.compile(r"[_\- ]+")
DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])")


def suggest_group(
    names: Sequence[str], columns: Sequence[Mapping[str, str]], pattern: str | None, label: str | list[str]
) -> list[DataWarning]:
    """At most one suggestion. `columns`: class and parts of each name; `pattern`: collect.file_names."""
    if len(names) < MIN_FILES:
        return []
    classes = [str(values.get(label, "")) if isinstance(label, str) else "" for values in columns]
    if pattern:
        parts = {name: [values[name] for values in columns] for name in columns[0] if name not in ("class", label)}
        setting = "collect.columns.group: {part}"
    else:
        names, classes = _of_one_form(names, classes)
        parts = _split(names)
        setting = f"collect.file_names: {_pattern_of(names)!r} and collect.columns.group: {{part}}"
    for part, values in parts.items():
        if is_group(values, classes):
            set_keys = setting.replace("{part}", part)
            value, name = one_line(values[0]), one_line(names[0])
            message = (
                f"{len(set(values)):,} values are in {len(values):,} file names as the part {part} (such as "
                f"{value} in {name}); if it is a speaker, a patient or a device, set {set_keys}, "
                "so that no split shares one with another"
            )
            return [DataWarning(message, "collect.columns.group")]
    return []


def is_group(values: Sequence[str], classes: Sequence[str]) -> bool:
    """Whether the values of a part are repeated, are no numbering, and do not say the class."""
    rows_of = Counter(values)
    if not MIN_VALUES <= len(rows_of) <= len(values) / MIN_REPEATS:
        return False
    if sum(rows for rows in rows_of.values() if rows > 1) < SAME_FORM * len(values):
        return False
    if all(value.isdecimal() for value in rows_of):
        return is_number_of_a_thing(set(map(int, rows_of))) and not all(map(DATE.fullmatch, rows_of))
    classes_of = defaultdict(set)
    values_of = defaultdict(set)
    for value, name in zip(values, classes, strict=True):
        classes_of[value].add(name)
        values_of[name].add(value)
    if len(values_of) > 1 and all(len(found) == 1 for found in values_of.values()):
        return False  # it says the class
    # Words that each occur in one class rather name a kind of it: "siamese" and "persian" among cats.
    has_digits = all(any(sign.isdecimal() for sign in value) for value in rows_of)
    return has_digits or len(values_of) == 1 or any(len(found) > 1 for found in classes_of.values())


def is_number_of_a_thing(numbers: set[int]) -> bool:
    """Whether numbers are those of speakers or devices: of three digits and more, with gaps, so they do not count."""
    return max(numbers) >= 100 and max(numbers) - min(numbers) + 1 > 2 * len(numbers)


def _of_one_form(names: Sequence[str], classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """The names with the most common separators, and their classes; none if fewer than SAME_FORM have them."""
    forms = [tuple(SEPARATORS.findall(name)) for name in names]
    form, count = Counter(forms).most_common(1)[0]
    if not form or count < SAME_FORM * len(names):
        return [], []
    chosen = [index for index, other in enumerate(forms) if other == form]
    return [names[index] for index in chosen], [classes[index] for index in chosen]


def _split(names: Sequence[str]) -> dict[str, list[str]]:
    """The parts of names but the last, which ends with the suffix: part_1, part_2..."""
    columns = zip(*(SEPARATORS.split(name) for name in names), strict=True)
    return {f"part_{number}": list(values) for number, values in enumerate(list(columns)[:-1], start=1)}


def _pattern_of(names: Sequence[str]) -> str:
    if not names:
        return ""
    pattern = "{part_1}"
    for number, separator in enumerate(SEPARATORS.findall(names[0]), start=2):
        pattern += f"{separator}{{part_{number}}}"
    return pattern
