"""Finds a row by its id, its source or its text."""

import re
from collections.abc import Callable, Sequence
from functools import partial
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
ID_LENGTH = 32  # hexadecimal digits
SIMILAR = 24  # equal digits of a whole id; two random ids have about 2
SOME = 5  # rows that a message names, at most
ALIKE = 0.5  # least cosine of a text and a row that is like it; nonsense has up to 0.46 with a review

Wanted = Callable[[pa.ChunkedArray], Any]  # column -> mask


def is_there(folder: Path) -> bool:
    return any(folder.glob("part-*.parquet"))


def rows_of(folder: Path, column: str, wanted: Wanted, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The wanted rows; none if the stage has not run."""
    return list(find_rows(folder, column, wanted, columns).to_pylist()) if is_there(folder) else []


def row_of(folder: Path, id: str) -> dict[str, Any] | None:
    return next(iter(rows_of(folder, "id", one_of([id]))), None)


def source_rows(column: str, wanted: Wanted) -> list[dict[str, Any]]:
    """`id` and `source` of the wanted rows of the source, including those that collect dropped."""
    if not is_there(paths.COLLECTED):
        raise InputError(f"{paths.COLLECTED}: nothing is collected yet; run `dvc repro`")
    return [
        row
        for folder in (paths.COLLECTED, paths.COLLECT_VERDICTS)
        for row in rows_of(folder, column, wanted, ["id", "source"])
    ]


# --- by id ---


def find_id(start: str) -> str:
    """The only id with this start.

    Raises:
        InputError: no id or several ids have this start.
    """
    if not HEX.fullmatch(start):
        advice = f"--row {start}" if file_and_row(start)[1] else "--row or --text"
        raise InputError(f"{start!r} is neither an id nor the start of one (digits 0-9, letters a-f); try {advice}")
    start = start.lower()
    rows = source_rows("id", lambda ids: pc.starts_with(ids, start))
    if len(rows) == 1:
        return str(rows[0]["id"])
    if rows:
        raise InputError(f"{start}: {len(rows):,} ids start with it, such as {some_of(rows)}; type more characters")
    similar = " or ".join(similar_ids(start))
    advice = f"did you mean {similar}" if similar else "a changed row gets a new id; find it by --row or --text"
    raise InputError(f"{start}: no row has this id; {advice}")


def some_of(rows: Sequence[dict[str, Any]]) -> str:
    return ", ".join(f"{row['id'][:12]} ({row['source']})" for row in rows[:SOME])


def similar_ids(id: str) -> list[str]:
    """Up to three ids that agree with this one, or this start of one, in most positions."""
    typed = np.frombuffer(id.encode("ascii", "replace")[:ID_LENGTH].ljust(ID_LENGTH), np.uint8)
    least = SIMILAR * min(len(id), ID_LENGTH) / ID_LENGTH
    similar: list[tuple[int, str]] = []
    for table in iter_tables(paths.COLLECTED, ["id"], 50_000):
        ids = table["id"].to_pylist()
        characters = np.frombuffer("".join(ids).encode(), np.uint8).reshape(-1, ID_LENGTH)
        n_equal = (characters == typed).sum(axis=1)
        similar += [(-int(n_equal[index]), ids[index]) for index in np.flatnonzero(n_equal >= least)]
    return [name for _, name in sorted(similar)[:3]]


# --- by source ---


def find_source(source: str) -> str:
    """The id of the row with this source; folders at its start may be missing or superfluous.

    The row number may be missing if the file has one row.

    Raises:
        InputError: no row or several rows have this source.
    """
    rows = rows_by_source(source) or only_row_of(source)
    if len(rows) == 1:
        return str(rows[0]["id"])
    if rows:
        ids = ", ".join(row["id"] for row in rows[:SOME])
        raise InputError(f"{source}: {len(rows):,} rows have this source: {ids}; type one of these ids")
    raise InputError(f"{source}: no row has this source; {known_sources(source)}")


def rows_by_source(source: str) -> list[dict[str, Any]]:
    """The rows whose source is the longest possible end of this one, or else has this one at its end."""
    parts = source.split("/")
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    rows = source_rows("source", one_of(ends))
    if rows:
        longest = max((row["source"] for row in rows), key=len)
        return [row for row in rows if row["source"] == longest]
    return source_rows("source", lambda sources: pc.ends_with(sources, f"/{source}"))


def only_row_of(file: str) -> list[dict[str, Any]]:
    """The row of a file that has one row, such as a sound; nothing for other files."""
    rows = rows_by_source(f"{file}:1")
    files = {file_and_row(row["source"])[0] for row in rows}
    of_files = [source_rows("source", partial(pc.starts_with, pattern=f"{name}:")) for name in files]
    return rows if all(len(known) == 1 for known in of_files) else []


def known_sources(source: str) -> str:
    """The number and the range of the sources of this file, or of all if no row comes from it."""
    known = [row["source"] for row in source_rows("source", lambda sources: pc.is_valid(sources))]
    file = file_and_row(source.rpartition("/")[2])[0]
    of_file = [name for name in known if file and file_and_row(name.rpartition("/")[2])[0] == file]
    ordered = sorted(of_file or known, key=file_and_row)
    rows_of_what = f"{file} has" if of_file else "there are"
    return f"{rows_of_what} {len(ordered):,} rows, from {ordered[0]} to {ordered[-1]}"


def file_and_row(source: str) -> tuple[str, int]:
    """The file and the row number; 0 if the file itself is the row."""
    file, _, number = source.rpartition(":")
    return (file, int(number)) if number.isdecimal() else (source, 0)


# --- by text ---


def find_text(text: str) -> tuple[str, str]:
    """The id of the row with this text, else that contains it, else of the nearest row, and a remark for the reader.

    Raises:
        InputError: the text is empty, the rows are not texts, several rows contain it, no row is like it, or there are
            no embeddings to find one that is.
    """
    params = load_params(clean.Params)
    if not text.strip():
        raise InputError("--text is empty: type the text of a row in quotes")
    if params.modality != "text":
        raise InputError(f"--text finds texts, and the modality of these rows is {params.modality}; use an id or --row")
    cleaned = load_cleaner("text").clean(text.encode(), params.clean.of("text")).content or text
    rows = [
        *rows_of(paths.CLEANED, "content", one_of([cleaned]), ["id", "source"]),
        *rows_of(paths.COLLECTED, "content", lambda cells: pc.equal(cells, text.encode()), ["id", "source"]),
    ]
    ids = list(dict.fromkeys(row["id"] for row in rows))
    if ids:
        return ids[0], remark_on_others(ids[1:])
    rows = rows_with(text, cleaned)
    if len(rows) > 1:
        advice = "type more of the text, or one of these ids"
        raise InputError(f"--text: {len(rows):,} rows contain this text, such as {some_of(rows)}; {advice}")
    return (rows[0]["id"], "This row contains the text") if rows else nearest(cleaned)


def rows_with(text: str, cleaned: str) -> list[dict[str, Any]]:
    """`id` and `source` of the rows that contain the text, before or after cleaning."""
    columns = ["id", "source"]
    rows = [
        *rows_of(paths.CLEANED, "content", partial(contain, excerpt=folded(cleaned)), columns),
        *rows_of(paths.COLLECTED, "content", partial(contain, excerpt=folded(text)), columns),
    ]
    return list({row["id"]: row for row in rows}.values())


def contain(cells: pa.ChunkedArray, excerpt: str) -> pa.Array:
    return pa.array([excerpt in folded(cell) for cell in cells.to_pylist()], pa.bool_())


def folded(cell: str | bytes | None) -> str:
    """In lower case and with one space between words; the marks between tokens and sides are spaces too."""
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell or ""
    return " ".join(text.casefold().split())


def remark_on_others(ids: Sequence[str]) -> str:
    if not ids:
        return ""
    some = ", ".join(id[:8] for id in ids[:SOME])
    return f"{len(ids):,} more rows have this text: {some}{' …' if len(ids) > SOME else ''}"


def nearest(text: str) -> tuple[str, str]:
    """The row with the largest cosine to the text, in the embeddings that dedupe and outliers use.

    Raises:
        InputError: no row is like the text, or there are no embeddings.
    """
    if not is_there(paths.EMBEDDINGS):
        raise InputError(
            f"no row has this text, and the nearest one cannot be found without {paths.EMBEDDINGS}; "
            "run `dvc repro embed`"
        )
    vector = load_embedder("text").embed([text], load_params(embed.Params).embed.of("text")).rows[0]
    best: list[tuple[float, str]] = []  # (-cosine, id)
    for table in iter_tables(paths.EMBEDDINGS, ["id", "vector"], 50_000):
        cosines = vectors_of(table["vector"]) @ vector
        indexes = np.argsort(-cosines, kind="stable")[:SOME]
        best += [(-float(cosines[index]), table["id"][int(index)].as_py()) for index in indexes]
        best = sorted(best)[:SOME]
    if not best or -best[0][0] < ALIKE:
        cosine = f"; the best cosine is {-best[0][0]:.2f}, of {best[0][1][:12]}" if best else ""
        raise InputError(f"--text: no row has this text or is like it{cosine}")
    (first_cosine, first_id), *others = best
    next_ones = ", ".join(f"{id[:8]} {-cosine:.2f}" for cosine, id in others)
    remark = (
        "No row has this text. This is the nearest by its embedding, "
        f"with a cosine of {-first_cosine:.2f}; the next are {next_ones}"
    )
    return first_id, remark
