"""Counts the verdicts of clean, and the raw labels, groups and contents that suggestions and warnings follow from."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from stages.cleaning.missing import (
    FEW_OF_CLASS,
    KNOWN,
    KNOWN_OF_GROUPS,
    NO_CLASS,
    NUMBERS,
    folded,
    longest_spelling,
    parts_of_content,
    parts_of_label,
    without_missing_names,
)
from stages.cleaning.missing import suggest as suggest_spellings
from stages.contracts.clean import Cleaner
from stages.contracts.label import CleanedLabel, Suggestion, Target
from stages.core import paths
from stages.core.errors import InputError, shown
from stages.core.run import Counts, DataWarning
from stages.core.tables import Label
from stages.core.words import by_reason, counted, kept_rows
from stages.untrusted.worker import FAILURES

FEW = 10  # rows; of fewer, most may be equal by chance
MOST = 0.5  # a larger share of equal contents, or of rows in one group, is out of the ordinary
LARGE_GROUP = 0.3  # a larger share of rows in a group whose name looks like a missing value is a mistake
NEARLY_ALL = 0.95  # a larger share of rows with one label is hardly worth a model


@dataclass
class Tally:
    """Counts verdicts and cleaned rows while they are written."""

    list_columns: Sequence[str]  # columns whose values are counted
    see: Mapping[str, str] = field(default_factory=dict)  # by reason: the key of params.yaml to look at
    rows_in: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    repaired: Counter[str] = field(default_factory=Counter)  # by repair
    listed: Counter[str] = field(default_factory=Counter)  # by <column>_<value>
    reviewed: set[str] = field(default_factory=set)  # ids of rows that the ledger has a decision about
    examples: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by reason: the first verdict
    spellings: set[str] = field(default_factory=set)  # raw labels of kept rows that nobody reviewed
    dropped_labels: Counter[tuple[str, str]] = field(default_factory=Counter)  # by raw label and reason
    labels: Counter[Any] = field(default_factory=Counter)  # by cleaned label; lists without repetitions
    contents: Counter[int] = field(default_factory=Counter)  # by hash of the cleaned content

    def add(self, verdict: Mapping[str, Any]) -> None:
        self.rows_in += 1
        self.repaired.update(verdict["repairs"])
        for column in self.list_columns:
            self.listed.update(f"{column}_{value}" for value in verdict.get(column) or ())
        if verdict["reviewed"]:
            self.reviewed.add(verdict["id"])
        if verdict["keep"] and not verdict["reviewed"]:
            self.spellings.add(verdict["given_label"])
        if not verdict["keep"]:
            self.dropped[verdict["reason"]] += 1
            self.dropped_labels[verdict["given_label"] or "", verdict["reason"]] += 1
            self.examples.setdefault(verdict["reason"], verdict)

    def add_cleaned(self, row: Mapping[str, Any]) -> None:
        self.labels[as_key(row["label"])] += 1
        self.contents[hash(row["content"])] += 1

    def check(self) -> None:
        """Checks that a row is kept.

        Raises:
            InputError: no row can be used.
        """
        if self.rows_in == self.dropped.total():
            raise InputError(nothing_left(self.dropped, self.examples, self.see))

    def counts(self, n_decisions: int, warnings: Sequence[DataWarning]) -> Counts:
        """The metrics of the stage, and what it found in words.

        Args:
            n_decisions: lines of the ledger.
        """
        repaired = {f"repaired_{name}": count for name, count in sorted(self.repaired.items())}
        listed = dict(sorted(self.listed.items()))
        ledger = {"ledger_used": len(self.reviewed), "ledger_without_row": n_decisions - len(self.reviewed)}
        more = {**repaired, **listed, **ledger}
        found = list(self.sentences())
        return Counts(self.rows_in, self.dropped, more, [*warnings, *self.warnings()], self.see, found)

    def sentences(self) -> Iterator[str]:
        """What is wrong with the rows, and what was done about it."""
        yield kept_rows(self.rows_in, self.dropped)
        changes = [f"{name.replace('_', ' ')} in {counted(n, 'row')}" for name, n in self.repaired.most_common()]
        n_names = sum(isinstance(label, str) for label in self.labels)
        if 0 < n_names < len(self.spellings):
            changes.append(f"{len(self.spellings):,} spellings of labels, which are {n_names:,} now")
        if changes:
            yield f"repaired {', '.join(changes)}"
        noticed = {name: n for column in self.list_columns for name, n in self._values(column)}
        if noticed:
            yield f"noticed in the contents: {by_reason(noticed)}"

    def _values(self, column: str) -> Iterator[tuple[str, int]]:
        """The values of a column of lists, and how often rows have them."""
        start = f"{column}_"
        return ((name.removeprefix(start), n) for name, n in self.listed.items() if name.startswith(start))

    def warnings(self) -> list[DataWarning]:
        """Labels or contents of which most are equal."""
        n_rows = self.labels.total()
        if n_rows < FEW:
            return []
        warnings = []
        label, n_equal = max(self.labels.items(), key=lambda item: (item[1], str(item[0])))
        if n_equal > NEARLY_ALL * n_rows:
            share = "all" if n_equal == n_rows else f"{n_equal / n_rows:.1%} of the"
            message = f"{share} {n_rows:,} rows have the label {shown(in_words(label))}: there is little to learn"
            warnings.append(DataWarning(message, "collect.columns.label"))
        n_equal = max(self.contents.values())
        if n_equal > MOST * n_rows:
            message = f"{n_equal:,} of {n_rows:,} rows have the same content"
            warnings.append(DataWarning(message, "collect.columns.content"))
        return warnings


def lost_classes(tally: Tally, target: Target, clean_label: Callable[[str], CleanedLabel]) -> list[DataWarning]:
    """A warning if all rows of a class are dropped for their contents; `clean_label` cleans a raw label."""
    if not target.CLOSED:
        return []
    kept = {name for names in target.strata(list(tally.labels)) for name in names}
    lost: dict[str, Counter[str]] = {}
    for (raw_label, reason), n_rows in tally.dropped_labels.items():
        label = clean_label(raw_label).label
        if reason in ("ledger", *target.REASONS) or not label:  # a person decided so, or it has no class
            continue
        for name in {*target.strata([label])[0]} - kept:
            lost.setdefault(name, Counter())[reason] += n_rows
    if not lost:
        return []
    name = max(lost, key=lambda name: (lost[name].total(), name))
    (reason, n_rows), *_ = lost[name].most_common(1)
    more = f", nor of {len(lost) - 1} other labels" if len(lost) > 1 else ""
    message = f"no row with the label {shown(name)} is kept: {lost[name].total():,} are dropped, {n_rows:,} as {reason}"
    return [DataWarning(f"{message}{more}", tally.see.get(reason, "clean"))]


def as_key(label: Label) -> Any:
    """A label, or the different values of one that is a list."""
    return tuple(sorted(set(label))) if isinstance(label, list) else label


def in_words(label: Any) -> str:
    """A label of `as_key`; several names with commas between them."""
    return (", ".join(label) or "(none)") if isinstance(label, tuple) else str(label)


@dataclass
class RawCounts:
    """Counts raw labels and groups, and values that may stand for a missing one."""

    missing: Collection[str]  # the folded spellings that `clean.missing` lists
    labels: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)
    contents: Counter[str] = field(default_factory=Counter)  # spellings of contents that are known or listed
    times: Counter[str] = field(default_factory=Counter)  # likewise

    def add(self, row: Mapping[str, Any]) -> None:
        self.labels[row["label"] or ""] += 1
        if row["group"] is not None:
            self.groups[row["group"]] += 1
        parts = parts_of_content(row["content"], longest_spelling(self.missing))
        self.contents.update(part for part in parts if part in KNOWN or part in self.missing)
        if row["time"] is not None:
            part = folded(row["time"])
            self.times.update([part] if part in KNOWN or part in self.missing else [])

    def present_labels(self) -> dict[str, int]:
        """The numbers of rows by raw label, without missing labels."""
        present: Counter[str] = Counter()
        for label, n_rows in self.labels.items():
            if (name := without_missing_names(label, self.missing)) is not None:
                present[name] += n_rows
        return dict(present)

    def spellings(self) -> dict[str, Counter[str]]:
        """The number of rows by folded spelling, for each column."""
        labels: Counter[str] = Counter()
        for label, n_rows in self.labels.items():
            labels.update(dict.fromkeys(parts_of_label(label), n_rows))
        groups: Counter[str] = Counter()
        for group, n_rows in self.groups.items():
            groups[folded(group)] += n_rows
        return {"label": labels, "group": groups, "content": self.contents, "time": self.times}

    def suggest(self) -> list[Suggestion]:
        """Spellings that people should decide about."""
        known: dict[str, dict[str, int]] = {}
        for column, counts in self.spellings().items():
            spellings = KNOWN_OF_GROUPS if column == "group" else KNOWN
            known[column] = {part: counts[part] for part in counts if part in spellings and part not in self.missing}
        n_without = self.labels[NO_CLASS]
        if 0 < n_without <= FEW_OF_CLASS * self.labels.total() and NO_CLASS not in self.missing:
            known["label"][NO_CLASS] = n_without
        return suggest_spellings(known)

    def warnings(self) -> list[DataWarning]:
        """Spellings in `clean.missing` that no row has, and a group of most rows."""
        return [*self._unused_spellings(), *self._large_groups()]

    def _unused_spellings(self) -> list[DataWarning]:
        spellings = self.spellings()
        unused = sorted(part for part in self.missing if not any(part in counts for counts in spellings.values()))
        if not unused:
            return []
        return [DataWarning(f"no label, content, group or time is {', '.join(map(repr, unused))}", "clean.missing")]

    def _large_groups(self) -> list[DataWarning]:
        n_rows = self.labels.total()
        warnings = []
        for group, size in self.groups.most_common(1):
            part = folded(group)
            if part in self.missing or size <= LARGE_GROUP * n_rows or n_rows < FEW:
                continue
            message = f"{size:,} of {n_rows:,} rows are in the group {shown(group)}, so all of them are in one split"
            if part in KNOWN_OF_GROUPS | NUMBERS:
                message += "; if it stands for no group, "
                is_label = any(part in parts_of_label(label) for label in self.labels)
                message += "leave it out in the source" if is_label else "list it in clean.missing"
                warnings.append(DataWarning(message, "clean.missing"))
            elif size > MOST * n_rows:
                warnings.append(DataWarning(message, "collect.columns.group"))
        return warnings


def new_tally(cleaner: Cleaner, target: Target) -> Tally:
    lists = [name for name, kind in cleaner.MEASURES.items() if pa.types.is_list(kind)]
    see = {"rare_label": "clean.label.min_rows", **dict.fromkeys(FAILURES, "collect.source")}
    return Tally(lists, {**cleaner.SEE, **target.SEE, **see})


def nothing_left(dropped: Counter[str], examples: Mapping[str, Mapping[str, Any]], see: Mapping[str, str]) -> str:
    """The message if no row can be used; it shows an example of the most frequent reason, and what to do about it."""
    (reason, _), *_ = dropped.most_common(1)
    example = examples[reason]
    advice = f"see {see.get(reason, paths.LEDGER)}"  # the only reason without a key is the ledger
    if reason == "missing_label" and example["given_label"] is not None:
        advice = "see collect.columns.label and clean.missing"
    if reason == "unreadable":
        advice = "open it to see what it holds; if the cells of a table are names of files, set collect.files"
    if reason in FAILURES:
        advice = f"{FAILURES[reason]}: open it to see what it holds, or take it out"
    if reason == "unsupported_format":
        advice = f"it is {example['format']}, which is not read; convert the files, see docs/data.md"
    if reason == "unknown_range":
        advice = (
            "for images of 16 bits set clean.image.used_bits to the number of bits that they use, such as 12; "
            "convert images of 32 bits to 8"
        )
    reasons = ", ".join(f"{name} {count:,}" for name, count in dropped.most_common())
    label = "it has no label" if example["given_label"] is None else f"its label is {shown(example['given_label'])}"
    return (
        f"{paths.COLLECTED}: none of {dropped.total()} rows can be used ({reasons}), "
        f"such as {example['source']}: {label}; {advice}"
    )
