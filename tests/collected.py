"""data/collected, written as collect would; and params of collect."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from stages.collect import Params, Section
from stages.core import paths
from stages.core.params import read_yaml
from stages.core.tables import new_table, row_schema
from stages.sources.records import RowIds

Content = tuple[str, str | None]
PRESETS = Path(__file__).parents[1] / "presets"


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


def section_of(**values: Any) -> Section:
    """A section `collect:` for a test; what `values` do not say is as in presets/reviews.yaml."""
    params: dict[str, Any] = read_yaml(PRESETS / "reviews.yaml")["collect"]
    columns: dict[str, Any] = {**params["columns"], "time": None, **values.pop("columns", {})}
    return Section.model_validate({**params, **values, "columns": columns})


def params_of(section: Section, target: str = "category", modality: str = "text") -> Params:
    return Params(collect=section, target=target, modality=modality)
