"""Turns examples into cards: one row, or two side by side, with what the verdicts say about the first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from stages.contracts.label import Target
from stages.contracts.report import Reporter, Shown
from stages.core import paths
from stages.page.examples import Example, Ref

MAX_CHARS = 300  # of a label, a source or a fact


@dataclass(frozen=True)
class Side:
    """One row of a card."""

    id: str
    source: str
    label: str | None  # None if the table has no labels, "" if the row has none
    outcome: str
    shown: Shown | None  # None if there is no content to show


@dataclass(frozen=True)
class Card:
    sides: Sequence[Side]
    facts: Mapping[str, str]


def as_card(
    example: Example,
    rows: Mapping[Ref, Mapping[str, Any]],
    outcomes: Mapping[str, str],
    reporter: Reporter,
    target: Target,
) -> Card:
    content = rows[example.rows[0]].get("content")
    labels = {name: target.preview(label, content) for name, label in example.labels.items()}
    facts = {name.replace("_", " "): as_text(value) for name, value in example.facts.items()}
    short_facts = {name: shortened(value) for name, value in {**labels, **facts}.items()}
    return Card(as_sides(example, rows, outcomes, reporter, target), short_facts)


def as_sides(
    example: Example,
    rows: Mapping[Ref, Mapping[str, Any]],
    outcomes: Mapping[str, str],
    reporter: Reporter,
    target: Target,
) -> list[Side]:
    shown = show([rows[ref].get("content") for ref in example.rows], example.mark_differences, reporter)
    sides = [
        as_side(ref, rows[ref], outcomes[ref.id], content, target)
        for ref, content in zip(example.rows, shown, strict=True)
    ]
    is_before_and_after = len(sides) == 2 and sides[0].id == sides[1].id
    if not is_before_and_after:
        return sides
    before, after = sides
    return [replace(before, outcome="in the source"), replace(after, outcome=f"after cleaning, {after.outcome}")]


def as_side(ref: Ref, row: Mapping[str, Any], outcome: str, shown: Shown | None, target: Target) -> Side:
    """A row of the table `ref.folder`: in data/cleaned labels have the target's type, else they are text."""
    label = row.get("label")
    text = "" if label is None else label
    if ref.folder == paths.CLEANED:
        text = target.preview(label, row["content"])
    return Side(ref.id, shortened(row["source"]), shortened(text) if "label" in row else None, outcome, shown)


def show(contents: Sequence[Any], mark_differences: bool, reporter: Reporter) -> Sequence[Shown | None]:
    if mark_differences and len(contents) == 2 and all(content is not None for content in contents):
        return reporter.show_pair(*contents)
    return [None if content is None else reporter.show(content) for content in contents]


def as_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(as_text, value))
    if isinstance(value, bool):
        return "yes"  # examples leave out what is False
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def shortened(text: str) -> str:
    return text if len(text) <= MAX_CHARS else f"{text[: MAX_CHARS - 1]}…"


def describe_outcomes(outcomes: pd.DataFrame, ids: Iterable[str]) -> dict[str, str]:
    """By id, in words: the split of each of these rows, or the stage and the reason that dropped it."""
    rows = outcomes[outcomes["id"].isin(set(ids))]
    return {
        row.id: f"in {row.split}" if pd.isna(row.stage) else f"dropped by {row.stage}: {row.reason}"
        for row in rows.itertuples()
    }
