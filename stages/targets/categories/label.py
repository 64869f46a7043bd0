"""Categories: any number of names of a closed set, including none."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts.label import NO_CLASS, CleanedLabel, Suggestion
from stages.core.run import DataWarning
from stages.labels.doubts import check_names, check_repeated
from stages.labels.names import NameParams, as_name, is_too_long, suggest_names, without_rare

LABEL = pa.list_(pa.string())
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "not_a_list": "its label is not a list of names",
    "not_a_name": "one of its labels is too long for the name of a class",
    "unwanted_label": "its label is listed in clean.label.drop",
}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "missing_label": "collect.columns.label",
    "not_a_list": "collect.label_format",
    "not_a_name": "collect.label_format",
    "unwanted_label": "clean.label.drop",
}
CLOSED = True


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of a label: `Pos: positive`")
    drop: list[str] = Field(
        description="labels to remove: a row keeps its other labels, and is dropped if it has none left"
    )


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    """Sorted unique names, from a JSON list; an empty list means that the row has none of the labels."""
    if not (raw or "").strip():
        return CleanedLabel(None, "missing_label")
    raw_names = parsed(raw)
    if raw_names is None:
        return CleanedLabel(None, "not_a_list")
    names = {params.aliases.get(name, name) for name in map(as_name, raw_names)} - {""}
    if any(map(is_too_long, names)):
        return CleanedLabel(None, "not_a_name")
    kept = sorted(names - params.dropped)
    return CleanedLabel(None, "unwanted_label") if names and not kept else CleanedLabel(kept)


def parsed(raw: str | None) -> list[str] | None:
    """The names in a JSON list; None if `raw` is not a JSON list of strings."""
    try:
        names = json.loads(raw or "")
    except (ValueError, RecursionError):  # RecursionError: too many brackets
        return None
    return names if isinstance(names, list) and all(isinstance(name, str) for name in names) else None


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    return suggest_names(count_rows(given), params)


def check(given: Mapping[str, int], params: LabelParams) -> list[DataWarning]:
    rows_of = count_rows(given)
    check_repeated(rows_of, sum(given.values()), params, are_several=True)
    return check_names(rows_of, params)


def count_rows(given: Mapping[str, int]) -> Mapping[str, int]:
    """The number of rows by name."""
    rows_of: Counter[str] = Counter()
    for raw, n_rows in given.items():
        rows_of.update(dict.fromkeys(map(as_name, parsed(raw) or ()), n_rows))
    return rows_of


def without_rare_labels(labels: Iterable[Sequence[str]], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(name for row in labels for name in row), params)


def preview(label: Sequence[str], content: Any) -> str:
    return ", ".join(label) or NO_CLASS


def strata(labels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The labels of each row; rows without labels are in the stratum NO_CLASS."""
    return [tuple(row) or (NO_CLASS,) for row in labels]


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    return [names_of(label) for label in labels]


def names_of(label: Any) -> tuple[str, ...]:
    """The names of a label, raw or cleaned; a raw label that is not a list is one name."""
    names = parsed(label) if isinstance(label, str) else label
    if names is None:
        return (label or "",)
    return tuple(names) or (NO_CLASS,)
