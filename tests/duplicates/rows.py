"""Cleaned rows and vectors, and what dedupe finds in them."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image

from stages import clean, dedupe
from stages.core import paths
from stages.core.run import Counts
from stages.core.tables import read_frame, row_schema, vector_column, write_frame, write_tables
from stages.modalities.text import compare

OTHER = "the anvil, the hammer and the file lie in the box"
EVERY_KIND = {
    "exact": True,
    "near": True,
    "near_threshold": 0.7,
    "semantic": False,
    "semantic_threshold": 0.9,
    "keep": "first",
    "on_label_conflict": "review",
}


def write_rows(contents: Sequence[Any], labels: Sequence[Any], **columns: Sequence[Any]) -> None:
    """data/cleaned and the verdicts of clean. Ids are numbers, in order."""
    rows = pd.DataFrame(
        {"id": [f"{number:03d}" for number in range(len(contents))], "content": contents, "label": labels}
    )
    rows = rows.assign(
        group=None,
        time=None,
        source="notes.csv:1",
        given_split=None,
        keep=True,
        reason=None,
        given_label=None,
        repairs=None,
        reviewed=False,
        note=None,
    )
    rows = rows.assign(**columns)
    write_frame(
        paths.CLEANED, rows, row_schema(pa.string() if isinstance(contents[0], str) else pa.binary(), pa.string())
    )
    write_frame(paths.CLEAN_VERDICTS, rows, clean.VERDICT)


def write_vectors(vectors: np.ndarray) -> None:
    ids = [f"{number:03d}" for number in range(len(vectors))]
    write_tables(paths.EMBEDDINGS, [pa.table({"id": ids, "vector": vector_column(vectors.astype(np.float32))})])


def run(modality: str = "text", **section: Any) -> tuple[Counts, pd.DataFrame]:
    """The stage with these params, held to account for every row."""
    counts = dedupe.main(
        dedupe.Params(modality=modality, target="category", dedupe=dedupe.Section(**{**EVERY_KIND, **section}))
    )
    verdicts = read_frame(paths.DUPLICATE_VERDICTS).set_index("id")
    assert verdicts["keep"].tolist() == verdicts["reason"].isna().tolist()
    assert counts.rows_in == len(verdicts)
    assert counts.rows_kept == verdicts["keep"].sum()
    assert set(verdicts["reason"].dropna()) <= {*dedupe.REASONS.values(), dedupe.LEAK, dedupe.CONFLICT}
    return counts, verdicts.astype(object).where(verdicts.notna(), None)


def duplicates(
    rows: Sequence[str],
    threshold: float = 0.7,
    labels: Sequence[str] = (),
    section: dict[str, Any] | None = None,
    **columns: Any,
) -> pd.DataFrame:
    write_rows(rows, labels or ["fruit"] * len(rows), **columns)
    return run(near_threshold=threshold, **(section or {}))[1]


def likeness(one: str, other: str) -> float:
    return compare.similarity(compare.fingerprint(one), compare.fingerprint(other))


def directions(*degrees: float) -> np.ndarray:
    """(n_rows, 2): unit vectors."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def photo(seed: int, side: int = 96) -> Image.Image:
    """Some blobs of colour, other ones for every seed."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
