"""Tables: folders of Parquet parts. They are read and written part by part, so that memory is bounded by a part."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stages.core import paths
from stages.core.atomic import new_folder
from stages.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Content = Any  # str for text, encoded bytes for images and sounds; only the modality looks inside
Label = Any  # a value of the target's LABEL type: str for a category, float for a number, a list of str for tags
Vectors = npt.NDArray[Any]  # float32, (n_rows, dim); of tokens: objects, one (n_tokens, dim) per row
Predictions = npt.NDArray[Any]  # float64, (n_rows, n_columns); of tokens: objects, one (n_tokens, n_columns) per row

# Separators in collected content; collect replaces them in the texts of the source.
SIDE_MARK = "\x1e"  # between the two texts of a pair
WORD_MARK = "\x1f"  # after each token of a tokenised text

PART_ROWS = 50_000
PART_BYTES = 256 * 2**20
BATCH_ROWS = 1_000  # rows that are held as Python objects at a time


def row_schema(content: pa.DataType, label: pa.DataType) -> pa.Schema:
    """The columns of every table that holds content."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("content", content),
            ("label", label),
            ("group", pa.string()),
            ("time", pa.string()),
            ("source", pa.string()),  # file and row number, for messages
            ("given_split", pa.string()),  # the split that the source puts the row in; null if it gives none
        ]
    )


def verdict_schema(*more: tuple[str, pa.DataType]) -> pa.Schema:
    """The columns that all verdict tables have, and `more` columns of the stage."""
    return pa.schema([("id", pa.string()), ("keep", pa.bool_()), ("reason", pa.string()), *more])


@contextmanager
def new_table(folder: Path, schema: pa.Schema) -> Iterator["TableWriter"]:
    """The writer of a table that replaces `folder` if the `with` block ends without an error."""
    with new_folder(folder) as unfinished:
        writer = TableWriter(unfinished, schema)
        yield writer
        writer.finish()


