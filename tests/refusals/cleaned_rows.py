"""data/cleaned and the verdicts that split reads, written without running the stages before."""

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa

from stages import clean, dedupe, outliers
from stages.core import paths
from stages.core.tables import row_schema, write_frame


def write_cleaned(labels: Sequence[str], **columns: Sequence[str | None]) -> None:
    """data/cleaned and the verdicts that split reads: rows without duplicates and outliers."""
    ids = pd.Series([f"{number:032x}" for number in range(len(labels))])
    rows = pd.DataFrame(
        {"id": ids, "label": labels, "content": "a text", "group": None, "time": None, "given_split": None}
    )
    rows["source"] = [f"notes.csv:{number}" for number in range(1, len(rows) + 1)]
    write_frame(paths.CLEANED, rows.assign(**columns), row_schema(pa.string(), pa.string()))
    verdicts = pd.DataFrame(
        {
            "id": ids,
            "keep": True,
            "reason": None,
            "cluster": ids,
            "label_conflict": False,
            "reviewed": False,
            "note": None,
            "score": 0.0,
        }
    )
    verdicts = verdicts.assign(
        source=rows["source"],
        given_label=rows["label"],
        repairs=None,
        duplicate_of=None,
        similarity=None,
        kind=None,
        nearest=None,
    )
    schema = pa.schema([*clean.VERDICT, ("source_label", pa.string())])
    write_frame(paths.CLEAN_VERDICTS, verdicts.assign(source_label=None), schema)
    write_frame(paths.DUPLICATE_VERDICTS, verdicts, dedupe.VERDICT)
    write_frame(
        paths.OUTLIER_VERDICTS,
        verdicts.assign(class_score=0.0, class_nearest=None, far_from_class=False),
        outliers.VERDICT,
    )
