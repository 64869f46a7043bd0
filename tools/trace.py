"""Tells the story of a row, from its line in the source to what the model says of it.

python -m tools.trace ID                    an id, or enough of its start to be the only one
python -m tools.trace --row reviews.csv:17  the file and the number of the row in it, as the column `source` has them
python -m tools.trace --text "some text"    the row that says this once it is cleaned, else the nearest
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from stages.contracts.label import Target, load_target
from stages.contracts.report import Reporter, load_reporter
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.core.tables import one_of
from stages.page.glossary import OF_LABELS, REASONS
from tools.lookup import SOME, find_id, find_source, find_text, is_there, row_of, rows_of

ID = re.compile("[0-9a-f]{32}")
WIDTH, INDENT = 120, 20
# A person's `keep` stands above these; a duplicate that she keeps stays, and the row that it repeats leaves.
KEPT_IF_REVIEWED = {
    "exact_duplicate",
    "near_duplicate",
    "semantic_duplicate",
    "label_conflict",
    "outlier",
    "label_issue",
}
SAID = (
    "id",
    "keep",
    "reason",
    "source",
    "given_label",
    "split",
    "label",
    "reviewed",
)  # what the story says in words of its own


@dataclass(frozen=True)
class Teller:
    """What turns contents and labels into lines."""

    reporter: Reporter
    target: Target
    limits: Mapping[str, str]  # what the numbers of verdicts are held against

    def content(self, content: Any) -> str:
        """As much of it as goes on a screen."""
        shown = self.reporter.show(content)
        return "".join(piece.text for piece in shown.text) or shown.line

    def label(self, label: Any, content: Any) -> str:
        return self.target.preview(label, content)

    def other(self, ids: Sequence[str]) -> list[str]:
        """A line for each of some cleaned rows."""
        rows = {
            row["id"]: row for row in rows_of(paths.CLEANED, "id", one_of(ids), ["id", "source", "label", "content"])
        }
        found = [rows[name] for name in ids if name in rows]
        return [
            f"{row['id'][:8]} {row['source']}: {self.label(row['label'], row['content'])}: {self.reporter.show(row['content']).line}"
            for row in found
        ]


def story(
    name: str, verdicts: Mapping[str, Mapping[str, Any] | None], teller: Teller
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """A stage, what it decided, and what else there is to say of it; ends where the row ends."""
    collected = row_of(paths.COLLECTED, name)
    if collected is None:
        bad = verdicts["collect"] or {}
        yield "collect", dropped(bad["reason"]), {"source": bad["source"], "detail": bad["detail"]}
        return
    shown = {key: collected[key] for key in ("source", "group", "time", "given_split")}
    before = {"content": teller.content(collected["content"]), "label": collected["label"] or "(none)"}
    yield "collect", "", {**shown, **before}
    for stage, folder in list(paths.VERDICTS_OF.items())[1:]:
        if not is_there(folder):
            yield stage, "has not run yet", {}
            return
        verdict = verdicts[stage]
        if verdict is None:
            yield stage, f"{folder} does not know the row: it is older than {paths.COLLECTED}; run `dvc repro`", {}
            return
        after = of_cleaned(name, teller) if stage == "clean" and verdict["keep"] else {}
        changed = {key: "as it was" if value == before[key] else value for key, value in after.items()}
        yield stage, decision(stage, verdict), {**changed, **details(stage, verdict, teller)}
        if not verdict["keep"] and stage != "outliers":
            return
    yield from of_model(name, verdicts["label_audit"] or {}, teller)


def decision(stage: str, verdict: Mapping[str, Any]) -> str:
    if stage == "outliers" and not verdict["keep"]:
        return f"marked: {verdict['reason']} (split drops it if it is a training row)"
    kept = f"{verdict['split']}" if stage == "split" else "kept"
    return kept if verdict["keep"] else dropped(verdict["reason"])


def dropped(reason: str) -> str:
    return f"dropped: {reason}, as {REASONS[reason]}" if reason in REASONS else f"dropped: {reason}"


def overruling(
    name: str, verdicts: Mapping[str, Mapping[str, Any] | None]
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """What to write into the ledger for another decision, where that can change it."""
    said = [verdict for verdict in verdicts.values() if verdict]
    if any(verdict.get("reviewed") for verdict in said):
        yield (
            "overrule",
            f"a person decided about this row: change its line in {paths.LEDGER}, then run `dvc repro`",
            {},
        )
        return
    reasons = [verdict["reason"] for verdict in said if verdict["reason"] not in (None, "far_from_all")]
    reason = reasons[0] if reasons else None
    lines = {
        "to keep it": f"{name},keep,," if reason in KEPT_IF_REVIEWED else None,
        "another label": f"{name},relabel,LABEL,"
        if reason in {None, "label_issue", "label_conflict", *OF_LABELS}
        else None,
        "to leave it out": f"{name},drop,," if reason is None else None,
    }
    if any(lines.values()):
        yield "overrule", f"with one of these lines in {paths.LEDGER}, then run `dvc repro`", lines


def of_cleaned(name: str, teller: Teller) -> dict[str, Any]:
    row = row_of(paths.CLEANED, name) or {}
    return {"content": teller.content(row["content"]), "label": teller.label(row["label"], row["content"])}


def details(stage: str, verdict: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    """All columns that a verdict has beside its reason; where one names other rows, these."""
    said = {key: value for key, value in verdict.items() if key not in SAID}
    if stage == "dedupe":
        members = [
            row["id"] for row in rows_of(paths.DUPLICATE_VERDICTS, "cluster", one_of([verdict["cluster"]]), ["id"])
        ]
        others = [member for member in members if member not in (verdict["id"], verdict["duplicate_of"])]
        said |= {"cluster": f"{len(members):,} rows" if len(members) > 1 else None, "others in it": others[:SOME]}
    if stage == "split":
        members = [row["id"] for row in rows_of(paths.SPLIT_VERDICTS, "unit", one_of([verdict["unit"]]), ["id"])]
        said |= {"unit": f"{len(members):,} rows that stay together (cluster and group)" if len(members) > 1 else None}
    if stage == "label_audit":
        said = labels_of(verdict, teller) | said | {"predicted_label": None}
    if stage == "clean" and verdict["reviewed"]:
        said["reviewed"] = f"by a person, in {paths.LEDGER}"
    return said


def labels_of(verdict: Mapping[str, Any], teller: Teller) -> dict[str, Any]:
    content = (row_of(paths.CLEANED, verdict["id"]) or {}).get("content")
    labels = {"given label": verdict["given_label"], "linear model says": verdict["predicted_label"]}
    if verdict["label"] != verdict["given_label"]:
        labels["trained on with"] = verdict["label"]
    return {name: teller.label(label, content) for name, label in labels.items()}


def of_model(name: str, judged: Mapping[str, Any], teller: Teller) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """What was trained on, or what was predicted."""
    if judged["split"] == "train":
        if not is_there(paths.TRAIN):
            yield "augment", "has not run yet", {}
            return
        copies = sorted(rows_of(paths.TRAIN, "id", one_of([name])), key=lambda row: int(row["copy"]))
        shown = {
            f"copy {row['copy']}" if row["copy"] else "the row itself": teller.content(row["content"])
            for row in copies[:SOME]
        }
        label = {"label": teller.label(copies[0]["label"], copies[0]["content"])} if copies else {}
        number = len(copies) - 1
        yield (
            "augment",
            f"trained on, with {number or 'no'} augmented {'copy' if number == 1 else 'copies'}",
            {**label, **shown},
        )
        return
    predicted = row_of(paths.PREDICTIONS, name)
    if predicted is None:
        yield (
            "predict",
            "has not run yet"
            if not is_there(paths.PREDICTIONS)
            else f"{paths.PREDICTIONS} does not know the row; run `dvc repro`",
            {},
        )
        return
    content = (row_of(paths.CLEANED, name) or {}).get("content")
    right = "" if predicted["given_label"] != predicted["predicted_label"] else ", as the label says"
    said = {"given label": teller.label(predicted["given_label"], content), "predictions": predicted["predictions"]}
    yield "predict", f"the model says {teller.label(predicted['predicted_label'], content)}{right}", said


def limits_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Of each number that a param decides about, what it does."""
    lowest = params["clean"][params["modality"]].get("lowest") or {}
    outliers, labels = params["outliers"]["threshold"], params["label_audit"]
    found = {name: f"rows below {least} are dropped" for name, least in lowest.items() if least is not None}
    if outliers is not None:
        found |= {
            "score": f"rows above {outliers} are marked",
            "class_score": f"rows above {outliers} are far from their class",
        }
    if labels["policy"] != "keep":
        found["label_quality"] = (
            f"the policy {labels['policy']} is for issues of training rows up to {labels['max_quality']}"
        )
    return found


