"""Tags: one BIO tag per token, which says whether it begins an entity of a type, is inside one, or outside all."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from stages.contracts.label import NO_CLASS, CleanedLabel, Suggestion
from stages.core.run import DataWarning
from stages.labels.doubts import check_names, check_repeated
from stages.labels.names import NameParams, as_name, is_too_long, suggest_names, without_rare

LABEL = pa.list_(pa.string())
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "unaligned_tags": "it does not have one tag for each of its words",
    "invalid_tags": "its tags are not in an order or of a form that the scheme allows",
}
# The key of params.yaml to look at if many rows are dropped for a reason.
SEE: Mapping[str, str] = {
    "missing_label": "collect.columns.label",
    "unaligned_tags": "collect.label_format",
    "invalid_tags": "collect.tag_scheme",
}
CLOSED = True


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of an entity type: `PER: person`")
    drop: list[str] = Field(description="entity types to remove: their tokens get the tag O")
    on_invalid: Literal["repair", "drop"] = Field(
        description="an I- that continues no entity of its type becomes B- (repair), or its row is dropped (drop)"
    )


def clean_label(raw: str | None, content: str | None, params: LabelParams) -> CleanedLabel:
    """BIO tags, one per token of the content; a raw label is a JSON list, or tags with spaces between them."""
    raw_tags = tags_of(raw)
    if raw_tags == []:
        return CleanedLabel(None, "missing_label")
    if raw_tags is None:
        return CleanedLabel(None, "invalid_tags")
    if content is not None and len(raw_tags) != len(content.split(" ")):
        return CleanedLabel(None, "unaligned_tags")
    tags = [renamed(tag, params) for tag in raw_tags]
    valid_tags = as_valid(tags)
    if valid_tags == tags:
        return CleanedLabel(tags)
    if params.on_invalid == "repair":
        return CleanedLabel(valid_tags, repairs=("invalid_tags",))
    return CleanedLabel(None, "invalid_tags")


def tags_of(label: Any) -> list[str] | None:
    """The tags of a label, raw or cleaned; empty if it is missing, None if one is not O, B-<type> or I-<type>."""
    raw_tags = label or []
    if isinstance(label, str):
        try:
            raw_tags = json.loads(label) if label.lstrip().startswith("[") else label.split()
        except (ValueError, RecursionError):  # RecursionError: too many brackets
            return None
    if not all(isinstance(tag, str) for tag in raw_tags):
        return None
    tags = [as_name(tag) for tag in raw_tags]
    return tags if all(map(is_tag, tags)) else None


def is_tag(text: str) -> bool:
    return text == "O" or (text.startswith(("B-", "I-")) and bool(text[2:].strip()) and not is_too_long(text))


def renamed(tag: str, params: LabelParams) -> str:
    """The tag with the alias of its type; O if the type is dropped."""
    name = params.aliases.get(tag[2:], tag[2:])
    return "O" if tag == "O" or name in params.dropped else tag[:2] + name


def as_valid(tags: Sequence[str]) -> list[str]:
    """The tags; an I- that continues no entity of its type becomes B-."""
    valid_tags = []
    for previous, tag in pairwise(["O", *tags]):
        is_start = tag.startswith("I-") and previous[2:] != tag[2:]
        valid_tags.append(f"B-{tag[2:]}" if is_start else tag)
    return valid_tags


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    return suggest_names(count_rows(given), params)


def check(given: Mapping[str, int], params: LabelParams) -> list[DataWarning]:
    rows_of = count_rows(given)
    check_repeated(
        rows_of, sum(given.values()), params, are_several=True, column="collect.columns.label (or collect.tag_column)"
    )
    return check_names(rows_of, params)


def count_rows(given: Mapping[str, int]) -> Mapping[str, int]:
    """The number of rows by entity type."""
    rows_of: Counter[str] = Counter()
    for raw, n_rows in given.items():
        rows_of.update(dict.fromkeys(types_of(tags_of(raw) or ()), n_rows))
    return rows_of


def types_of(tags: Iterable[str]) -> set[str]:
    """The entity types in the tags."""
    return {tag[2:] for tag in tags if tag != "O"}


def without_rare_labels(labels: Iterable[Sequence[str]], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(kind for tags in labels for kind in types_of(tags)), params)


def preview(label: Sequence[str], content: Any) -> str:
    """The tokens of entities, each with its tag."""
    tagged = [f"{token}/{tag}" for token, tag in zip(content.split(" "), label, strict=False) if tag != "O"]
    return " ".join(tagged) or NO_CLASS


def strata(labels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return names(labels)


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    """The entity types of each row; O if it has no entity, "" if its label is missing or invalid."""
    return [names_of(tags_of(label)) for label in labels]


def names_of(tags: Sequence[str] | None) -> tuple[str, ...]:
    if not tags:
        return ("",)
    return tuple(sorted(types_of(tags))) or ("O",)
