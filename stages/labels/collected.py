"""The labels as they were before people corrected them."""

import pandas as pd

from stages.core.tables import Label


def collected_labels(rows: pd.DataFrame) -> list[Label]:
    """The `source_label` of rows that a person decided about, and the `label` of others or if the source has none."""
    # pandas reads a missing text or number as NaN, which is no label.
    corrected = rows["source_label"].notna()
    pairs = zip(rows["label"], rows["source_label"], corrected, strict=True)
    return [source_label if is_corrected else label for label, source_label, is_corrected in pairs]
