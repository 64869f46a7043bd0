"""The ledger, data/ledger.csv: what people decided about single rows. A person's word stands above every model's."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stages.core.errors import InputError

COLUMNS = ["id", "action", "label", "note"]
ACTIONS = ("keep", "drop", "relabel")


@dataclass(frozen=True)
class Decision:
    action: str  # keep: the label is right; relabel: `label` is; drop: the row is of no use
    label: str


def read_ledger(path: Path) -> Mapping[str, Decision]:
    """Decisions by row id.

    Raises:
        InputError: a line is not a decision, or two lines decide about one row.
    """
    decisions: dict[str, Decision] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if reader.fieldnames != COLUMNS:
                raise InputError(
                    f"{path}: expected the header {','.join(COLUMNS)}, got {','.join(reader.fieldnames or [])}"
                )
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if None in row or None in row.values():
                    raise InputError(f"{where}: expected {len(COLUMNS)} cells; quote a note that holds commas")
                if row["action"] not in ACTIONS:
                    raise InputError(f"{where}: action {row['action']!r}; use {', '.join(ACTIONS)}")
                if (row["action"] == "relabel") != bool(row["label"].strip()):
                    raise InputError(
                        f"{where}: {row['action']} with label {row['label']!r}; relabel takes a label, the others take none"
                    )
                key = row["id"].strip().lower()
                if key in decisions:
                    raise InputError(f"{where}: a second decision about row {key}; keep one")
                decisions[key] = Decision(row["action"], row["label"])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read ({error}); it is a UTF-8 CSV file with the header {','.join(COLUMNS)}"
        ) from error
    return decisions