def in_words(value: Any, teller: Teller) -> list[str]:
    """One line, or one for each of the rows that it names; none for what says nothing."""
    if value is None or value is False or value == [] or value != value:
        return []
    names = value if isinstance(value, list) else [value]
    if all(isinstance(one, str) and ID.fullmatch(one) for one in names):
        return teller.other(names)
    if isinstance(value, dict):
        numbers = [(name, number) for name, number in value.items() if isinstance(number, float)]
        return (
            [", ".join(f"{name} {number:.3f}" for name, number in sorted(numbers, key=lambda item: -item[1])[:SOME])]
            if numbers
            else []
        )
    if isinstance(value, list):
        return [", ".join(map(str, value))]
    return ["yes" if value is True else f"{value:.3f}" if isinstance(value, float) else str(value)]


def printable(text: str) -> str:
    """What a terminal might take for a command, or that would turn its text round, as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def lines(name: str, teller: Teller) -> Iterator[str]:
    verdicts = {stage: row_of(folder, name) for stage, folder in paths.VERDICTS_OF.items()}
    for stage, decided, said in (*story(name, verdicts, teller), *overruling(name, verdicts)):
        yield ""
        yield from wrap(f"{stage:<12} {printable(decided)}", WIDTH, subsequent_indent=" " * 13)
        for key, value in said.items():
            limit = f" ({teller.limits[key]})" if key in teller.limits else ""
            for place, line in enumerate(in_words(value, teller)):
                head = f"  {key.replace('_', ' ') if not place else '':<{INDENT - 3}} "
                yield from wrap(
                    printable(line + limit), WIDTH, initial_indent=head, subsequent_indent=" " * INDENT
                ) or [head]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.trace", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", metavar="ID")
    which.add_argument("--row", metavar="SOURCE")
    which.add_argument("--text", metavar="TEXT")
    arguments = parser.parse_args(
        [argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for argument in sys.argv[1:]]
    )
    try:
        params = read_yaml(paths.PARAMS)
        remark = ""
        if arguments.text is not None:
            name, remark = find_text(arguments.text)
        else:
            name = find_id(arguments.id) if arguments.id is not None else find_source(arguments.row)
        teller = Teller(load_reporter(params["modality"]), load_target(params["target"]), limits_of(params))
        print(name, *filter(None, [remark]), *lines(name, teller), sep="\n")
    except InputError as error:
        sys.exit(f"trace: error: {error}")


if __name__ == "__main__":
    main()
