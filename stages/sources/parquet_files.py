"""Reads Parquet files."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from stages.core.errors import InputError
from stages.sources.records import FileFormat, Record
from stages.sources.text_files import refuse_twins


def read_parquet(path: Path, format: FileFormat) -> Iterator[Record]:
    """One record per row of a Parquet file, with the columns that are asked for; with all if one of them is missing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            refuse_twins(path, names, format.columns)
            columns = list(format.columns) if format.columns and set(format.columns) <= set(names) else None
            batches = (batch.to_pylist() for batch in file.iter_batches(1_000, columns=columns))
            for number, values in enumerate(chain.from_iterable(batches), start=1):
                yield Record(f"{path.name}:{number}", values)
    except InputError:
        raise
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        OverflowError,
    ) as error:  # the last two: dates outside Python's range
        message = str(error).splitlines()[0]
        raise InputError(f"{path}: not a readable Parquet file ({message}); copy or export it again") from error
