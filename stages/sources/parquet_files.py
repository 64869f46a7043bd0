"""Reads Parquet files."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from stages.core.errors import InputError
from stages.sources.records import Record
from stages.sources.text_files import refuse_twins


def read_parquet(path: Path) -> Iterator[Record]:
    """One record per row of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            refuse_twins(path, file.schema_arrow.names)
            batches = (batch.to_pylist() for batch in file.iter_batches(1_000))
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
