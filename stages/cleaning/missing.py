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
}
LONGEST = 64  # bytes; longer content is not compared with the spellings, so that no image or sound is decoded as text


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


def parts_of_content(raw: bytes) -> list[str]:
    """The folded text, or the two of a pair; empty for content that is long or not a text."""
    if len(raw) > LONGEST:
        return []
    try:
        return [folded(side.replace(WORD_MARK, " ")) for side in raw.decode("utf-8").split(SIDE_MARK)]
    except UnicodeDecodeError:
        return []


def is_missing_label(raw: str | None, spellings: Collection[str]) -> bool:
    """Whether all names of a label are missing.

    An empty list is not missing: it says that the row has none of the labels.
    """
    parts = parts_of_label(raw)
    return bool(parts) and all(part in spellings for part in parts)


def is_missing_content(raw: bytes, spellings: Collection[str]) -> bool:
    """Whether a text is missing, or one text of a pair: a pair needs both."""
    return any(part in spellings for part in parts_of_content(raw))


def suggest(labels: Mapping[str, int], contents: Mapping[str, int]) -> list[Suggestion]:
    """A suggestion for each known spelling; `labels` and `contents` are the numbers of rows by folded spelling."""
    suggestions = []
    for spelling in sorted({*labels, *contents} & KNOWN):
        counts = {"label": labels.get(spelling, 0), "content": contents.get(spelling, 0)}
        where = " and ".join(f"the {column} of {n_rows}" for column, n_rows in counts.items() if n_rows)
        proposal = f"list it there if it stands for nothing, and these rows are dropped: it is {where}"
        suggestions.append(Suggestion("clean.missing", spelling, sum(counts.values()), proposal))
    return suggestions
