"""Reads what a .yaml descriptor names: a data set on the hub, or one that is built in."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stages.core.errors import InputError
from stages.core.params import read_yaml
from stages.sources.records import Record

# What load_dataset reads from files by itself; any other `path` names a data set on the hub.
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
    """The splits of what a .yaml descriptor names; the key "" when it has no splits."""
    values = read_yaml(path)
    match values:
        case {"builtin": "digits", **rest} if not rest:
            return {"": read_digits()}
        case {"load_dataset": dict() as arguments, **rest} if not rest:
            return read_hub(path, arguments)
    raise InputError(
        f"{path}: expected `builtin: digits` or `load_dataset:` with its arguments, got {', '.join(map(str, values)) or 'nothing'}"
    )


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
    """Whatever datasets.load_dataset reads: https://huggingface.co/docs/datasets/loading."""
    name = str(arguments.get("path", ""))
    if arguments.get("trust_remote_code"):
        raise InputError(f"{path}: trust_remote_code runs somebody else's code on this machine; remove it")
    if name not in PACKAGED_BUILDERS and not Path(name).exists() and not arguments.get("revision"):
        raise InputError(
            f"{path}: load_dataset: `revision` is missing; name the commit of {name!r}, so that the data cannot change unseen"
        )
    import datasets

    try:
        found = datasets.load_dataset(**arguments)
    except Exception as error:  # it raises whatever its builders, fsspec and the network raise
        raise InputError(
            f"{path}: load_dataset failed: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
    splits = found if isinstance(found, dict) else {"": found}
    return {split: _hub_records(split or "rows", rows) for split, rows in splits.items()}


def _hub_records(split: str, rows: Any) -> Iterator[Record]:
    import datasets

    names = {
        column: named
        for column, feature in rows.features.items()
        if isinstance(named := getattr(feature, "feature", feature), datasets.ClassLabel)
    }
    for column, feature in rows.features.items():
        if isinstance(feature, datasets.Image | datasets.Audio):
            rows = rows.cast_column(column, type(feature)(decode=False))
    for number, values in enumerate(rows, start=1):
        for column, feature in names.items():
            found = values[column]
            if isinstance(found, list):
                values[column] = [feature.int2str(number) for number in found]
            else:
                values[column] = (
                    feature.int2str(found) if found is not None and found >= 0 else None
                )  # -1 stands for a missing label
        yield Record(f"{split}:{number}", values)
