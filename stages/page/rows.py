"""Reads the rows that examples name."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from stages.core import paths
from stages.core.tables import find_rows, one_of, read_frame, read_schema
from stages.page.examples import Kind, Ref


def read_rows(kinds: Iterable[Kind]) -> dict[Ref, dict[str, Any]]:
    """The rows that the examples name, read once a table."""
    refs = sorted(
        {ref for kind in kinds for example in kind.examples for ref in example.rows},
        key=lambda ref: (ref.folder, ref.id),
    )
    found: dict[Ref, dict[str, Any]] = {}
    for folder, some in groupby(refs, key=lambda ref: ref.folder):
        columns = [name for name in ("id", "content", "label", "source") if name in read_schema(folder).names]
        found.update(
            {
                Ref(row["id"], folder): row
                for row in find_rows(folder, "id", one_of(ref.id for ref in some), columns).to_pylist()
            }
        )
    private = private_rows()
    return {
        ref: {**row, "content": None} if ref.folder == paths.COLLECTED and ref.id in private else row
        for ref, row in found.items()
    }


def private_rows() -> set[str]:
    """Those whose raw content is not shown: personal data were found in it, and params have such data taken out."""
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "reason", "repairs", "pii"])
    taken_out = (rows["reason"] == "pii") | rows["repairs"].map(
        lambda names: any(name.startswith("redacted_") for name in names)
    )
    return (
        set(rows.loc[rows["pii"].map(lambda found: found is not None and len(found) > 0), "id"])
        if taken_out.any()
        else set()
    )
