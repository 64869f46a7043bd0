"""What people write where there is nothing to write: of these spellings only those count as missing that `clean.missing` lists."""

import json
from collections.abc import Collection, Mapping

from stages.contracts.label import Suggestion
from stages.core.tables import SIDE_MARK, WORD_MARK
from stages.labels.names import as_name

KNOWN = {
    *("na", "n/a", "n.a.", "n/a.", "#n/a", "#na", "<na>", "nan", "nat", "null", "(null)", "nil", "none", "(none)"),
    *("missing", "(missing)", "blank", "(blank)", "empty", "(empty)", "-", "--", "---", "–", "—", "?", "??", "."),
}
LONGEST = 64  # bytes of a content that may be such a spelling: no image and no sound is read for it


def folded(text: str) -> str:
    return "".join(as_name(text).casefold().split())


def parts_of_label(raw: str | None) -> list[str]:
    """The folded names of a label: of a JSON list each, else the label itself."""
    if raw is not None and raw.lstrip().startswith("["):
        try:
            found = json.loads(raw)
        except (ValueError, RecursionError):  # no JSON, or too many brackets
            return [folded(raw)]
        return [folded(str(name)) for name in found]
    return [folded(raw or "")]


def parts_of_content(raw: bytes) -> list[str]:
    """The folded sides of a short text; none of anything else."""
    if len(raw) > LONGEST:
        return []
    try:
        return [folded(side.replace(WORD_MARK, " ")) for side in raw.decode("utf-8").split(SIDE_MARK)]
    except UnicodeDecodeError:
        return []


def is_missing_label(raw: str | None, spellings: Collection[str]) -> bool:
    """Whether all of its names are missing; an empty list is no missing label, but says that there is none."""
    parts = parts_of_label(raw)
    return bool(parts) and all(part in spellings for part in parts)


def is_missing_content(raw: bytes, spellings: Collection[str]) -> bool:
    """Whether a side of it is missing: a pair needs both."""
    return any(part in spellings for part in parts_of_content(raw))


def suggest(labels: Mapping[str, int], contents: Mapping[str, int]) -> list[Suggestion]:
    """`labels` and `contents`: folded spellings that are there and not listed, each with its rows."""
    found = []
    for spelling in sorted({*labels, *contents} & KNOWN):
        counts = ((labels.get(spelling, 0), "label"), (contents.get(spelling, 0), "content"))
        where = " and ".join(f"the {what} of {rows}" for rows, what in counts if rows)
        proposal = f"list it there if it stands for nothing, and these rows are dropped: it is {where}"
        found.append(Suggestion("clean.missing", spelling, sum(rows for rows, _ in counts), proposal))
    return found
