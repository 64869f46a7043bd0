"""Repairs content and labels, and applies the ledger; writes data/cleaned (the rows that can be used), data/verdicts/clean and data/suggestions.

What cannot be used is dropped with a reason: the modality's, the target's, or `ledger` where a person said so. What a person had better
decide is suggested, and left as it is.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from tqdm import tqdm

from stages.cleaning.ledger import Decision, read_ledger
from stages.cleaning.missing import KNOWN, folded, is_missing_content, is_missing_label, parts_of_content
from stages.cleaning.tally import Noticed, Tally, new_tally
from stages.contracts.clean import Cleaned, Cleaner, load_cleaner
from stages.contracts.content import Modality, load_modality
from stages.contracts.label import CleanedLabel, Suggestion, Target, load_target
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import Strict, VariantSection
from stages.core.run import Counts, run_stage
from stages.core.tables import count_rows, iter_rows, new_table, read_table, row_schema, verdict_schema, write_tables

VERDICT = verdict_schema(
    ("source", pa.string()), ("given_label", pa.string()), ("repairs", pa.list_(pa.string())), ("reviewed", pa.bool_())
)

SUGGESTION = pa.schema([("key", pa.string()), ("value", pa.string()), ("rows", pa.int64()), ("proposal", pa.string())])


class Section(VariantSection):
    variant = ("modalities", "clean", "CleanParams")
    label_variant = "LabelParams"
    label: Any
    missing: list[str] = Field(
        description="what stands for nothing in your data, such as NA, whatever its case and spaces; blank labels and texts do anyway"
    )


class Params(Strict):
    modality: str = Field(description="what a row is made of: a file in stages/modalities")
    target: str = Field(description="what is predicted: a file in stages/targets")
    clean: Section


def decide_label(
    key: str, given: str | None, content: Any, decision: Decision | None, target: Target, params: Any
) -> CleanedLabel:
    """The label that a person gave, else the source's.

    Raises:
        InputError: what the person gave is no label; her word must not lose a row.
    """
    if decision is None or decision.action == "keep":
        return target.clean_label(given, content, params)
    if decision.action == "drop":
        return CleanedLabel(None, "ledger")
    found = target.clean_label(decision.label, content, params)
    if found.label is None and content is not None:
        raise InputError(
            f"{paths.LEDGER}: row {key}: the label {decision.label!r} cannot be used ({found.reason}); "
            f"write it as {paths.COLLECTED} has it, such as {given!r}, and as clean.label allows"
        )
    return found


def clean(
    params: Params, modality: Modality, cleaner: Cleaner, target: Target, decisions: Mapping[str, Decision]
) -> Counts:
    columns = pa.schema([*VERDICT, *(pa.field(name, kind) for name, kind in cleaner.MEASURES.items())])
    schemas = {paths.CLEAN_VERDICTS: columns, paths.CLEANED: row_schema(modality.CONTENT, target.LABEL)}
    noticed = Noticed({folded(spelling) for spelling in params.clean.missing} - {""})
    alone = clean_alone(params, cleaner, target, decisions, schemas, noticed)
    tally = clean_among(params, cleaner, target, decisions, schemas) or alone
    unused = decisions.keys() - noticed.ids
    if unused:
        print(f"clean: {len(unused)} decisions of {paths.LEDGER} name no row that is there, such as {min(unused)}")
    write_suggestions(
        [*noticed.suggest(), *suggest_contents(cleaner, params), *target.suggest(noticed.labels(), params.clean.label)]
    )
    return tally.counts({"ledger_used": len(decisions) - len(unused), "ledger_without_row": len(unused)})


def clean_alone(
    params: Params,
    cleaner: Cleaner,
    target: Target,
    decisions: Mapping[str, Decision],
    schemas: Mapping[Path, pa.Schema],
    noticed: Noticed,
) -> Tally:
    """Writes the tables, each row judged by itself."""
    tally = new_tally(cleaner)
    own = params.clean.of(params.modality)
    with (
        new_table(paths.CLEAN_VERDICTS, schemas[paths.CLEAN_VERDICTS]) as verdicts,
        new_table(paths.CLEANED, schemas[paths.CLEANED]) as cleaned,
    ):
        for row in tqdm(
            iter_rows(paths.COLLECTED), total=count_rows(paths.COLLECTED), desc="clean", unit=" rows", disable=None
        ):
            decision = decisions.get(row["id"])
            if decision is not None:
                noticed.ids.add(row["id"])
            noticed.given[row["label"] or ""] += 1
            noticed.contents.update(
                part for part in parts_of_content(row["content"]) if part in KNOWN and part not in noticed.spellings
            )
            content = (
                Cleaned(None, "empty")
                if is_missing_content(row["content"], noticed.spellings)
                else cleaner.clean(row["content"], own)
            )
            given = None if decision is None and is_missing_label(row["label"], noticed.spellings) else row["label"]
            label = decide_label(row["id"], given, content.content, decision, target, params.clean.label)
            reason = label.reason if label.reason == "ledger" else content.reason or label.reason
            told = {
                "id": row["id"],
                "source": row["source"],
                "given_label": row["label"],
                "reviewed": decision is not None,
                **content.measured,
            }
            verdict = {**told, "keep": reason is None, "reason": reason, "repairs": content.repairs + label.repairs}
            verdicts.write_row(verdict)
            tally.add(verdict)
            if reason is None:
                cleaned.write_row({**row, "content": content.content, "label": label.label})
        tally.check()
    return tally


def clean_among(
    params: Params,
    cleaner: Cleaner,
    target: Target,
    decisions: Mapping[str, Decision],
    schemas: Mapping[Path, pa.Schema],
) -> Tally | None:
    """Writes the tables again where all rows together say more of each: of contents what is odd among them, of labels which are rare; None where not."""
    among = cleaner.among(read_measures(cleaner), params.clean.of(params.modality))
    reasons = among.reasons if among else [None] * count_rows(paths.CLEAN_VERDICTS)
    labels = target.without_rare_labels(labels_left(reasons), params.clean.label)
    if among is None and labels is None:
        return None
    tally = new_tally(cleaner)
    measured = among.measured if among else {}
    before = iter_rows(paths.CLEANED)
    with (
        new_table(paths.CLEAN_VERDICTS, schemas[paths.CLEAN_VERDICTS]) as verdicts,
        new_table(paths.CLEANED, schemas[paths.CLEANED]) as cleaned,
    ):
        for number, (old, reason) in enumerate(zip(iter_rows(paths.CLEAN_VERDICTS), reasons, strict=True)):
            row = next(before) if old["keep"] else None
            verdict = {
                **old,
                **{
                    name: None if np.isnan(values[number]) else float(values[number])
                    for name, values in measured.items()
                },
            }
            if row and reason:
                verdict |= {"keep": False, "reason": reason}
            elif row and labels:
                label = again(row, old["given_label"], decisions.get(row["id"]), target, labels)
                verdict |= {
                    "keep": label.reason is None,
                    "reason": label.reason,
                    "repairs": [*old["repairs"], *label.repairs],
                }
                row["label"] = label.label
            verdicts.write_row(verdict)
            tally.add(verdict)
            if row and verdict["keep"]:
                cleaned.write_row(row)
        tally.check()
    return tally


def again(
    row: Mapping[str, Any], given: str | None, decision: Decision | None, target: Target, params: Any
) -> CleanedLabel:
    """The label once rare ones are dropped or merged: a person's is no exception, as no model learns a class of a few rows for it."""
    found = target.clean_label(
        decision.label if decision and decision.action == "relabel" else given, row["content"], params
    )
    if found.label is None:
        return CleanedLabel(None, "rare_label")
    return CleanedLabel(found.label, repairs=() if found.label == row["label"] else ("rare_label",))


