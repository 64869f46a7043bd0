"""Writes metrics/report/data.html: what became of the rows, what they are like, and the examples that a person had better see.

One page that needs no network and no script, built from report.html beside this file. What it shows of the data is hostile: the template
escapes all of it, and the page's own policy forbids every script but its own and every request.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from stages import paths
from stages.atomic import write_text
from stages.class_balance import count_names
from stages.contracts import Reporter, Shown, Target, load_reporter, load_target
from stages.distributions import of_sizes, of_verdicts
from stages.examples import Example, Kind, Ref, all_kinds
from stages.fates import funnel, read_fates
from stages.glossary import REASONS
from stages.params import Strict
from stages.run import Counts, run_stage
from stages.tables import find_rows, iter_rows, one_of, read_frame, read_schema

LONGEST = 300  # characters of a label, a source or a fact
MOST = 200  # rows of a table


class Section(Strict):
    examples: int = Field(ge=1, le=100, description="examples of each kind of finding on the page")


class Params(Strict):
    modality: str
    target: str
    report: Section


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


def class_table(target: Target, fates: pd.DataFrame) -> pd.DataFrame:
    """(n_classes, n_points): rows of each class after stages, the largest class first; those of train with the labels that are trained on."""
    cleaned = read_frame(paths.CLEANED, ["id", "label"]).merge(fates[["id", "stage"]], on="id")
    judged = read_frame(paths.LABEL_VERDICTS, ["id", "keep", "split", "label"])
    judged = judged[judged["keep"]]
    points = {
        "cleaned": cleaned["label"].tolist(),
        "unique": cleaned.loc[cleaned["stage"] != "dedupe", "label"].tolist(),
        **{split: judged.loc[judged["split"] == split, "label"].tolist() for split in ("train", *paths.HELD_OUT)},
    }
    table = pd.DataFrame(count_names(target, points)).fillna(0).astype(int)
    return table.sort_values("cleaned", ascending=False, kind="stable") if target.CLOSED else table


def label_changes(target: Target) -> list[tuple[str, str, int]]:
    """What the source's labels became, where that is another name or the reason for which the row was dropped; with the rows, most first."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "reason", "given_label"]).merge(read_frame(paths.CLEANED, ["id", "label"]), on="id", how="left")
    rows = rows[rows["reason"].isna() | rows["reason"].isin(target.REASONS)]
    kept = rows["reason"].isna()
    given = rows["given_label"].astype(object).where(rows["given_label"].notna(), None).tolist()
    names = target.names([*given, *rows.loc[kept, "label"]])  # at once: ranges of numbers follow from all of them
    became = iter(names[len(rows) :])
    changes = Counter(
        (", ".join(before), ", ".join(next(became)) if stays else f"dropped: {reason}")
        for before, stays, reason in zip(names[: len(rows)], kept, rows["reason"], strict=True)
    )
    found = [(before, after, count) for (before, after), count in changes.items() if before != after]
    return sorted(found, key=lambda change: (-change[2], change))


def read_rows(kinds: Iterable[Kind]) -> dict[Ref, dict[str, Any]]:
    """The rows that the examples name, read once a table."""
    refs = sorted({ref for kind in kinds for example in kind.examples for ref in example.rows}, key=lambda ref: (ref.folder, ref.id))
    found: dict[Ref, dict[str, Any]] = {}
    for folder, some in groupby(refs, key=lambda ref: ref.folder):
        columns = [name for name in ("id", "content", "label", "source") if name in read_schema(folder).names]
        found.update({Ref(row["id"], folder): row for row in find_rows(folder, "id", one_of(ref.id for ref in some), columns).to_pylist()})
    private = private_rows()
    return {ref: {**row, "content": None} if ref.folder == paths.COLLECTED and ref.id in private else row for ref, row in found.items()}


def private_rows() -> set[str]:
    """Those whose raw content is not shown: personal data were found in it, and params have such data taken out."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "reason", "repairs", "pii"])
    taken_out = (rows["reason"] == "pii") | rows["repairs"].map(lambda names: any(name.startswith("redacted_") for name in names))
    return set(rows.loc[rows["pii"].map(lambda found: found is not None and len(found) > 0), "id"]) if taken_out.any() else set()


def as_card(example: Example, rows: Mapping[Ref, Mapping[str, Any]], fates: Mapping[str, str], reporter: Reporter, target: Target) -> Card:
    content = rows[example.rows[0]].get("content")
    labels = {name: target.preview(label, content) for name, label in example.labels.items()}
    facts = {name.replace("_", " "): fact(value) for name, value in example.facts.items()}
    return Card(as_sides(example, rows, fates, reporter, target), {name: shortened(value) for name, value in {**labels, **facts}.items()})


def show(contents: Sequence[Any], alike: bool, reporter: Reporter) -> Sequence[Shown | None]:
    if alike and len(contents) == 2 and all(content is not None for content in contents):
        return reporter.show_pair(*contents)
    return [None if content is None else reporter.show(content) for content in contents]


def as_side(ref: Ref, row: Mapping[str, Any], fate: str, shown: Shown | None, target: Target) -> Side:
    raw = row.get("label") or ""
    label = target.preview(raw, row["content"]) if ref.folder == paths.CLEANED else raw
    return Side(ref.id, shortened(row["source"]), shortened(label) if "label" in row else None, fate, shown)


def as_sides(example: Example, rows: Mapping[Ref, Mapping[str, Any]], fates: Mapping[str, str], reporter: Reporter, target: Target) -> list[Side]:
    shown = show([rows[ref].get("content") for ref in example.rows], example.alike, reporter)
    sides = [as_side(ref, rows[ref], fates[ref.id], content, target) for ref, content in zip(example.rows, shown, strict=True)]
    if len({ref.id for ref in example.rows}) < len(sides):  # one row, before and after
        return [replace(sides[0], fate="as the source has it"), replace(sides[1], fate=f"as it is now, {sides[1].fate}")]
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
    return {row.id: f"in {row.split}" if pd.isna(row.stage) else f"dropped by {row.stage}: {row.reason}" for row in some.itertuples()}


def render(**values: Any) -> str:
    """The page; jinja escapes every value, and StrictUndefined finds what the template misspells."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template = Path(__file__).with_suffix(".html")
    script = template.with_suffix(".js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(loader=FileSystemLoader(template.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    style = template.with_suffix(".css").read_text(encoding="utf-8")
    return environment.get_template(template.name).render(**values, style=style, script=script, script_digest=digest)


def main(params: Params) -> Counts:
    reporter, target = load_reporter(params.modality), load_target(params.target)
    fates = read_fates()
    kinds = all_kinds(fates, params.report.examples)
    rows = read_rows(kinds)
    said = say_fates(fates, (ref.id for ref in rows))
    page = render(
        params=params,
        steps=funnel(fates),
        meanings=REASONS,
        splits=fates["split"].value_counts().to_dict(),
        outliers=count_outliers(),
        suggestions=list(iter_rows(paths.SUGGESTIONS)),
        classes=class_table(target, fates),
        label_changes=label_changes(target),
        most=MOST,
        charts=[*of_sizes(reporter), *of_verdicts()],
        kinds=[(kind, [as_card(example, rows, said, reporter, target) for example in kind.examples]) for kind in kinds],
    )
    write_text(paths.DATA_REPORT, page)
    return Counts(len(fates), more={"examples": sum(len(kind.examples) for kind in kinds)})


def count_outliers() -> int:
    return int((~read_frame(paths.OUTLIER_VERDICTS, ["keep"])["keep"]).sum())


if __name__ == "__main__":
    run_stage("report", Params, main)
