"""Tags: for each token whether it begins an entity of some type, stands inside one, or in none (BIO)."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from stages.contracts.label import NO_CLASS, CleanedLabel, Suggestion
from stages.labels.names import NameParams, as_name, suggest_names, without_rare

LABEL = pa.list_(pa.string())
REASONS: Mapping[str, str] = {
    "missing_label": "it has no label",
    "unaligned_tags": "it does not have one tag for each of its words",
    "invalid_tags": "its tags are not in an order that the scheme allows",
}


CLOSED = True


class LabelParams(NameParams):
    aliases: dict[str, str] = Field(description="other spellings of an entity type: `PER: person`")
    drop: list[str] = Field(description="entity types to forget: their tokens get the tag O")
    on_invalid: Literal["repair", "drop"] = Field(
        description="an I- that continues no entity of its type becomes B-, or its row is left out"
    )


def clean_label(raw: str | None, content: str | None, params: LabelParams) -> CleanedLabel:
    """BIO tags, as a JSON list or with spaces between them, as many as the content has tokens."""
    given = tags_of(raw)
    if given == []:
        return CleanedLabel(None, "missing_label")
    if given is None:
        return CleanedLabel(None, "invalid_tags")
    if content is not None and len(given) != len(content.split(" ")):
        return CleanedLabel(None, "unaligned_tags")
    tags = [renamed(tag, params) for tag in given]
    valid = as_valid(tags)
    if valid == tags:
        return CleanedLabel(tags)
    return (
        CleanedLabel(valid, repairs=("invalid_tags",))
        if params.on_invalid == "repair"
        else CleanedLabel(None, "invalid_tags")
    )


def tags_of(label: Any) -> list[str] | None:
    """The tags of a label, cleaned or still raw; none where it is missing, None where it is anything else than O, B- and I- with a type."""
    found = label or []
    if isinstance(label, str):
        try:
            found = json.loads(label) if label.lstrip().startswith("[") else label.split()
        except (ValueError, RecursionError):  # no JSON, or too many brackets
            return None
    if not all(isinstance(tag, str) for tag in found):
        return None
    tags = [as_name(tag) for tag in found]
    return tags if all(tag == "O" or (tag.startswith(("B-", "I-")) and tag[2:].strip()) for tag in tags) else None


def renamed(tag: str, params: LabelParams) -> str:
    name = params.aliases.get(tag[2:], tag[2:])
    return "O" if tag == "O" or name in params.drop else tag[:2] + name


def as_valid(tags: Sequence[str]) -> list[str]:
    """An I- that continues no entity of its type begins one."""
    return [
        f"B-{tag[2:]}" if tag.startswith("I-") and before[2:] != tag[2:] else tag
        for before, tag in zip(["O", *tags], tags, strict=False)
    ]


def suggest(given: Mapping[str, int], params: LabelParams) -> list[Suggestion]:
    rows_of: Counter[str] = Counter()
    for raw, rows in given.items():
        rows_of.update(dict.fromkeys(types_of(tags_of(raw) or ()), rows))
    return suggest_names(rows_of, params)


def types_of(tags: Iterable[str]) -> set[str]:
    return {tag[2:] for tag in tags if tag != "O"}


def without_rare_labels(labels: Iterable[Sequence[str]], params: LabelParams) -> LabelParams | None:
    return without_rare(Counter(kind for tags in labels for kind in types_of(tags)), params)


def preview(label: Sequence[str], content: Any) -> str:
    """The tokens that have a tag, each with it."""
    tagged = [f"{token}/{tag}" for token, tag in zip(content.split(" "), label, strict=False) if tag != "O"]
    return " ".join(tagged) or NO_CLASS


def strata(labels: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return names(labels)


def names(labels: Sequence[Any]) -> list[tuple[str, ...]]:
    """The entity types of each row; O where it has no entity."""
    return [tuple(sorted(types_of(tags))) or ("O",) if (tags := tags_of(label)) else ("",) for label in labels]
