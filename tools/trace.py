"""Tells the story of a row, from its source to its prediction.

python -m tools.trace ID                    an id, or a unique start of one
python -m tools.trace --row reviews.csv:17  the file and the row number, as in the column `source`
python -m tools.trace --text "some text"    the row with this text, that contains it, or that is most like it
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from stages.contracts.label import Target, load_target
from stages.contracts.report import Reporter
from stages.core import paths
from stages.core.errors import InputError, one_line
from stages.core.params import read_yaml
from stages.core.tables import one_of
from stages.page.examples import LEAK
from stages.page.glossary import OF_DEDUPE, OF_LABEL_AUDIT, OF_OUTLIERS, Reasons, load_reasons
from stages.page.safe_reporter import SafeReporter
from tools import freshness
from tools.lookup import SOME, find_id, find_source, find_text, is_there, row_of, rows_of
from tools.terminal import write

ID = re.compile("[0-9a-f]{32}")
WIDTH, INDENT = 120, 20
# A `keep` in the ledger marks a row as reviewed. dedupe then keeps it and drops the row that it repeats, split keeps it
# though it is an outlier, and label_audit keeps it with its label. Only a leak is dropped all the same.
KEPT_IF_REVIEWED = {*OF_DEDUPE, "outlier", *OF_LABEL_AUDIT} - {LEAK}
# Columns that the story tells in other words.
NOT_LISTED = {"id", "keep", "reason", "source", "given_label", "source_label", "split", "label", "reviewed"}

Verdicts = Mapping[str, Mapping[str, Any] | None]  # of one row, by stage; None if the stage has none


@dataclass(frozen=True)
class Entry:
    """What one stage did with the row."""

    stage: str
    decision: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Formatter:
    """Formats contents, labels and reasons."""

    reporter: Reporter
    target: Target
    reasons: Reasons
    limits: Mapping[str, str]  # by column: what params do with its values

    def content(self, content: Any) -> str:
        """The content, cut to a bounded size."""
        shown = self.reporter.show(content)
        return "".join(piece.text for piece in shown.text) or shown.line

    def label(self, label: Any, content: Any) -> str:
        return self.target.preview(label, content)

    def dropped(self, reason: str) -> str:
        words = self.reasons.words.get(reason)
        return f"dropped: {reason}, because {words}" if words else f"dropped: {reason}"

    def rows(self, ids: Sequence[str]) -> list[str]:
        """One line per cleaned row, in the order of the ids."""
        columns = ["id", "source", "label", "content"]
        rows = {row["id"]: row for row in rows_of(paths.CLEANED, "id", one_of(ids), columns)}
        return [self.row(rows[id]) for id in ids if id in rows]

    def row(self, row: Mapping[str, Any]) -> str:
        label, content = self.label(row["label"], row["content"]), self.reporter.show(row["content"]).line
        return f"{row['id'][:8]} {row['source']}: {label}: {content}"


# --- the story ---


def story(id: str, verdicts: Verdicts, formatter: Formatter) -> Iterator[Entry]:
    """One entry per stage, up to the stage that dropped the row or has not run."""
    collected = row_of(paths.COLLECTED, id)
    if collected is None:
        bad = verdicts["collect"] or {}
        details = {"source": bad["source"], "detail": bad["detail"]}
        yield Entry("collect", formatter.dropped(bad["reason"]), details)
        return
    raw = {"content": formatter.content(collected["content"]), "label": collected["label"] or "(none)"}
    metadata = {key: collected[key] for key in ("source", "group", "time", "given_split")}
    yield Entry("collect", "", {**metadata, **raw})
    for stage, folder in list(paths.VERDICTS_OF.items())[1:]:
        verdict = verdicts[stage]
        if not is_there(folder):
            yield Entry(stage, "has not run yet")
            return
        if verdict is None:
            yield Entry(stage, f"{folder} lacks this row, as it is older than {paths.COLLECTED}; run `dvc repro`")
            return
        cleaned = cleaned_row(id, raw, formatter) if stage == "clean" and verdict["keep"] else {}
        yield Entry(stage, decision(stage, verdict, formatter), {**cleaned, **details_of(stage, verdict, formatter)})
        if not verdict["keep"] and stage != "outliers":
            return
    yield training_or_prediction(id, verdicts["label_audit"] or {}, formatter)


def cleaned_row(id: str, raw: Mapping[str, str], formatter: Formatter) -> dict[str, str]:
    """Content and label after cleaning."""
    row = row_of(paths.CLEANED, id) or {}
    cleaned = {
        "content": formatter.content(row["content"]),
        "label": formatter.label(row["label"], row["content"]),
    }
    return {key: "unchanged" if text == raw[key] else text for key, text in cleaned.items()}


def decision(stage: str, verdict: Mapping[str, Any], formatter: Formatter) -> str:
    if stage == "outliers" and not verdict["keep"]:
        return f"marked: {verdict['reason']} (split drops it if it is a training row)"
    if not verdict["keep"]:
        return formatter.dropped(verdict["reason"])
    return str(verdict["split"]) if stage == "split" else "kept"


def details_of(stage: str, verdict: Mapping[str, Any], formatter: Formatter) -> dict[str, Any]:
    """All other columns of a verdict; those that name a group of rows as the size of the group."""
    details = {key: value for key, value in verdict.items() if key not in NOT_LISTED}
    if stage == "clean" and verdict["reviewed"]:
        details["reviewed"] = f"by a person, in {paths.LEDGER}"
    if stage == "dedupe":
        members = ids_with(paths.DUPLICATE_VERDICTS, "cluster", verdict)
        others = [id for id in members if id not in (verdict["id"], verdict["duplicate_of"])]
        details["cluster"] = f"{len(members):,} rows" if len(members) > 1 else None
        details["others in it"] = others[:SOME]
    if stage == "split":
        members = ids_with(paths.SPLIT_VERDICTS, "unit", verdict)
        together = f"{len(members):,} rows that stay together (same cluster or group)"
        details["unit"] = together if len(members) > 1 else None
    if stage == "label_audit":
        details = {**labels_of(verdict, formatter), **details, "predicted_label": None, "suggested_label": None}
    return details


def ids_with(folder: Any, column: str, verdict: Mapping[str, Any]) -> list[str]:
    """The rows of the table that have the verdict's value in this column."""
    return [row["id"] for row in rows_of(folder, column, one_of([verdict[column]]), ["id"])]


