"""Reads the data set that a .yaml descriptor names: one on the hub, or a built-in one."""

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from stages.core.errors import InputError, fails_anyhow, one_line
from stages.core.params import read_yaml
from stages.sources.hub_rows import hub_records, root_cause
from stages.sources.pinned import refuse_unseen_changes
from stages.sources.records import NAMED, Record


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
    keys = one_line(", ".join(map(str, list(values)[:NAMED]))) or "nothing"
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
    if arguments.get("trust_remote_code"):
        raise InputError(f"{path}: trust_remote_code would run code of the data set on this machine; remove it")
    refuse_unseen_changes(path, arguments)
    import datasets

    try:
        loaded = datasets.load_dataset(**arguments)
    except Exception as error:  # its builders, fsspec and the network raise errors of any type
        if fails_anyhow(error):
            raise
        raise InputError(f"{path}: load_dataset failed: {root_cause(error)}") from error
    if isinstance(loaded, list):
        raise InputError(f"{path}: load_dataset: `split` must be one name; remove it, and set collect.splits")
    splits = loaded if isinstance(loaded, dict) else {"": loaded}
    return {split: hub_records(split or "rows", rows) for split, rows in splits.items()}
