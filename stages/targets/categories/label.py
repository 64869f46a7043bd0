"""Categories: any number of names out of a closed set, also none."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts.label import NO_CLASS, CleanedLabel, Suggestion
from stages.labels.names import NameParams, as_name, suggest_names, without_rare

LABEL = pa.list_(pa.string())
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "not_a_list": "its label is not a list of names",
    "unwanted_label": "its label is listed in clean.label.drop",
}


CLOSED = True


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of a label: `Pos: positive`")
    drop: list[str] = Field(description="labels to forget: a row keeps its others, and is left out if it has no other")


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    """Sorted names, none of them twice; an empty list says that the row has none of the labels."""
    if not (raw or "").strip():
        return CleanedLabel(None, "missing_label")
    given = parsed(raw)
    if given is None:
        return CleanedLabel(None, "not_a_list")
    found = {params.aliases.get(name, name) for name in map(as_name, given)} - {""}
    kept = sorted(found - set(params.drop))
    return CleanedLabel(None, "unwanted_label") if found and not kept else CleanedLabel(kept)


def parsed(raw: str | None) -> list[str] | None:
    """The names in a JSON list, None where it is not one."""
    try:
        found = json.loads(raw or "")
    except ValueError:
        return None
    return found if isinstance(found, list) and all(isinstance(name, str) for name in found) else None


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    rows_of: Counter[str] = Counter()
    for raw, rows in given.items():
        rows_of.update(dict.fromkeys(parsed(raw) or (), rows))
    return suggest_names(rows_of, params)


def without_rare_labels(labels: Iterable[Sequence[str]], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(name for row in labels for name in row), params)


def preview(label: Sequence[str], content: Any) -> str:
    return ", ".join(label) or NO_CLASS


def strata(labels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """Its labels; rows without any share a stratum too."""
    return [tuple(row) or (NO_CLASS,) for row in labels]


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    read = [parsed(row) if isinstance(row, str) else row for row in labels]
    return [(raw or "",) if row is None else tuple(row) or (NO_CLASS,) for raw, row in zip(labels, read, strict=True)]