def labels_of(verdict: Mapping[str, Any], formatter: Formatter) -> dict[str, str]:
    labels = {
        "given label": verdict["given_label"],
        "linear model": verdict["predicted_label"],
        "suggested": verdict["suggested_label"],
    }
    if verdict["label"] != verdict["given_label"]:
        labels["trained on with"] = verdict["label"]
    content = (row_of(paths.CLEANED, verdict["id"]) or {}).get("content")
    return {name: formatter.label(label, content) for name, label in labels.items()}


def training_or_prediction(id: str, audited: Mapping[str, Any], formatter: Formatter) -> Entry:
    """What augment made of a training row, or what the model predicts for another row."""
    return training(id, formatter) if audited["split"] == "train" else prediction(id, formatter)


def training(id: str, formatter: Formatter) -> Entry:
    if not is_there(paths.TRAIN):
        return Entry("augment", "has not run yet")
    rows = sorted(rows_of(paths.TRAIN, "id", one_of([id])), key=lambda row: int(row["copy"]))
    if not rows:
        return Entry("augment", f"{paths.TRAIN} lacks this row; run `dvc repro`")
    details = {"label": formatter.label(rows[0]["label"], rows[0]["content"])}
    for row in rows[:SOME]:
        details[f"copy {row['copy']}" if row["copy"] else "original"] = formatter.content(row["content"])
    n_copies = len(rows) - 1
    copies = f"{n_copies or 'no'} augmented {'copy' if n_copies == 1 else 'copies'}"
    return Entry("augment", f"trained on, with {copies}", details)


def prediction(id: str, formatter: Formatter) -> Entry:
    if not is_there(paths.PREDICTIONS):
        return Entry("predict", "has not run yet")
    predicted = row_of(paths.PREDICTIONS, id)
    if predicted is None:
        return Entry("predict", f"{paths.PREDICTIONS} lacks this row; run `dvc repro`")
    content = (row_of(paths.CLEANED, id) or {}).get("content")
    details = {
        "given label": formatter.label(predicted["given_label"], content),
        "predictions": predicted["predictions"],
    }
    is_right = predicted["given_label"] == predicted["predicted_label"]
    label = formatter.label(predicted["predicted_label"], content)
    return Entry("predict", f"the model predicts {label}{', the given label' if is_right else ''}", details)


# --- how to overrule it ---


