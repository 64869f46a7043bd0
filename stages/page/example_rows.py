"""Reads the rows that the examples show."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from stages.core import paths
from stages.core.tables import find_rows, one_of, read_frame, read_schema
from stages.page.examples import Kind, Ref


def read_rows(kinds: Iterable[Kind]) -> dict[Ref, dict[str, Any]]:
    """The rows that the examples name; each table is read once."""
    refs = {ref for kind in kinds for example in kind.examples for ref in example.rows}
    rows: dict[Ref, dict[str, Any]] = {}
    for folder, group in groupby(sorted(refs, key=lambda ref: (ref.folder, ref.id)), key=lambda ref: ref.folder):
        columns = [name for name in ("id", "content", "label", "source") if name in read_schema(folder).names]
        table = find_rows(folder, "id", one_of(ref.id for ref in group), columns)
        rows |= {Ref(row["id"], folder): row for row in table.to_pylist()}
    private = ids_of_private_rows()
    for ref, row in rows.items():
        if ref.folder == paths.COLLECTED and ref.id in private:
            row["content"] = None
    return rows


def ids_of_private_rows() -> set[str]:
    """The rows with personal data, if params have such data removed; their raw content is not shown."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "reason", "repairs", "pii"])
    is_removed = (rows["reason"] == "pii") | rows["repairs"].map(was_redacted)
    if not is_removed.any():
        return set()
    has_pii = rows["pii"].map(lambda kinds: kinds is not None and len(kinds) > 0)
    return set(rows.loc[has_pii, "id"])


def was_redacted(repairs: Sequence[str]) -> bool:
    return any(repair.startswith("redacted_") for repair in repairs)
