"""data/collected, written as collect would."""

from collections.abc import Sequence

import pyarrow as pa

from stages.core import paths
from stages.core.tables import new_table, row_schema
from stages.sources.records import RowIds

Content = tuple[str, str | None]


def ids_of(rows: Sequence[Content]) -> list[str]:
    ids = RowIds()
    return [ids.next(content.encode(), label) for content, label in rows]


def write_collected(rows: Sequence[Content]) -> list[str]:
    ids = ids_of(rows)
    with new_table(paths.COLLECTED, row_schema(pa.binary(), pa.string())) as writer:
        for number, (row, (content, label)) in enumerate(zip(ids, rows, strict=True), start=1):
            writer.write_row({"id": row, "content": content.encode(), "label": label, "source": f"notes.csv:{number}"})
    return ids
