"""Asks people about labels, for data/ledger.csv.

python -m tools.review          asks about each row of data/review_queue that the ledger does not decide about
python -m tools.review --list   prints these rows, for those who write to the ledger themselves

What the audit suggests is shown after the answer: shown before, it would change the answer. Each answer is saved at
once.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, Self

from stages import clean
from stages.cleaning.ledger import Decision, classes_of, read_ledger
from stages.contracts.label import NO_CLASS, Target, load_target
from stages.contracts.report import Reporter
from stages.core import paths
from stages.core.errors import SHOWN, InputError, one_line, shown
from stages.core.params import load_params
from stages.core.run import one_line_errors
from stages.core.tables import Content, Label, iter_rows, one_of
from stages.core.words import counted
from stages.labels.doubts import similar
from stages.labels.names import as_name
from stages.page.safe_reporter import SafeReporter
from stages.targets.categories.label import parsed
from tools import freshness
from tools.decisions import append, check_writable, one_review_at_a_time, remove
from tools.lookup import is_there, rows_of
from tools.terminal import ask, write

CONTENTS = Path("build/review")
ENDINGS = {"text": ".txt", "image": ".png", "audio": ".flac"}  # of cleaned contents, by modality
WIDTH = 120
LONGEST = 1_000  # characters of a text that are printed
FEW = 30  # classes that are printed under each row
KEYS = {"": "keep", "k": "keep", "d": "drop", "s": "skip", "u": "undo", "q": "end", "?": "list"}
NOT_TYPED = {"tags"}  # targets whose labels nobody types without a slip
LITERAL = "="  # before the name of a class that is a key, too
LONGEST_NUMBER = 9  # digits; Python reads no number of thousands of them
DONE = {"keep": "kept", "relabel": "relabelled", "drop": "dropped"}


# --- the queue ---


@dataclass(frozen=True)
class QueuedRow:
    id: str
    content: Content
    given_label: Label
    source_label: Label  # before a person gave it another one
    suggested_label: Label
    label_quality: float


def read_queue() -> list[QueuedRow]:
    """All rows of the queue by id, which is a random order: neither the sample nor the doubt shows.

    Raises:
        InputError: there is no queue, or it has rows that were cleaned away since.
    """
    if not is_there(paths.REVIEW_QUEUE):
        raise InputError(f"{paths.REVIEW_QUEUE}: there is no queue yet; run `dvc repro label_audit`")
    queued = sorted(iter_rows(paths.REVIEW_QUEUE), key=lambda row: str(row["id"]))
    ids = one_of(row["id"] for row in queued)
    contents = {row["id"]: row["content"] for row in rows_of(paths.CLEANED, "id", ids, ["id", "content"])}
    verdicts = rows_of(paths.CLEAN_VERDICTS, "id", ids, ["id", "source_label"])
    replaced = {row["id"]: row["source_label"] for row in verdicts if row["source_label"] is not None}
    missing = [row["id"] for row in queued if row["id"] not in contents]
    if missing:
        raise InputError(
            f"{paths.REVIEW_QUEUE} is older than {paths.CLEANED}, which lacks its row {missing[0]}; "
            "run `dvc repro label_audit`"
        )
    return [
        QueuedRow(
            id=row["id"],
            content=contents[row["id"]],
            given_label=row["given_label"],
            source_label=replaced.get(row["id"], row["given_label"]),
            suggested_label=row["suggested_label"],
            label_quality=row["label_quality"],
        )
        for row in queued
    ]


def check_freshness() -> list[str]:
    """A remark if nobody knows whether the queue is up to date; none if it is.

    Raises:
        InputError: it is not, whatever people have added to the ledger since.
    """
    try:
        causes = freshness.outdated(ignored={str(paths.LEDGER)})
    except InputError as error:
        return [f"maybe out of date: {error}"]
    if "label_audit" in causes:
        raise InputError(f"{paths.REVIEW_QUEUE} is out of date: {causes['label_audit']}")
    return []


# --- labels as people type them ---


@dataclass(frozen=True)
class Labels:
    kind: str  # the name of the target
    target: Target
    params: Any  # clean.label
    known: frozenset[str]  # the classes that the ledger may name; empty if labels are not of a closed set
    classes: Mapping[str, str]  # those that rows have after cleaning, which people choose from, as cleaning reads them

    @classmethod
    def read(cls, kind: str, params: Any) -> Self:
        target = load_target(kind)
        known, used = set[str](), set[str]()
        if target.CLOSED and kind not in NOT_TYPED:
            for raw in {row["label"] or "" for row in iter_rows(paths.COLLECTED, ["label"])}:
                known |= classes_of(raw, target, params)
            for row in iter_rows(paths.CLEANED, ["label"]):
                used.update(*target.names([row["label"]]))
            used -= {NO_CLASS}
        # Rows can have classes that the source does not name: new ones of the ledger, and that of merged rare ones.
        return cls(
            kind, target, params, frozenset(known | used), {name: written(name, params) for name in sorted(used)}
        )

    @property
    def are_numbered(self) -> bool:
        """Not if a number may be the name of a class."""
        return not any(name.isdecimal() for name in self.classes)

    def choices(self) -> list[str]:
        """The classes, each with its number."""
        names = [name[:SHOWN] for name in map(one_line, self.classes)]
        numbered = [f"{number} {name}" for number, name in enumerate(names, start=1)] if self.are_numbered else names
        lines = wrap(", ".join(numbered), WIDTH - 2)
        keys = [name for name in self.classes if name in KEYS]
        if keys:
            lines.append(f"type {LITERAL}{keys[0]} for the class {keys[0]}: {keys[0]} alone is a key")
        return [f"  {line}" for line in lines]

    def raw(self, answer: str) -> str:
        """The label as it is written in data/collected.

        Raises:
            InputError: nobody can tell which names were meant.
        """
        if self.kind == "category":
            return self.name(answer)
        if self.kind == "categories" and (answer in self.classes or not answer.startswith("[")):
            return json.dumps([self.name(part) for part in self.parts(answer)], ensure_ascii=False)
        if self.kind == "categories" and (names := parsed(answer)) is not None:
            return json.dumps([self.classes.get(as_name(name), name) for name in names], ensure_ascii=False)
        return answer.removeprefix(LITERAL)

    def parts(self, answer: str) -> list[str]:
        """The names and numbers between commas; a class may have commas in its name.

        Raises:
            InputError: one of them is missing, or the answer is the name of one class and of several.
        """
        parts = [part.strip() for part in answer.split(",")]
        if answer not in self.classes:
            if "" in parts:
                raise InputError(f"{shown(answer)} lacks a name at a comma; type names or numbers, such as 1,2")
            return parts
        if len(parts) > 1 and self.classes.keys() >= {*parts}:
            raise InputError(
                f"{shown(answer)} is the name of one class and of {len(parts)}; type a list of names in []"
            )
        return [answer]

    def name(self, answer: str) -> str:
        """The name of a class as cleaning reads it, out of its number or itself."""
        is_number = self.are_numbered and answer.isdecimal() and len(answer) <= LONGEST_NUMBER
        if is_number and 0 < int(answer) <= len(self.classes):
            return list(self.classes.values())[int(answer) - 1]
        name = as_name(answer.removeprefix(LITERAL))
        return self.classes.get(name, name)

    def cleaned(self, raw: str, content: Content) -> Label:
        """
        Raises:
            InputError: the ledger cannot give a row this label.
        """
        cleaned = self.target.clean_label(raw, content, self.params)
        if cleaned.label is None:
            because = self.target.REASONS[cleaned.reason or ""]
            raise InputError(f"{shown(raw)} cannot be the label of a row, because {because}")
        unknown = sorted(classes_of(raw, self.target, self.params) - self.known) if self.target.CLOSED else []
        if unknown:
            nearest = similar(unknown[0], self.known)
            hint = f"; the nearest is {shown(nearest)}" if nearest else ""
            raise InputError(
                f"no row of the source has the label {shown(unknown[0])}{hint}; "
                f"write a new label to {paths.LEDGER} by hand, for 2 rows or more"
            )
        return cleaned.label

    def was_wrong(self, row: QueuedRow, decision: Decision) -> bool:
        """Whether a person gave the row another label than the source does."""
        if decision.action != "relabel":
            return False
        label = self.target.clean_label(decision.label, row.content, self.params).label
        return bool(label != row.source_label)


def written(name: str, params: Any) -> str:
    """How the class is written so that cleaning makes it this one: `aliases` may give its name to another class."""
    if params.aliases.get(name, name) == name:
        return name
    return min((other for other, meant in params.aliases.items() if meant == name), default=name)


# --- questions and answers ---


@dataclass(frozen=True)
class Answer:
    action: str  # of the ledger, or skip, undo, end, list
    label: str = ""  # of relabel, as it is written to the ledger


class Review:
    """Asks about rows, one after the other, and writes each answer to the ledger before the next question."""

    def __init__(self, rows: Sequence[QueuedRow], labels: Labels, viewer: "Viewer") -> None:
        self._rows, self._labels, self._viewer = rows, labels, viewer
        self._position = 0
        self._added: list[tuple[int, str]] = []  # position and line of each answer

    def run(self) -> None:
        while self._position < len(self._rows):
            row = self._rows[self._position]
            title = f"row {self._position + 1} of {len(self._rows)}: {row.id}"
            given = f"  given label: {self._viewer.label(row, row.given_label)}"
            choices = self._labels.choices() if len(self._labels.classes) <= FEW else []
            write(["", title, *self._viewer.lines(row), given, *choices])
            answer = self._ask(row)
            if answer.action == "end":
                return
            self._apply(answer, row)

    def _ask(self, row: QueuedRow) -> Answer:
        """The first answer that can be used."""
        while True:
            typed = ask(self._question())
            try:
                answer = Answer("end") if typed is None else self._understood(typed, row)
            except InputError as error:
                write([f"  {error}"])
                continue
            if answer.action == "list":
                write(self._labels.choices() or ["  there are no classes to choose from"])
            elif answer.action == "undo" and not self._added:
                write(["  there is nothing to undo"])
            else:
                return answer

    def _question(self) -> str:
        keys = "Enter or k: right, d: cannot be used, s: skip, u: undo, q: end"
        if self._labels.kind in NOT_TYPED:
            return f"{keys}>"
        several = ", or the right ones, such as 1,2" if self._labels.kind == "categories" else ", or the right label"
        listed = ", ?: all classes" if len(self._labels.classes) > FEW else ""
        return f"{keys}{listed}{several}>"

    def _understood(self, typed: str, row: QueuedRow) -> Answer:
        """
        Raises:
            InputError: it is neither a key nor a label that the row can have.
        """
        if typed in KEYS:
            return Answer(KEYS[typed])
        if self._labels.kind in NOT_TYPED:
            raise InputError(f"{shown(typed)} is no key; to correct {self._labels.kind}, edit {paths.LEDGER} by hand")
        raw = self._labels.raw(typed)
        label = self._labels.cleaned(raw, row.content)
        # A number is shown with few digits, and whoever types these means it.
        if label == row.given_label or typed == self._viewer.label(row, row.given_label):
            return Answer("keep")
        return Answer("relabel", raw)

    def _apply(self, answer: Answer, row: QueuedRow) -> None:
        if answer.action == "undo":
            self._position, added = self._added[-1]
            remove(added)
            self._added.pop()
            return
        if answer.action != "skip":
            self._added.append((self._position, append(row.id, answer.action, answer.label)))
            write([f"  {self._done(answer, row)}"])
        self._position += 1

    def _done(self, answer: Answer, row: QueuedRow) -> str:
        done = DONE[answer.action]
        if answer.action == "relabel":
            done += f" as {self._viewer.label(row, self._labels.cleaned(answer.label, row.content))}"
        suggested = self._viewer.label(row, row.suggested_label)
        return f"{done}; the audit suggests {suggested}, and rates the given label {row.label_quality:.2f}"


@dataclass(frozen=True)
class Viewer:
    """Shows rows in a terminal."""

    modality: str
    target: Target
    reporter: Reporter

    def label(self, row: QueuedRow, label: Label) -> str:
        return self.target.preview(label, row.content)

    def lines(self, row: QueuedRow) -> Iterator[str]:
        """A text up to LONGEST characters; of other contents a line and the path of a file that is written."""
        if not isinstance(row.content, str):
            yield f"  {self.reporter.show(row.content).line}: {self.file(row)}"
            return
        for line in row.content[:LONGEST].split("\n"):
            yield from (f"  {part}" for part in wrap(line, WIDTH - 2))
        if len(row.content) > LONGEST:
            yield f"  … and {len(row.content) - LONGEST:,} more characters: {self.file(row)}"

    def file(self, row: QueuedRow) -> Path:
        """A file with the content, for other programs to open."""
        path = CONTENTS / f"{row.id}{ENDINGS.get(self.modality, '')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(row.content.encode() if isinstance(row.content, str) else row.content)
        return path

    def on_one_line(self, row: QueuedRow) -> str:
        content = " ".join(line.strip() for line in self.lines(row))
        return f"{row.id} {self.label(row, row.given_label)}: {content}"


def summary(queue: Sequence[QueuedRow], labels: Labels) -> list[str]:
    decisions = read_ledger(paths.LEDGER)
    decided = [(row, decisions[row.id]) for row in queue if row.id in decisions]
    n_wrong = sum(labels.was_wrong(row, decision) for row, decision in decided)
    n_dropped = sum(decision.action == "drop" for _, decision in decided)
    left = f"Left to review: {len(queue) - len(decided)} of {counted(len(queue), 'row')}."
    return [
        "",
        f"{left} Decided: {len(decided)}, of which wrong label: {n_wrong}, cannot be used: {n_dropped}.",
        f"Run `dvc repro label_audit`, then `dvc metrics diff`: {paths.METRICS}/label_audit.json has the precision of "
        "the audit and the share of wrong labels.",
    ]


def review(*, only_list: bool) -> None:
    params = load_params(clean.Params)
    queue = read_queue()
    remarks = check_freshness()
    decisions = read_ledger(paths.LEDGER)
    undecided = [row for row in queue if row.id not in decisions]
    with SafeReporter(params.modality) as reporter:
        viewer = Viewer(params.modality, load_target(params.target), reporter)
        if only_list:
            write([*remarks, *map(viewer.on_one_line, undecided)])
            return
        check_writable()
        labels = Labels.read(params.target, params.clean.label)
        write(["Each answer is saved at once; only after it you see what the audit thinks.", *remarks])
        Review(undecided, labels, viewer).run()
        write(summary(queue, labels))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.review", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="print the rows and ask nothing")
    only_list = parser.parse_args().list
    with one_line_errors("review"), nullcontext() if only_list else one_review_at_a_time():
        review(only_list=only_list)


if __name__ == "__main__":
    main()
