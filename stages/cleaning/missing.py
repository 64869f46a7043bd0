"""Spellings of missing values. A spelling counts as missing only if `clean.missing` lists it."""

import json
from collections.abc import Collection, Mapping

from stages.contracts.label import Suggestion
from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.labels.names import as_name

# Common spellings, folded: they are suggested for `clean.missing`.
KNOWN = {
    *("na", "n/a", "n.a.", "n/a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "(null)", "nil", "none", "(none)"),
    *("missing", "(missing)", "blank", "(blank)", "empty", "(empty)", "-", "--", "---", "–", "—", "?", "??", "."),
    *("n.a", "na.", "-nan", "\\n", "#n/an/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),  # of databases and C
    *("#div/0!", "#ref!", "#value!", "#name?", "#num!", "#null!"),  # of spreadsheets
}
# Further spellings of groups: as a label, each of them may be a class.
KNOWN_OF_GROUPS = KNOWN | {"unknown", "undefined", "unassigned", "notavailable", "anonymous"}
# Numbers that stand for no group if many rows have them; of few rows, they are the group of that number.
NUMBERS = {"0", "-1", "999", "-999", "9999", "-9999"}
NO_CLASS = "-1"  # as a label of few rows: data sets of classes 0, 1, 2... write it for "none", but -1, 0, 1 are classes
FEW_OF_CLASS = 0.1  # a larger share of rows is a class
LONGEST = 64  # bytes; longer content is compared only with spellings of this length: few images or sounds are decoded


def folded(text: str) -> str:
    """A text without case and spaces."""
    return "".join(as_name(text).casefold().split())


def parts_of_label(raw: str | None) -> list[str]:
    """The folded names of a raw label: those of a JSON list, else the label as one name."""
    if raw is not None and raw.lstrip().startswith("["):
        try:
            names = json.loads(raw)
        except (ValueError, RecursionError):  # RecursionError: too many brackets
            return [folded(raw)]
        return [folded(str(name)) for name in names]
    return [folded(raw or "")]


def parts_of_content(raw: bytes, longest: int = LONGEST) -> list[str]:
    """The folded text, or those of a pair; without sides of more than `longest` bytes, empty if it is not a text."""
    sides = raw.split(SIDE_MARK.encode(), 2)  # at most two in a text; a part of an image is no side of a pair
    short_sides = [side.strip() for side in sides if len(side.strip()) <= longest]
    if len(sides) > 2 or not short_sides:
        return []
    try:
        raw.decode("utf-8")
        return [folded(side.decode("utf-8").replace(WORD_MARK, " ")) for side in short_sides]
    except UnicodeDecodeError:
        return []


def is_missing_label(raw: str | None, spellings: Collection[str]) -> bool:
    """Whether all names of a label are missing.

    An empty list is not missing: it says that the row has none of the labels.
    """
    parts = parts_of_label(raw)
    return bool(parts) and all(part in spellings for part in parts)


def without_missing_names(raw: str | None, spellings: Collection[str]) -> str | None:
    """The raw label, a JSON list without its missing names; None if the label is missing."""
    if raw is None or is_missing_label(raw, spellings):
        return None
    parts = parts_of_label(raw)
    if not raw.lstrip().startswith("[") or not any(part in spellings for part in parts):
        return raw
    names = [name for name, part in zip(json.loads(raw), parts, strict=True) if part not in spellings]
    return json.dumps(names, ensure_ascii=False)


def is_missing(text: str | None, spellings: Collection[str]) -> bool:
    """Whether a group or a time is missing."""
    return text is not None and folded(text) in spellings


def is_missing_content(raw: bytes, spellings: Collection[str]) -> bool:
    """Whether a text is missing, or one text of a pair: a pair needs both."""
    return any(part in spellings for part in parts_of_content(raw, longest_spelling(spellings)))


def longest_spelling(spellings: Collection[str]) -> int:
    """The bytes that a content of one of these folded spellings may have, with the spaces that folding takes away."""
    longest = max(map(len, spellings), default=0)
    return max(LONGEST, 8 * longest)  # a character has up to 4 bytes


def suggest(rows_of: Mapping[str, Mapping[str, int]]) -> list[Suggestion]:
    """A suggestion for each known spelling; `rows_of`: for each column, the number of rows by folded spelling."""
    suggestions = []
    for spelling in sorted(set().union(*rows_of.values())):
        counts = {column: spellings[spelling] for column, spellings in rows_of.items() if spelling in spellings}
        where = " and ".join(f"the {column} of {n_rows}" for column, n_rows in counts.items())
        proposal = (
            f"list it there if it stands for nothing: it is {where}; rows without a label or a content are dropped"
        )
        suggestions.append(Suggestion("clean.missing", spelling, sum(counts.values()), proposal))
    return suggestions