def overruling(id: str, verdicts: Verdicts, reasons: Reasons) -> Iterator[Entry]:
    """The lines of the ledger that would change what happened to the row; nothing if none would."""
    known = [verdict for verdict in verdicts.values() if verdict]
    if any(verdict.get("reviewed") for verdict in known):
        advice = f"a person decided about this row: change its line in {paths.LEDGER}, then run `dvc repro`"
        yield Entry("overrule", advice)
        return
    dropped_for = [verdict["reason"] for verdict in known if verdict["reason"] not in (None, *OF_OUTLIERS)]
    reason = dropped_for[0] if dropped_for else None
    can_relabel = reason is None or reason in {*OF_LABEL_AUDIT, "label_conflict", *reasons.of_labels}
    lines = {
        "to keep it": f"{id},keep,," if reason in KEPT_IF_REVIEWED else None,
        "to relabel it": f"{id},relabel,LABEL," if can_relabel else None,
        "to drop it": f"{id},drop,," if reason is None else None,
    }
    n_lines = sum(map(bool, lines.values()))
    if n_lines:
        which = "this line" if n_lines == 1 else "one of these lines"
        with_label = ", with the right label in place of LABEL" if can_relabel else ""
        yield Entry("overrule", f"add {which} to {paths.LEDGER}{with_label}, then run `dvc repro`", lines)


# --- lines of the terminal ---


def lines(id: str, formatter: Formatter) -> Iterator[str]:
    verdicts = {stage: row_of(folder, id) for stage, folder in paths.VERDICTS_OF.items()}
    for entry in (*story(id, verdicts, formatter), *overruling(id, verdicts, formatter.reasons)):
        yield ""
        yield from wrap(f"{entry.stage:<12} {one_line(entry.decision)}", WIDTH, subsequent_indent=" " * 13)
        for key, value in entry.details.items():
            yield from detail_lines(key, value, formatter)


def detail_lines(key: str, value: Any, formatter: Formatter) -> Iterator[str]:
    limit = f" ({formatter.limits[key]})" if key in formatter.limits else ""
    name = key.replace("_", " ")
    for text in as_texts(value, formatter):
        start = f"  {name:<{INDENT - 3}} "
        wrapped = wrap(one_line(text + limit), WIDTH, initial_indent=start, subsequent_indent=" " * INDENT)
        yield from wrapped or [start]
        name = ""  # the first line alone has it


def as_texts(value: Any, formatter: Formatter) -> list[str]:
    """One text, or one per row that the value names; none for an empty value."""
    is_nan = value != value
    if value is None or value is False or is_nan or value == []:
        return []
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, str) and ID.fullmatch(item) for item in items):
        return formatter.rows(items)
    if isinstance(value, dict):
        return largest(value)
    if isinstance(value, list):
        return [", ".join(map(str, value))]
    if value is True:
        return ["yes"]
    return [f"{value:.3f}" if isinstance(value, float) else str(value)]


def largest(predictions: Mapping[str, Any]) -> list[str]:
    """The largest numbers with their names, in one text; none if there are no numbers."""
    numbers = [(name, number) for name, number in predictions.items() if isinstance(number, float)]
    ordered = sorted(numbers, key=lambda item: -item[1])
    text = ", ".join(f"{name} {number:.3f}" for name, number in ordered[:SOME])
    return [text] if text else []


def limits_of(params: Mapping[str, Any]) -> dict[str, str]:
    """By column: what params do with its values."""
    lowest = params["clean"][params["modality"]].get("lowest") or {}
    limits = {name: f"rows below {limit} are dropped" for name, limit in lowest.items() if limit is not None}
    threshold = params["outliers"]["threshold"]
    if threshold is not None:
        limits["score"] = f"rows above {threshold} are marked"
        limits["class_score"] = f"rows above {threshold} are far from their class"
    audit = params["label_audit"]
    if audit["policy"] != "keep":
        share = "a share chosen by the audit" if audit["budget"] == "auto" else f"{audit['budget']:.1%}"
        limits["label_quality"] = f"the policy {audit['policy']} applies to the worst training rows: {share}"
    return limits


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.trace", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", metavar="ID")
    which.add_argument("--row", metavar="SOURCE")
    which.add_argument("--text", metavar="TEXT")
    arguments = parser.parse_args([as_unicode(argument) for argument in sys.argv[1:]])
    try:
        params = read_yaml(paths.PARAMS)
        remark = ""
        if arguments.text is not None:
            id, remark = find_text(arguments.text)
        else:
            id = find_id(arguments.id) if arguments.id is not None else find_source(arguments.row)
        modality, target = params["modality"], params["target"]
        reasons = load_reasons(modality, target)
        with SafeReporter(modality) as reporter:
            formatter = Formatter(reporter, load_target(target), reasons, limits_of(params))
            write([id, *filter(None, [remark, freshness.remark()]), *lines(id, formatter)])
    except InputError as error:
        sys.exit(one_line(f"trace: error: {error}"))


def as_unicode(argument: str) -> str:
    """The argument, with `?`-like signs for bytes that are not UTF-8."""
    return argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


if __name__ == "__main__":
    main()
