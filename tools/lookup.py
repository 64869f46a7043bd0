"""Finds a row by what people know of it: the start of its id, its place in the source, or what it says."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stages import clean, embed
from stages.contracts.clean import load_cleaner
from stages.contracts.embed import load_embedder
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import load_params
from stages.core.tables import find_rows, iter_tables, one_of, vectors_of

HEX = re.compile("[0-9a-fA-F]+")
LIKE = 24  # of the 32 characters of an id: two ids have about 2 in common by chance
SOME = 5  # rows that are named, of many


def is_there(folder: Path) -> bool:
    return any(folder.glob("part-*.parquet"))


def rows_of(
    folder: Path, column: str, wanted: Callable[[pa.ChunkedArray], Any], columns: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Nothing where the stage has not run."""
    return list(find_rows(folder, column, wanted, columns).to_pylist()) if is_there(folder) else []


def row_of(folder: Path, name: str) -> dict[str, Any] | None:
    return next(iter(rows_of(folder, "id", one_of([name]))), None)


def seen(column: str, wanted: Callable[[pa.ChunkedArray], Any]) -> list[dict[str, Any]]:
    """Id and source of rows that were collected, or that could not be."""
    if not is_there(paths.COLLECTED):
        raise InputError(f"{paths.COLLECTED}: nothing is collected yet; run `dvc repro`")
    return [
        row
        for folder in (paths.COLLECTED, paths.COLLECT_VERDICTS)
        for row in rows_of(folder, column, wanted, ["id", "source"])
    ]


def find_id(start: str) -> str:
    """The id that starts so."""
    if not HEX.fullmatch(start):
        advice = f"--row {start}" if file_and_row(start)[1] else "--row, or --text"
        raise InputError(f"{start!r} is no id, nor the start of one: those are of 0 to 9 and a to f; try {advice}")
    start = start.lower()
    found = seen("id", lambda ids: pc.starts_with(ids, start))
    if len(found) == 1:
        return str(found[0]["id"])
    if found:
        some = ", ".join(f"{row['id'][:12]} ({row['source']})" for row in found[:SOME])
        raise InputError(f"{start}: {len(found):,} ids start so, such as {some}; give more of it")
    near = near_ids(start)
    changed = "a row that was changed in the source has another; look for it by --row or --text"
    raise InputError(f"{start}: no row has this id; {f'near it is {near}' if near else changed}")


def near_ids(name: str) -> str:
    """Ids that have most characters in the same place, if any have."""
    typed = np.frombuffer(name.encode("ascii", "replace")[:32].ljust(32), np.uint8)
    near: list[tuple[int, str]] = []
    for table in iter_tables(paths.COLLECTED, ["id"], 50_000):
        ids = table["id"].to_pylist()
        alike = (np.frombuffer("".join(ids).encode(), np.uint8).reshape(-1, 32) == typed).sum(axis=1)
        near += [(-int(alike[place]), ids[place]) for place in np.flatnonzero(alike >= LIKE * min(len(name), 32) / 32)]
    return " or ".join(found for _, found in sorted(near)[:3])


def find_source(source: str) -> str:
    """The id of the row that has this source, whether it is given with more folders than the source has, with these, or with fewer."""
    parts = source.split("/")
    tails = seen("source", one_of("/".join(parts[start:]) for start in range(len(parts))))
    longest = max((row["source"] for row in tails), key=len, default=None)
    found = [row for row in tails if row["source"] == longest] or seen(
        "source", lambda sources: pc.ends_with(sources, f"/{source}")
    )
    if len(found) == 1:
        return str(found[0]["id"])
    if found:
        raise InputError(
            f"{source}: {len(found):,} rows have this source: {', '.join(row['id'] for row in found[:SOME])}; give one of these ids"
        )
    known = [row["source"] for row in seen("source", lambda sources: pc.is_valid(sources))]
    file = file_and_row(parts[-1])[0]
    same = [name for name in known if file and file_and_row(name.rpartition("/")[2])[0] == file]
    ordered = sorted(same or known, key=file_and_row)
    what = f"of {file} there are" if same else "there are"
    raise InputError(
        f"{source}: no row has this source; {what} {len(ordered):,} rows, from {ordered[0]} to {ordered[-1]}"
    )


def file_and_row(source: str) -> tuple[str, int]:
    """File and number of the row; files that are rows have no number."""
    file, _, number = source.rpartition(":")
    return (file, int(number)) if number.isdecimal() else (source, 0)


def find_text(text: str) -> tuple[str, str]:
    """The row that says this, and a remark on how it was found."""
    params = load_params(clean.Params)
    if not text.strip():
        raise InputError("--text is empty: give it the text of a row, in quotes")
    if params.modality != "text":
        raise InputError(f"--text looks for texts, and these rows are made of {params.modality}; give an id or --row")
    cleaned = load_cleaner("text").clean(text.encode(), params.clean.of("text")).content or text
    raw = rows_of(paths.COLLECTED, "content", lambda cells: pc.equal(cells, text.encode()), ["id", "source"])
    same = {row["id"]: row for row in [*rows_of(paths.CLEANED, "content", one_of([cleaned]), ["id", "source"]), *raw]}
    if same:
        others = list(same)[1:]
        more = f"{len(others):,} more rows say the same: {', '.join(name[:8] for name in others[:SOME])}{' …' if len(others) > SOME else ''}"
        return next(iter(same)), more if others else ""
    return nearest(cleaned)


def nearest(text: str) -> tuple[str, str]:
    """By the embeddings that dedupe and outliers use, a batch at a time."""
    if not is_there(paths.EMBEDDINGS):
        raise InputError(
            f"no row says this, and without {paths.EMBEDDINGS} the nearest cannot be found; run `dvc repro embed`"
        )
    vector = load_embedder("text").embed([text], load_params(embed.Params).embed.of("text")).rows[0]
    found: list[tuple[float, str]] = []
    for table in iter_tables(paths.EMBEDDINGS, ["id", "vector"], 50_000):
        cosines = vectors_of(table["vector"]) @ vector
        best = np.argsort(-cosines, kind="stable")[:SOME]
        found = sorted([*found, *((-float(cosines[place]), table["id"][int(place)].as_py()) for place in best)])[:SOME]
    others = ", ".join(f"{name[:8]} {-cosine:.2f}" for cosine, name in found[1:])
    return found[0][
        1
    ], f"No row says this. This is the nearest by its embedding, with a cosine of {-found[0][0]:.2f}; then {others}"