class TableWriter:
    """Writes the parts of a table.

    The boundaries of parts depend only on the rows, not on how they were batched: the same rows give the same bytes.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self._folder = folder
        self._schema = schema
        self._waiting = schema.empty_table()
        self._rows: list[dict[str, Any]] = []
        self._parts = 0

    def write_row(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= BATCH_ROWS:
            self._flush_rows()

    def write(self, table: pa.Table) -> None:
        self._flush_rows()
        self._waiting = pa.concat_tables([self._waiting, table.cast(self._schema)])
        while (end := _part_end(self._waiting)) < self._waiting.num_rows:
            self._write_part(self._waiting.slice(0, end))
            # A slice keeps its parent table in memory; a copy frees the rows that are written.
            self._waiting = self._waiting.slice(end).combine_chunks()

    def finish(self) -> None:
        self._flush_rows()
        if self._waiting.num_rows or not self._parts:  # an empty table still has a schema
            self._write_part(self._waiting)

    def _flush_rows(self) -> None:
        if self._rows:
            rows, self._rows = self._rows, []
            self.write(pa.Table.from_pylist(rows, schema=self._schema))

    def _write_part(self, part: pa.Table) -> None:
        path = self._folder / f"part-{self._parts:05d}.parquet"
        try:
            pq.write_table(
                part.combine_chunks(), path, compression="zstd", row_group_size=PART_ROWS, write_page_checksum=True
            )
        except OSError as error:
            _raise_with_path(error, path)
            raise
        self._parts += 1


def _part_end(table: pa.Table) -> int:
    """The number of rows of the next part; all rows if they do not fill one."""
    end = min(table.num_rows, PART_ROWS)
    if (sizes := _row_bytes(table)) is not None and table.nbytes > PART_BYTES:
        end = min(end, max(1, int((sizes.cumsum() <= PART_BYTES).sum())))
    return int(end)


def _row_bytes(table: pa.Table) -> npt.NDArray[np.int64] | None:
    """(n_rows,): the sizes of cells of the column whose cells differ much in size; None if there is no such column."""
    if "content" in table.column_names:
        return np.asarray(pc.fill_null(pc.binary_length(table["content"]), 0).to_numpy())
    if "token_vectors" in table.column_names:
        vector = table.schema.field("token_vectors").type.value_type
        return np.asarray(
            pc.list_value_length(table["token_vectors"]).to_numpy()
            * (vector.list_size * vector.value_type.bit_width // 8)
        )
    return None


def write_tables(folder: Path, tables: Iterable[pa.Table]) -> None:
    """Writes one or more tables of the same schema as one table."""
    iterator = iter(tables)
    first = next(iterator)
    with new_table(folder, first.schema) as writer:
        for table in chain([first], iterator):
            writer.write(table)


def write_frame(folder: Path, frame: "pd.DataFrame", schema: pa.Schema) -> None:
    """Writes the columns of `frame` that `schema` names."""
    write_tables(folder, [pa.Table.from_pandas(frame, schema=schema, preserve_index=False)])


def iter_tables(folder: Path, columns: Sequence[str] | None = None, batch_rows: int = BATCH_ROWS) -> Iterator[pa.Table]:
    """The rows in batches of at most `batch_rows`."""
    for path in _parts(folder):
        with _readable(path), _opened(path) as part:
            _check_columns(path, part.schema_arrow, columns)
            for batch in part.iter_batches(batch_rows, columns=columns):
                yield pa.Table.from_batches([batch])


def iter_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    for table in iter_tables(folder, columns):
        yield from table.to_pylist()


def read_table(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    return pa.concat_tables(
        [pa.Table.from_batches([], read_schema(folder, columns)), *iter_tables(folder, columns, PART_ROWS)]
    )


def find_rows(
    folder: Path, column: str, wanted: Callable[[pa.ChunkedArray], Any], columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows whose cell in `column` is `wanted`. Other columns are read only from parts that have such a row."""
    schema = read_schema(folder, columns)
    tables = [pa.Table.from_batches([], schema)]
    for path in _parts(folder):
        with _readable(path), _opened(path) as part:
            _check_columns(path, part.schema_arrow, [column, *schema.names])
            is_wanted = wanted(part.read([column])[column]).to_numpy(zero_copy_only=False)
            if is_wanted.any():
                tables.append(part.read(schema.names).take(np.flatnonzero(is_wanted)).cast(schema))
    return pa.concat_tables(tables)


def one_of(values: Iterable[str]) -> Callable[[pa.ChunkedArray], Any]:
    """For `find_rows`: a function that selects the cells that equal one of `values`."""
    return partial(pc.is_in, value_set=pa.array(sorted(values), pa.string()))


def read_frame(folder: Path, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    return as_frame(read_table(folder, columns))


def as_frame(table: pa.Table) -> "pd.DataFrame":
    """A data frame in which a list is a Python list, which `==` compares, not an array."""
    lists = {field.name: table[field.name].to_pylist() for field in table.schema if pa.types.is_list(field.type)}
    return table.to_pandas().assign(**lists)


def read_schema(folder: Path, columns: Sequence[str] | None = None) -> pa.Schema:
    first = next(_parts(folder))
    with _readable(first):
        schema = pq.read_schema(first)
    _check_columns(first, schema, columns)
    return schema if columns is None else pa.schema([schema.field(name) for name in columns])


def _check_columns(path: Path, schema: pa.Schema, columns: Sequence[str] | None) -> None:
    missing = [name for name in columns or () if name not in schema.names]
    if missing:
        raise InputError(f"{path}: it has no column {missing[0]}; remove it and run `dvc repro`")


def count_rows(folder: Path) -> int:
    total = 0
    for path in _parts(folder):
        with _readable(path):
            total += pq.read_metadata(path).num_rows
    return total


def vector_column(vectors: npt.NDArray[Any]) -> pa.Array:
    """Converts (n_rows, dim) numbers into one Parquet column."""
    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])


def vectors_column(vectors: npt.NDArray[Any]) -> pa.Array:
    """Converts (n_tokens, dim) numbers per row into one Parquet column."""
    ends = np.cumsum([0, *(len(tokens) for tokens in vectors)])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), vector_column(np.concatenate(vectors)))


