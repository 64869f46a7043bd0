"""Reads the data set that a .yaml descriptor names: one on the hub, or a built-in one."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.sources.records import Record

# Formats of files that load_dataset reads; any other `path` is a data set on the hub.
PACKAGED_BUILDERS = (
    "csv",
    "json",
    "parquet",
    "text",
    "arrow",
    "imagefolder",
    "audiofolder",
    "webdataset",
    "xml",
    "sql",
)


def read_descriptor(path: Path) -> dict[str, Iterable[Record]]:
    """The records of each split; the key is "" if the data set has no splits.

    Raises:
        InputError: the descriptor is wrong, or the data set cannot be read.
    """
    values = read_yaml(path)
    match values:
        case {"builtin": "digits", **rest} if not rest:
            return {"": read_digits()}
        case {"load_dataset": dict() as arguments, **rest} if not rest:
            return read_hub(path, arguments)
    keys = ", ".join(map(str, values)) or "nothing"
    raise InputError(f"{path}: expected `builtin: digits` or `load_dataset:` with its arguments, got {keys}")


def read_digits() -> Iterator[Record]:
    """The 1,797 handwritten digits of scikit-learn (8 x 8 pixels, 17 grey levels), as PNG."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True), start=1):
        png = io.BytesIO()
        Image.fromarray((255 - pixels * 255 / 16).round().astype("uint8")).save(png, format="PNG")
        yield Record(f"digits:{number}", {"image": png.getvalue(), "digit": str(label)})


def read_hub(path: Path, arguments: dict[str, Any]) -> dict[str, Iterable[Record]]:
    """The splits that datasets.load_dataset returns: https://huggingface.co/docs/datasets/loading."""
    name = str(arguments.get("path", ""))
    if arguments.get("trust_remote_code"):
        raise InputError(f"{path}: trust_remote_code would run code of the data set on this machine; remove it")
    if name not in PACKAGED_BUILDERS and not Path(name).exists() and not arguments.get("revision"):
        raise InputError(
            f"{path}: load_dataset: `revision` is missing; "
            f"set it to a commit of {name!r}, so that the data cannot change"
        )
    import datasets

    try:
        loaded = datasets.load_dataset(**arguments)
    except Exception as error:  # its builders, fsspec and the network raise errors of any type
        message = " ".join(str(error).split())
        raise InputError(f"{path}: load_dataset failed: {type(error).__name__}: {message}") from error
    splits = loaded if isinstance(loaded, dict) else {"": loaded}
    return {split: _hub_records(split or "rows", rows) for split, rows in splits.items()}


def _hub_records(split: str, rows: Any) -> Iterator[Record]:
    """The rows of a Dataset: classes by their names, images and sounds as the bytes of their files."""
    import datasets

    classes = {}
    for column, feature in rows.features.items():
        element = getattr(feature, "feature", feature)  # the elements of a list
        if isinstance(element, datasets.ClassLabel):
            classes[column] = element
        if isinstance(feature, datasets.Image | datasets.Audio):
            rows = rows.cast_column(column, type(feature)(decode=False))
    for number, values in enumerate(rows, start=1):
        named = {column: _class_names(values[column], feature) for column, feature in classes.items()}
        yield Record(f"{split}:{number}", values | named)


def _class_names(value: Any, feature: Any) -> Any:
    """The name of a class number, or of each number of a list."""
    if isinstance(value, list):
        return [feature.int2str(number) for number in value]
    if value is None or value < 0:  # the hub writes -1 for a missing label
        return None
    return feature.int2str(value)
