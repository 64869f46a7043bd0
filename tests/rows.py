"""Cleaned rows and verdicts, written as the stages before would."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from stages import clean, dedupe, label_audit, outliers, split
from stages.core import paths
from stages.core.tables import row_schema, write_frame


def write_rows(labels: Sequence[str], texts: Sequence[str] = (), **more: Sequence[Any]) -> pd.DataFrame:
    """data/cleaned and the verdicts that later stages join with it; `more` replaces columns. Ids are numbers, in
    order.
    """
    rows = pd.DataFrame(
        {
            "id": [f"{number:03d}" for number in range(len(labels))],
            "label": labels,
            "content": texts or "a text",
            "keep": True,
        }
    )
    rows = rows.assign(
        group=None,
        time=None,
        given_split=None,
        reason=None,
        given_label=rows["label"],
        repairs=None,
        reviewed=False,
        note=None,
        source_label=None,
    )
    rows = rows.assign(
        cluster=rows["id"], duplicate_of=None, similarity=None, kind=None, label_conflict=False, split="train"
    )
    rows = rows.assign(score=0.0, nearest=None, class_score=0.0, class_nearest=None, far_from_class=False)
    rows["source"] = [f"notes.csv:{number + 1}" for number in range(len(rows))]
    rows = rows.assign(**more)
    rows["unit"] = rows["cluster"]
    write_frame(paths.CLEANED, rows, row_schema(pa.string(), pa.string()))
    write_frame(paths.CLEAN_VERDICTS, rows, pa.schema([*clean.VERDICT, ("source_label", pa.string())]))
    write_frame(paths.DUPLICATE_VERDICTS, rows.assign(keep=more.get("unique", True)), dedupe.VERDICT)
    write_frame(paths.OUTLIER_VERDICTS, rows.assign(keep=more.get("typical", True)), outliers.VERDICT)
    write_frame(paths.SPLIT_VERDICTS, rows, split.VERDICT)
    return rows


def audit_params(target: str = "category", modality: str = "text", **section: Any) -> label_audit.Params:
    """The params of label_audit, by default without descriptions, so that nothing is embedded."""
    values = {"method": "probe", "folds": 5, "C": 1.0, "policy": "drop", "budget": 1.0, "max_share": 0.2}
    values |= {"descriptions": {}, **section}
    top = {"modality": modality, "target": target, "seed": 1, "threads": 1, "embed": {}}
    return label_audit.Params.model_validate({**top, "label_audit": values})
