"""The ledger, data/ledger.csv: people's decisions about single rows. They overrule every model."""

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.contracts.label import NO_CLASS, Target
from stages.core import paths
from stages.core.errors import SHOWN, InputError, one_line, shown
from stages.labels.doubts import similar
from stages.labels.names import as_name

COLUMNS = ["id", "action", "label", "note"]
HEADER = ",".join(COLUMNS)
ACTIONS = ("keep", "drop", "relabel")
ID_CHARS = 32  # of a row's id


@dataclass(frozen=True)
class Decision:
    action: str  # keep: the given label is right; relabel: `label` is right; drop: the row cannot be used
    label: str
    line: int  # of the ledger
    note: str = ""


def read_ledger(path: Path) -> Mapping[str, Decision]:
    """Decisions by row id.

    Raises:
        InputError: a line is not a decision, or two lines decide about the same row.
    """
    decisions: dict[str, Decision] = {}
    for line, cells in _lines(path):
        where = f"{path}, line {line}"
        key = cells["id"].strip().lower()
        if key in decisions:
            raise InputError(f"{where}: a second decision about row {one_line(key[:SHOWN])}; keep one")
        decisions[key] = _decision(cells, path, line)
    return decisions


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cells by column) of each row of the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if reader.fieldnames != COLUMNS:
                header = one_line(",".join(reader.fieldnames or [])[:SHOWN]) or "an empty file"
                raise InputError(f"{path}: expected the header {HEADER}, got {header}")
            for cells in reader:
                # DictReader puts surplus cells under the key None, and fills missing cells with None.
                if None in cells or None in cells.values():
                    raise InputError(
                        f"{path}, line {reader.line_num}: expected {len(COLUMNS)} cells; quote a note that has commas"
                    )
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); it must be a UTF-8 CSV file with the header {HEADER}"
        ) from error


def _decision(cells: Mapping[str, str], path: Path, line: int) -> Decision:
    where = f"{path}, line {line}"
    action, label = cells["action"], cells["label"]
    if action not in ACTIONS:
        raise InputError(f"{where}: unknown action {shown(action)}; use {', '.join(ACTIONS)}")
    if (action == "relabel") != bool(as_name(label)):
        raise InputError(
            f"{where}: {action} with label {shown(label)}; relabel needs a label, the other actions take none"
        )
    return Decision(action, label, line, cells["note"])


class ShortenedIds:
    """The ids of the ledger that are shorter than those of rows, as messages and tools show them."""

    def __init__(self, decisions: Mapping[str, Decision]) -> None:
        self._decisions = decisions
        self._lengths = sorted({len(id) for id in decisions if 0 < len(id) < ID_CHARS})

    def check(self, id: str) -> None:
        """Checks that none of them is the start of the id of a row: the decision about it would not be applied.

        Raises:
            InputError: one is.
        """
        for length in self._lengths:
            if decision := self._decisions.get(id[:length]):
                raise InputError(
                    f"{paths.LEDGER}, line {decision.line}: {id[:length]} is the start of an id; write all of it: {id}"
                )


NAMED = 10  # new classes, each with its nearest label; more of them are counted
NEW_CLASS = 2  # decisions that make a class; one alone is more likely a slip


def check_classes(
    decisions: Mapping[str, Decision], labels: Mapping[str, int], target: Target, label_params: Any, path: Path
) -> list[str]:
    """The classes that only the ledger has, each with the number of decisions and the label that is most like it.

    Args:
        decisions: those about rows that exist, by row id.
        labels: the number of rows by raw label.

    Raises:
        InputError: a class of the ledger is neither a class of the source nor that of several decisions.
    """
    relabelled = [decision for decision in decisions.values() if decision.action == "relabel"]
    if not relabelled or not target.CLOSED:
        return []
    classes = set[str](label_params.made)
    for raw in labels:
        classes.update(classes_of(raw, target, label_params))
    lines: dict[str, list[int]] = {}  # by new class
    for decision in relabelled:
        for name in classes_of(decision.label, target, label_params) - classes:
            lines.setdefault(name, []).append(decision.line)
    for name, numbers in lines.items():
        if len(numbers) < NEW_CLASS:
            raise InputError(
                f"{path}, line {numbers[0]}: no row of the source has the label {shown(name)}{_hint(name, classes)}; "
                f"if it is a new label, give it to at least {NEW_CLASS} rows"
            )
    warnings = [
        f"the label {shown(name)} is that of {len(numbers)} decisions, but of no row of the source"
        f"{_hint(name, classes)}"
        for name, numbers in sorted(lines.items())[:NAMED]
    ]
    if len(lines) > NAMED:
        warnings.append(f"{len(lines) - NAMED} more labels are those of decisions, but of no row of the source")
    return warnings


def classes_of(raw: str, target: Target, label_params: Any) -> set[str]:
    """The names in a raw label once it is cleaned; empty if it cannot be used."""
    label = target.clean_label(raw, None, label_params).label
    if label is None:
        return set()
    return {name for row in target.names([label]) for name in row} - {NO_CLASS, "O"}


def _hint(name: str, classes: Collection[str]) -> str:
    nearest = similar(name, classes)
    return f"; the nearest is {shown(nearest)}" if nearest else ""
