"""Converts the rows of a Dataset of the hub: classes by their names, files as their bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.core.errors import shown
from stages.sources.records import BadRow, Record

ROWS_AT_ONCE = 100


def hub_records(split: str, rows: Any) -> Iterator[Record]:
    """The rows of a Dataset. They are read as Arrow, so that nothing in them is decoded."""
    features = rows.features
    number = 0
    for batch in rows.with_format("arrow").iter(batch_size=ROWS_AT_ONCE):
        for values in batch.to_pylist():
            number += 1
            source = f"{split}:{number}"
            try:
                yield Record(source, {name: converted(value, features[name]) for name, value in values.items()})
            except BadRow as bad:
                yield Record(source, problem=str(bad), reason=bad.reason)


def converted(value: Any, feature: Any) -> Any:
    """A value of the hub as ours; of files that are neither images nor sounds, the feature, as none of them is read.

    Raises:
        BadRow: a file is not there.
    """
    import datasets

    if value is None:
        return None
    match feature:
        case datasets.ClassLabel():
            return None if value < 0 else feature.int2str(value)  # the hub writes -1 for a missing label
        case datasets.Image() | datasets.Audio():
            return file_of(value)
        case datasets.List() | datasets.LargeList():
            return [converted(element, feature.feature) for element in value]
        case dict():
            return {name: converted(value[name], element) for name, element in feature.items()}
    return feature if hasattr(feature, "decode") else value


def file_of(value: Any) -> bytes | None:
    """The bytes of an image or a sound, which are in the row or in a file that load_dataset has downloaded."""
    import datasets
    import fsspec
    from huggingface_hub import constants

    if value["bytes"] is not None or value["path"] is None:
        return None if value["bytes"] is None else bytes(value["bytes"])
    name = str(value["path"])
    # The file itself, or the archive that it is in: zip://name::archive.
    # A data set must not read other files of this machine.
    downloaded = Path(name.split("::")[-1])
    caches = (datasets.config.HF_CACHE_HOME, datasets.config.HF_DATASETS_CACHE, constants.HF_HUB_CACHE)
    if not any(downloaded.resolve().is_relative_to(Path(cache).resolve()) for cache in caches):
        raise BadRow("unusable_file", f"its file {shown(name)} was not downloaded with the data set; delete the row")
    try:
        with fsspec.open(name, "rb") as file:
            return bytes(file.read())
    except (OSError, KeyError) as error:  # KeyError: not in the archive
        raise BadRow("missing_file", f"its file {shown(name)} cannot be read; download the data set again") from error


def root_cause(error: BaseException) -> str:
    """The error that caused the others, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