def read_vectors(folder: Path, ids: "pd.Series[Any]", column: str = "vector") -> npt.NDArray[Any]:
    """The embeddings of the rows with these ids, in the order of `ids`.

    Returns (n_rows, dim) for `vector`, and one (n_tokens, dim) per row for `token_vectors`.

    Raises:
        InputError: the table has no such column.
    """
    if column not in read_schema(folder).names:
        raise InputError(f"{folder}: it has no column {column}; set embed.text.token_layer")
    table = read_table(folder, ["id", column])
    index_of = {key: index for index, key in enumerate(table["id"].to_pylist())}
    indices = [index_of[key] for key in ids]
    if column == "vector":
        return vectors_of(table[column])[indices]
    values = table[column].combine_chunks()
    dim = values.type.value_type.list_size
    tokens = values.flatten().flatten().to_numpy().reshape(-1, dim)
    ends = values.offsets.to_numpy()
    return ragged([tokens[ends[index] : ends[index + 1]] for index in indices])


def vectors_of(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    """(n_rows, dim): the numbers of `vector_column`; the column must have at least one row.

    Raises:
        InputError: a number is NaN or infinite.
    """
    vectors = np.asarray(column.combine_chunks().flatten().to_numpy().reshape(len(column), -1))
    if not is_finite(vectors):
        raise InputError(f"{paths.EMBEDDINGS}: its vectors have NaN or infinity; run `dvc repro --force embed`")
    return vectors


def is_finite(vectors: Vectors) -> bool:
    """Whether no number is NaN or infinite, told by their sum: it needs no memory, and knows sparse vectors, too."""
    return bool(np.isfinite(vectors.sum(dtype=np.float64)))


def ragged(arrays: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.object_]:
    """(n_rows,): an array of objects; each is an array of any shape."""
    rows = np.empty(len(arrays), dtype=object)
    rows[:] = arrays
    return rows


def named_columns(predictions: npt.NDArray[Any], names: Sequence[str]) -> pa.StructArray:
    """Converts (n_rows, n_columns) numbers into one Parquet column of structs, one field per name.

    If each row has (n_tokens, n_columns) numbers, a field holds a list.
    """
    if predictions.dtype != object:
        return pa.StructArray.from_arrays([pa.array(column) for column in predictions.T], names=list(names))
    ends = pa.array(np.cumsum([0, *(len(tokens) for tokens in predictions)]), pa.int32())
    tokens = np.concatenate(predictions)
    return pa.StructArray.from_arrays(
        [pa.ListArray.from_arrays(ends, pa.array(column)) for column in tokens.T], names=list(names)
    )


def read_named_columns(table: pa.Table, column: str) -> npt.NDArray[Any]:
    """The numbers that `named_columns` converted, in the same shape."""
    fields = table[column].combine_chunks().flatten()
    columns = [field.to_numpy(zero_copy_only=False) for field in fields]
    if not pa.types.is_list(fields[0].type):
        return np.stack(columns, axis=1)
    return ragged([np.stack(row, axis=1) for row in zip(*columns, strict=True)])


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except MemoryError:  # of Arrow too, where it is also an ArrowException
        raise
    except (pa.ArrowException, OSError) as error:
        _raise_with_path(error, path)
        raise InputError(
            f"{path}: not a readable Parquet file ({str(error).splitlines()[0]}); remove it and run `dvc repro`"
        ) from error


def _opened(path: Path) -> pq.ParquetFile:
    """The file, whose pages are compared with their checksums when they are read."""
    return pq.ParquetFile(path, page_checksum_verification=True)


def _raise_with_path(error: Exception, path: Path) -> None:
    """Raises an error of the operating system again, with the file that Arrow leaves out of it."""
    if isinstance(error, OSError) and error.errno is not None:
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error


def _parts(folder: Path) -> Iterator[Path]:
    paths = sorted(folder.glob("part-*.parquet"))
    if not paths:
        raise InputError(f"{folder}: there is no table; run `dvc repro`")
    return iter(paths)
