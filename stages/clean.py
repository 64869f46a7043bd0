"""Cleans content and labels, and applies the ledger.

Writes data/cleaned (the rows that can be used), data/verdicts/clean and data/suggestions.

A row that cannot be used is dropped with a reason of the modality or of the target, or `ledger` if a person decided so.
Changes that need a person's decision are suggested, not made.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator
from tqdm import tqdm

from stages.cleaning.contents import SafeCleaner
from stages.cleaning.judge import Judge, JudgedRow, Together
from stages.cleaning.ledger import ShortenedIds, check_classes, read_ledger
from stages.cleaning.missing import folded, is_missing_label
from stages.cleaning.tally import RawCounts, Tally, lost_classes, new_tally
from stages.contracts.clean import load_cleaner
from stages.contracts.content import load_modality
from stages.contracts.label import Suggestion, load_target
from stages.core import paths
from stages.core.atomic import partial_folder, replace_folder
from stages.core.errors import one_line, shown
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, DataWarning, run_stage
from stages.core.tables import count_rows, iter_rows, new_table, read_table, row_schema, verdict_schema, write_tables
from stages.untrusted.worker import FAILURES

VERDICT = verdict_schema(
    ("source", pa.string()),
    ("given_label", pa.string()),
    ("repairs", pa.list_(pa.string())),
    ("reviewed", pa.bool_()),
    ("note", pa.string()),
)

SUGGESTION = pa.schema([("key", pa.string()), ("value", pa.string()), ("rows", pa.int64()), ("proposal", pa.string())])


class Section(VariantSection):
    variant = ("modalities", "clean", "CleanParams")
    label_variant = "LabelParams"
    label: Any
    missing: list[str] = Field(
        description="spellings of missing values in your data, such as NA; case and spaces are ignored; "
        "blank labels and texts are always missing"
    )

    @field_validator("missing", mode="before")
    @classmethod
    def as_spellings(cls, values: Any) -> Any:
        """Numbers of YAML as texts: `[-1]` lists the spelling -1."""
        if not isinstance(values, list):
            return values
        return [str(value) if type(value) in (int, float) and math.isfinite(value) else value for value in values]


class Params(Strict):
    modality: str = Field(description="the kind of content: a folder in stages/modalities")
    target: str = Field(description="the kind of label: a folder in stages/targets")
    clean: Section


@dataclass(frozen=True)
class Draft:
    """The two tables of this stage in a temporary folder, until all decisions are made.

    Memory is bounded by a part: content is read and written row by row.
    """

    cleaned: Path
    verdicts: Path
    row_schema: pa.Schema
    verdict_schema: pa.Schema

    def write(self, judged_rows: Iterable[JudgedRow], tally: Tally) -> None:
        """Writes both tables and counts the verdicts.

        Raises:
            InputError: no row is kept.
        """
        with (
            new_table(self.verdicts, self.verdict_schema) as verdicts,
            new_table(self.cleaned, self.row_schema) as cleaned,
        ):
            for judged in judged_rows:
                verdicts.write_row(judged.verdict)
                tally.add(judged.verdict)
                if judged.cleaned is not None:
                    cleaned.write_row(judged.cleaned)
                    tally.add_cleaned(judged.cleaned)
            tally.check()

    def read(self) -> Iterator[JudgedRow]:
        """The rows, as they were given to `write`."""
        kept_rows = iter_rows(self.cleaned)
        for verdict in iter_rows(self.verdicts):
            yield JudgedRow(verdict, next(kept_rows) if verdict["keep"] else None)

    def add_measures(self, together: Together) -> None:
        """Writes the verdicts with the measures that need all rows; content is not touched."""
        verdicts = iter_rows(self.verdicts)
        with new_table(self.verdicts, self.verdict_schema) as writer:
            for index, verdict in enumerate(verdicts):
                writer.write_row({**verdict, **together.measures_of(index)})

    def publish(self) -> None:
        """Moves the tables to their paths."""
        replace_folder(paths.CLEAN_VERDICTS, self.verdicts)
        replace_folder(paths.CLEANED, self.cleaned)


def clean(judge: Judge, draft: Draft, raw_counts: RawCounts) -> Tally:
    """Writes the draft: every row is judged by itself, then all rows together.

    Content is written a second time only if the second step drops rows or changes labels.
    """
    tally = new_tally(judge.cleaner, judge.target)
    with SafeCleaner(judge.cleaner, judge.content_params) as safe_cleaner:
        draft.write(judge.judge_rows(collected_rows(raw_counts), safe_cleaner), tally)
    together = judge_together(judge, draft)
    if together.changes_rows:
        tally = new_tally(judge.cleaner, judge.target)
        judged_rows = (judge.judge_again(judged, index, together) for index, judged in enumerate(draft.read()))
        draft.write(judged_rows, tally)
    elif together.measured:
        draft.add_measures(together)
    return tally


def collected_rows(raw_counts: RawCounts) -> Iterator[dict[str, Any]]:
    """The rows of data/collected, counted in `raw_counts`."""
    rows = iter_rows(paths.COLLECTED)
    for row in tqdm(rows, total=count_rows(paths.COLLECTED), desc="clean", unit=" rows", disable=None):
        raw_counts.add(row)
        yield row


def check_labels(judge: Judge) -> list[DataWarning]:
    """What is out of the ordinary in the raw labels, apart from rows that people decided about, and in the ledger.

    Raises:
        InputError: these cannot be the labels, or the ledger has a label or the start of an id by mistake.
    """
    labels: Counter[str] = Counter()
    undecided: Counter[str] = Counter()
    decisions = {}
    shortened = ShortenedIds(judge.decisions)
    for row in iter_rows(paths.COLLECTED, ["id", "label"]):
        shortened.check(row["id"])
        labels[row["label"] or ""] += 1
        if row["id"] in judge.decisions:
            decisions[row["id"]] = judge.decisions[row["id"]]
        elif not is_missing_label(row["label"], judge.missing):
            undecided[row["label"] or ""] += 1
    new_classes = check_classes(decisions, labels, judge.target, judge.label_params, paths.LEDGER)
    warnings = judge.target.check(undecided, judge.label_params)
    return [*warnings, *(DataWarning(message, "clean.label") for message in new_classes)]


def judge_together(judge: Judge, draft: Draft) -> Together:
    """What all rows of the draft say together."""
    names = [name for name, kind in judge.cleaner.MEASURES.items() if pa.types.is_floating(kind)]
    table = read_table(draft.verdicts, ["keep", *names])
    measures = {name: pc.fill_null(table[name], np.nan).to_numpy() for name in names}
    labels = (row["label"] for row in iter_rows(draft.cleaned, ["label"]))
    return judge.judge_together(measures, table["keep"].to_pylist(), labels)


def write_suggestions(suggestions: Sequence[Suggestion]) -> None:
    rows = [vars(suggestion) for suggestion in suggestions]
    write_tables(paths.SUGGESTIONS, [pa.Table.from_pylist(rows, schema=SUGGESTION)])
    for suggestion in suggestions:
        rows_have = "1 row has" if suggestion.rows == 1 else f"{suggestion.rows} rows have"
        print(f"clean: {rows_have} {shown(suggestion.value)}: {suggestion.key}: {one_line(suggestion.proposal)}")


def suggest(judge: Judge, raw_counts: RawCounts) -> list[Suggestion]:
    """All suggestions: spellings of missing values, of contents, of labels."""
    return [
        *raw_counts.suggest(),
        *judge.cleaner.suggest(contents_for_suggestions(), judge.content_params),
        *judge.target.suggest(raw_counts.present_labels(), judge.label_params),
    ]


def contents_for_suggestions() -> Iterator[bytes]:
    """The raw contents, without those that were too much for the cleaner: suggestions are made in this process.

    Nor those that a person dropped: they are no longer part of the data, and may have been too much as well.
    """
    verdicts = iter_rows(paths.CLEAN_VERDICTS, ["reason"])
    for row, verdict in zip(iter_rows(paths.COLLECTED, ["content"]), verdicts, strict=True):
        if verdict["reason"] not in {"ledger", *FAILURES}:
            yield row["content"]


def new_judge(params: Params) -> Judge:
    return Judge(
        cleaner=load_cleaner(params.modality),
        target=load_target(params.target),
        content_params=params.clean.of(params.modality),
        label_params=params.clean.label,
        missing={folded(spelling) for spelling in params.clean.missing} - {""},
        decisions=read_ledger(paths.LEDGER),
    )


def new_draft(folder: Path, params: Params, judge: Judge) -> Draft:
    measures = [pa.field(name, kind) for name, kind in judge.cleaner.MEASURES.items()]
    return Draft(
        cleaned=folder / "cleaned",
        verdicts=folder / "verdicts",
        row_schema=row_schema(load_modality(params.modality).CONTENT, judge.target.LABEL),
        verdict_schema=pa.schema([*VERDICT, ("source_label", judge.target.LABEL), *measures]),
    )


def main(params: Params) -> Counts:
    judge = new_judge(params)
    warnings = check_labels(judge)
    raw_counts = RawCounts(judge.missing)
    with partial_folder(paths.CLEANED) as folder:
        draft = new_draft(folder, params, judge)
        tally = clean(judge, draft, raw_counts)
        draft.publish()
    unused = judge.decisions.keys() - tally.reviewed
    if unused:
        are_about = "1 decision is about a row" if len(unused) == 1 else f"{len(unused)} decisions are about rows"
        exist = "does not exist" if len(unused) == 1 else "do not exist"
        print(f"clean: {paths.LEDGER}: {are_about} that {exist}, such as {one_line(min(unused))}")
    write_suggestions(suggest(judge, raw_counts))
    lost = lost_classes(tally, judge.target, judge.clean_raw_label)
    warnings += [*lost, *raw_counts.warnings()]
    return tally.counts(len(judge.decisions), warnings)


if __name__ == "__main__":
    run_stage("clean", Params, main)
