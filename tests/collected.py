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


def write_collected(rows: Sequence[Content], groups: Sequence[str | None] = ()) -> list[str]:
    """Writes the rows and returns their ids; their groups are also their times."""
    ids = ids_of(rows)
    with new_table(paths.COLLECTED, row_schema(pa.binary(), pa.string())) as writer:
        for number, (row, (content, label)) in enumerate(zip(ids, rows, strict=True), start=1):
            group = groups[number - 1] if groups else None
            keys = {"group": group, "time": group, "source": f"notes.csv:{number}"}
            writer.write_row({"id": row, "content": content.encode(), "label": label, **keys})
    return ids
