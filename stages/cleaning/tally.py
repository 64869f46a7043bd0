"""Counts what clean decides and what a person should look at."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from stages.cleaning.missing import is_missing_label, parts_of_label
from stages.cleaning.missing import suggest as suggest_spellings
from stages.contracts.clean import Cleaner
from stages.contracts.label import Suggestion
from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import Counts


@dataclass
class Tally:
    """Counts verdicts as they are written."""

    lists: Sequence[str]  # the columns whose values are counted
    rows_in: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    repaired: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    first: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # of each reason, to show one

    def add(self, verdict: Mapping[str, Any]) -> None:
        self.rows_in += 1
        self.repaired.update(verdict["repairs"])
        self.found.update(f"{name}_{value}" for name in self.lists for value in verdict.get(name) or ())
        if not verdict["keep"]:
            self.dropped[verdict["reason"]] += 1
            self.first.setdefault(verdict["reason"], verdict)

    def check(self) -> None:
        """
        Raises:
            InputError: no row can be used.
        """
        if self.rows_in == self.dropped.total():
            raise InputError(nothing_left(self.dropped, self.first))

    def counts(self, ledger: Mapping[str, int]) -> Counts:
        repaired = {f"repaired_{name}": count for name, count in sorted(self.repaired.items())}
        return Counts(self.rows_in, self.dropped, {**repaired, **dict(sorted(self.found.items())), **ledger})


@dataclass
class Noticed:
    """What is counted over the rows for people to decide about."""

    spellings: set[str]  # those that `clean.missing` lists
    ids: set[str] = field(default_factory=set)  # of the rows that somebody decided about
    given: Counter[str] = field(default_factory=Counter)
    contents: Counter[str] = field(default_factory=Counter)

    def labels(self) -> dict[str, int]:
        return {label: rows for label, rows in self.given.items() if not is_missing_label(label, self.spellings)}

    def suggest(self) -> list[Suggestion]:
        labels: Counter[str] = Counter()
        for label, rows in self.labels().items():
            labels.update(dict.fromkeys(parts_of_label(label), rows))
        return suggest_spellings(labels, self.contents)


def new_tally(cleaner: Cleaner) -> Tally:
    return Tally([name for name, kind in cleaner.MEASURES.items() if pa.types.is_list(kind)])


def nothing_left(dropped: Counter[str], first: Mapping[str, Mapping[str, Any]]) -> str:
    """What to say when no row can be used; `first` is the first row that was dropped for each reason."""
    (reason, _), *_ = dropped.most_common(1)
    example = f"{first[reason]['source']}, whose label is {first[reason]['given_label']!r}"
    hint = "; where the cells of a table are the names of files, set collect.files" if reason == "unreadable" else ""
    count = f"{paths.COLLECTED}: none of {dropped.total()} rows can be used ({dict(dropped)})"
    return f"{count}, such as {example}; see clean, collect.columns and collect.label_format{hint}"
