"""Counts the verdicts of clean, and the raw labels and contents that suggestions follow from."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from stages.cleaning.missing import KNOWN, is_missing_label, parts_of_content, parts_of_label
from stages.cleaning.missing import suggest as suggest_spellings
from stages.contracts.clean import Cleaner
from stages.contracts.label import Suggestion
from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import Counts


@dataclass
class Tally:
    """Counts verdicts while they are written."""

    list_columns: Sequence[str]  # columns whose values are counted
    rows_in: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # by reason
    repaired: Counter[str] = field(default_factory=Counter)  # by repair
    listed: Counter[str] = field(default_factory=Counter)  # by <column>_<value>
    reviewed: set[str] = field(default_factory=set)  # ids of rows that the ledger has a decision about
    examples: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # by reason: the first verdict

    def add(self, verdict: Mapping[str, Any]) -> None:
        self.rows_in += 1
        self.repaired.update(verdict["repairs"])
        for column in self.list_columns:
            self.listed.update(f"{column}_{value}" for value in verdict.get(column) or ())
        if verdict["reviewed"]:
            self.reviewed.add(verdict["id"])
        if not verdict["keep"]:
            self.dropped[verdict["reason"]] += 1
            self.examples.setdefault(verdict["reason"], verdict)

    def check(self) -> None:
        """Checks that a row is kept.

        Raises:
            InputError: no row can be used.
        """
        if self.rows_in == self.dropped.total():
            raise InputError(nothing_left(self.dropped, self.examples))

    def counts(self, n_decisions: int) -> Counts:
        """The metrics of the stage; `n_decisions` is the number of lines of the ledger."""
        repaired = {f"repaired_{name}": count for name, count in sorted(self.repaired.items())}
        listed = dict(sorted(self.listed.items()))
        ledger = {"ledger_used": len(self.reviewed), "ledger_without_row": n_decisions - len(self.reviewed)}
        return Counts(self.rows_in, self.dropped, {**repaired, **listed, **ledger})


@dataclass
class RawCounts:
    """Counts raw labels, and contents that may stand for a missing value."""

    missing: Collection[str]  # the folded spellings that `clean.missing` lists
    labels: Counter[str] = field(default_factory=Counter)
    spellings: Counter[str] = field(default_factory=Counter)  # of contents; known and not listed

    def add(self, content: bytes, label: str | None) -> None:
        self.labels[label or ""] += 1
        self.spellings.update(part for part in parts_of_content(content) if part in KNOWN and part not in self.missing)

    def present_labels(self) -> dict[str, int]:
        """The numbers of rows by raw label, without missing labels."""
        return {label: n_rows for label, n_rows in self.labels.items() if not is_missing_label(label, self.missing)}

    def suggest(self) -> list[Suggestion]:
        """Spellings that people should decide about."""
        rows_of: Counter[str] = Counter()
        for label, n_rows in self.present_labels().items():
            rows_of.update(dict.fromkeys(parts_of_label(label), n_rows))
        return suggest_spellings(rows_of, self.spellings)


def new_tally(cleaner: Cleaner) -> Tally:
    return Tally([name for name, kind in cleaner.MEASURES.items() if pa.types.is_list(kind)])


def nothing_left(dropped: Counter[str], examples: Mapping[str, Mapping[str, Any]]) -> str:
    """The message if no row can be used; it shows an example of the most frequent reason."""
    (reason, _), *_ = dropped.most_common(1)
    example = examples[reason]
    advice = "see clean, collect.columns and collect.label_format"
    if reason == "unreadable":
        advice += "; if the cells of a table are names of files, set collect.files"
    if reason == "unsupported_format":
        advice = f"it is {example['format']}, which is not read; convert the files, see docs/data.md"
    if reason == "unknown_range":
        advice = "set clean.image.used_bits to the number of bits that your images use of 16, such as 12"
    return (
        f"{paths.COLLECTED}: none of {dropped.total()} rows can be used ({dict(dropped)}), "
        f"such as {example['source']}, whose label is {example['given_label']!r}; {advice}"
    )
