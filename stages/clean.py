"""Repairs content and labels, and applies the ledger; writes data/cleaned (the rows that can be used), data/verdicts/clean and data/suggestions.

What cannot be used is dropped with a reason: the modality's, the target's, or `ledger` where a person said so. What a person had better
decide is suggested, and left as it is.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pydantic import Field
from tqdm import tqdm

from stages import paths
from stages.contracts import CleanedLabel, Cleaner, Modality, Suggestion, Target, load_cleaner, load_modality, load_target
from stages.errors import InputError
from stages.ledger import Decision, read_ledger
from stages.params import Strict, VariantSection
from stages.run import Counts, run_stage
from stages.tables import count_rows, iter_rows, new_table, row_schema, verdict_schema, write_tables

VERDICT = verdict_schema(("source", pa.string()), ("given_label", pa.string()), ("repairs", pa.list_(pa.string())), ("reviewed", pa.bool_()))

SUGGESTION = pa.schema([("key", pa.string()), ("value", pa.string()), ("rows", pa.int64()), ("proposal", pa.string())])


class Section(VariantSection):
    variant = ("cleaner", "CleanParams")
    label_variant = "LabelParams"
    label: Any


class Params(Strict):
    modality: str = Field(description="what a row is made of: a file in stages/modalities")
    target: str = Field(description="what is predicted: a file in stages/targets")
    clean: Section


def decide_label(key: str, given: str | None, content: Any, decision: Decision | None, target: Target, params: Any) -> CleanedLabel:
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


def clean(params: Params, modality: Modality, cleaner: Cleaner, target: Target, decisions: Mapping[str, Decision]) -> Counts:
    dropped: Counter[str] = Counter()
    repaired: Counter[str] = Counter()
    given: Counter[str] = Counter()
    first: dict[str, dict[str, Any]] = {}
    found: Counter[str] = Counter()
    unused = set(decisions)
    rows_in = count_rows(paths.COLLECTED)
    schema = row_schema(modality.CONTENT, target.LABEL)
    lists = [name for name, kind in cleaner.MEASURES.items() if pa.types.is_list(kind)]
    columns = pa.schema([*VERDICT, *(pa.field(name, kind) for name, kind in cleaner.MEASURES.items())])
    with new_table(paths.CLEAN_VERDICTS, columns) as verdicts, new_table(paths.CLEANED, schema) as cleaned:
        for row in tqdm(iter_rows(paths.COLLECTED), total=rows_in, desc="clean", unit=" rows", disable=None):
            unused.discard(row["id"])
            given[row["label"] or ""] += 1
            decision = decisions.get(row["id"])
            content = cleaner.clean(row["content"], params.clean.of(params.modality))
            label = decide_label(row["id"], row["label"], content.content, decision, target, params.clean.label)
            reason = label.reason if label.reason == "ledger" else content.reason or label.reason
            repairs = content.repairs + label.repairs
            verdict = {"keep": reason is None, "reason": reason, "given_label": row["label"], "repairs": repairs, "reviewed": decision is not None}
            verdicts.write_row({"id": row["id"], "source": row["source"], **verdict, **content.measured})
            repaired.update(repairs)
            found.update(f"{name}_{value}" for name in lists for value in content.measured.get(name) or ())
            if reason is None:
                cleaned.write_row({**row, "content": content.content, "label": label.label})
            else:
                dropped[reason] += 1
                first.setdefault(reason, row)
        if rows_in == sum(dropped.values()):
            raise InputError(nothing_left(dropped, first))
    if unused:
        print(f"clean: {len(unused)} decisions of {paths.LEDGER} name no row that is there, such as {min(unused)}")
    suggestions = [*suggest_contents(cleaner, params), *target.suggest(given, params.clean.label)]
    write_tables(paths.SUGGESTIONS, [pa.Table.from_pylist([vars(suggestion) for suggestion in suggestions], schema=SUGGESTION)])
    for suggestion in suggestions:
        print(f"clean: {suggestion.rows} rows have {suggestion.value!r}: {suggestion.key}: {suggestion.proposal}")
    more = {f"repaired_{name}": count for name, count in sorted(repaired.items())}
    return Counts(rows_in, dropped, {**more, **dict(sorted(found.items())), "ledger_used": len(decisions) - len(unused), "ledger_without_row": len(unused)})


def nothing_left(dropped: Counter[str], first: Mapping[str, Mapping[str, Any]]) -> str:
    """What to say when no row can be used; `first` is the first row that was dropped for each reason."""
    (reason, _), *_ = dropped.most_common(1)
    example = f"{first[reason]['source']}, whose label is {first[reason]['label']!r}"
    hint = "; where the cells of a table are the names of files, set collect.files" if reason == "unreadable" else ""
    count = f"{paths.COLLECTED}: none of {dropped.total()} rows can be used ({dict(dropped)})"
    return f"{count}, such as {example}; see clean, collect.columns and collect.label_format{hint}"


def suggest_contents(cleaner: Cleaner, params: Params) -> list[Suggestion]:
    return cleaner.suggest((row["content"] for row in iter_rows(paths.COLLECTED, ["content"])), params.clean.of(params.modality))


def main(params: Params) -> Counts:
    return clean(params, load_modality(params.modality), load_cleaner(params.modality), load_target(params.target), read_ledger(paths.LEDGER))


if __name__ == "__main__":
    run_stage("clean", Params, main)