def read_measures(cleaner: Cleaner) -> dict[str, npt.NDArray[Any]]:
    """What was measured as numbers, (n_rows,) each; NaN of rows that could not be measured."""
    names = [name for name, kind in cleaner.MEASURES.items() if pa.types.is_floating(kind)]
    table = read_table(paths.CLEAN_VERDICTS, names)
    return {name: pc.fill_null(table[name], np.nan).to_numpy() for name in names}


def labels_left(reasons: Sequence[str | None]) -> Iterator[Any]:
    """The labels of the rows that stay, cleaned."""
    keep = read_table(paths.CLEAN_VERDICTS, ["keep"])["keep"].to_pylist()
    for row, reason in zip(iter_rows(paths.CLEANED, ["label"]), compress(reasons, keep), strict=True):
        if reason is None:
            yield row["label"]


def write_suggestions(suggestions: Sequence[Suggestion]) -> None:
    write_tables(
        paths.SUGGESTIONS, [pa.Table.from_pylist([vars(suggestion) for suggestion in suggestions], schema=SUGGESTION)]
    )
    for suggestion in suggestions:
        print(f"clean: {suggestion.rows} rows have {suggestion.value!r}: {suggestion.key}: {suggestion.proposal}")


def suggest_contents(cleaner: Cleaner, params: Params) -> list[Suggestion]:
    return cleaner.suggest(
        (row["content"] for row in iter_rows(paths.COLLECTED, ["content"])), params.clean.of(params.modality)
    )


def main(params: Params) -> Counts:
    return clean(
        params,
        load_modality(params.modality),
        load_cleaner(params.modality),
        load_target(params.target),
        read_ledger(paths.LEDGER),
    )


if __name__ == "__main__":
    run_stage("clean", Params, main)
