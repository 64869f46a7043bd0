"""The ledger, data/ledger.csv: people's decisions about single rows. They overrule every model."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.core.errors import InputError

COLUMNS = ["id", "action", "label", "note"]
HEADER = ",".join(COLUMNS)
ACTIONS = ("keep", "drop", "relabel")


@dataclass(frozen=True)
class Decision:
    action: str  # keep: the given label is right; relabel: `label` is right; drop: the row cannot be used
    label: str


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
            raise InputError(f"{where}: a second decision about row {key}; keep one")
        decisions[key] = _decision(cells, where)
    return decisions


def _lines(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, cells by column) of each row of the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if reader.fieldnames != COLUMNS:
                raise InputError(f"{path}: expected the header {HEADER}, got {','.join(reader.fieldnames or [])}")
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


def _decision(cells: Mapping[str, str], where: str) -> Decision:
    action, label = cells["action"], cells["label"]
    if action not in ACTIONS:
        raise InputError(f"{where}: unknown action {action!r}; use {', '.join(ACTIONS)}")
    if (action == "relabel") != bool(label.strip()):
        raise InputError(f"{where}: {action} with label {label!r}; relabel needs a label, the other actions take none")
    return Decision(action, label)
