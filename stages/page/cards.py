"""Examples as cards: one row or two side by side, with what is known of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from stages.contracts.label import Target
from stages.contracts.report import Reporter, Shown
from stages.core import paths
from stages.page.examples import Example, Ref

LONGEST = 300  # characters of a label, a source or a fact


@dataclass(frozen=True)
class Side:
    """A row as an example shows it."""

    id: str
    source: str
    label: str | None  # None where the table has none, "" where the row has none
    fate: str
    shown: Shown | None  # None for what could not be collected


@dataclass(frozen=True)
class Card:
    sides: Sequence[Side]
    facts: Mapping[str, str]


def as_card(
    example: Example,
    rows: Mapping[Ref, Mapping[str, Any]],
    fates: Mapping[str, str],
    reporter: Reporter,
    target: Target,
) -> Card:
    content = rows[example.rows[0]].get("content")
    labels = {name: target.preview(label, content) for name, label in example.labels.items()}
    facts = {name.replace("_", " "): fact(value) for name, value in example.facts.items()}
    return Card(
        as_sides(example, rows, fates, reporter, target),
        {name: shortened(value) for name, value in {**labels, **facts}.items()},
    )


def show(contents: Sequence[Any], alike: bool, reporter: Reporter) -> Sequence[Shown | None]:
    if alike and len(contents) == 2 and all(content is not None for content in contents):
        return reporter.show_pair(*contents)
    return [None if content is None else reporter.show(content) for content in contents]


def as_side(ref: Ref, row: Mapping[str, Any], fate: str, shown: Shown | None, target: Target) -> Side:
    raw = row.get("label") or ""
    label = target.preview(raw, row["content"]) if ref.folder == paths.CLEANED else raw
    return Side(ref.id, shortened(row["source"]), shortened(label) if "label" in row else None, fate, shown)


def as_sides(
    example: Example,
    rows: Mapping[Ref, Mapping[str, Any]],
    fates: Mapping[str, str],
    reporter: Reporter,
    target: Target,
) -> list[Side]:
    shown = show([rows[ref].get("content") for ref in example.rows], example.alike, reporter)
    sides = [
        as_side(ref, rows[ref], fates[ref.id], content, target)
        for ref, content in zip(example.rows, shown, strict=True)
    ]
    if len({ref.id for ref in example.rows}) < len(sides):  # one row, before and after
        return [
            replace(sides[0], fate="as the source has it"),
            replace(sides[1], fate=f"as it is now, {sides[1].fate}"),
        ]
    return sides


def fact(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(fact, value))
    if isinstance(value, bool):
        return "yes"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def say_fates(fates: pd.DataFrame, ids: Iterable[str]) -> dict[str, str]:
    """In words, where each of these rows ended."""
    some = fates[fates["id"].isin(set(ids))]
    return {
        row.id: f"in {row.split}" if pd.isna(row.stage) else f"dropped by {row.stage}: {row.reason}"
        for row in some.itertuples()
    }
