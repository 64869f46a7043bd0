"""A category: one name of a closed set."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import Field

from stages.contracts.label import CleanedLabel, Suggestion
from stages.core.run import DataWarning
from stages.labels.doubts import check_names, check_repeated
from stages.labels.names import NameParams, as_name, is_too_long, suggest_names, without_rare

LABEL = pa.string()
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "not_a_name": "its label is too long for the name of a class",
    "unwanted_label": "its label is listed in clean.label.drop",
}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "missing_label": "collect.columns.label",
    "not_a_name": "collect.columns.label",
    "unwanted_label": "clean.label.drop",
}
CLOSED = True


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of a label: `Pos: positive`")
    drop: list[str] = Field(description="labels whose rows are dropped")


def clean_label(raw: str | None, content: Any, params: LabelParams) -> CleanedLabel:
    """The normalised name, after `aliases`; a row whose name is in `drop` is dropped."""
    name = as_name(raw or "")
    label = params.aliases.get(name, name)
    if not label:
        return CleanedLabel(None, "missing_label")
    if is_too_long(label):
        return CleanedLabel(None, "not_a_name")
    return CleanedLabel(None, "unwanted_label") if label in params.dropped else CleanedLabel(label)


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    return suggest_names(given, params)


def check(given: Mapping[str, int], params: LabelParams) -> list[DataWarning]:
    rows_of: Counter[str] = Counter()
    for raw, n_rows in given.items():
        rows_of[as_name(raw)] += n_rows
    check_repeated(rows_of, rows_of.total(), params)
    return check_names(rows_of, params)


def without_rare_labels(labels: Iterable[str], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(labels), params)


def preview(label: str, content: Any) -> str:
    return label


def strata(labels: Sequence[str]) -> list[tuple[str, ...]]:
    return [(label,) for label in labels]


def names(labels: Sequence[str | None]) -> list[tuple[str, ...]]:
    return [(label or "",) for label in labels]
