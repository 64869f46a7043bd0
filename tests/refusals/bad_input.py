"""What the tests of bad input share: a folder with good input, one change of it, and the exact message."""

import importlib
import io
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from stages.core.errors import InputError
from stages.core.params import load_params, read_yaml
from stages.core.run import Counts
from tests import tiny

ROOT = Path(__file__).parents[2]
LEDGER_HEADER = "id,action,label,note\n"
# What the cases rely on; everything else is as the presets have it.
SETTINGS_USED = {
    "model": "some/model",
    "lr": 0.01,
    "collect.source": "data/notes.csv",
    "collect.columns": {"content": "text", "label": "kind", "group": None, "time": None, "split": None},
    "collect.header": True,
    "collect.quoting": True,
    "clean.text": {**tiny.CLEAN_TEXT, "min_chars": 3, "max_chars": 100},
    "clean.image": tiny.CLEAN_IMAGE | {"max_pixels": 1_000_000, "min_side": 4, "max_side": 64},
    "split.validation": 0.2,
    "split.test": 0.2,
    "threads": 1,
}
NOTES = "text,kind\na ripe apple,fruit\na red car,vehicle\n"
PICTURES = {
    "collect.source": "data/pictures",
    "collect.table": "list.csv",
    "collect.files": "files/{}.png",
    "collect.columns.content": "picture",
}


@dataclass(frozen=True)
class Bad:
    """One bad input; in `message` an ellipsis stands for words of a library, on one line."""

    title: str
    message: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)  # below data/
    params: Mapping[str, Any] = field(default_factory=dict)  # dotted key -> value; `...` takes the key away
    stage: str = "collect"


def each(cases: Sequence[Bad]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("bad", cases, ids=[bad.title for bad in cases])


def put(name: str, content: str | bytes) -> None:
    path = Path("data") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def good_params() -> dict[str, Any]:
    """A params file that is right, for texts and, with `modality: image`, for images: every case changes little of
    it.
    """
    params = read_yaml(ROOT / "presets/sms_spam.yaml")
    for name, section in read_yaml(ROOT / "presets/digits.yaml").items():
        if isinstance(section, dict) and "image" in section:
            params[name]["image"] = section["image"]
    change(params, SETTINGS_USED)
    return params


def change(params: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        *sections, last = key.split(".")
        section = params
        for name in sections:
            section = section[name]
        if value is ...:
            del section[last]
        else:
            section[last] = deepcopy(value)


def set_params(changes: Mapping[str, Any]) -> None:
    params = good_params()
    change(params, changes)
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def run(stage: str) -> Counts:
    module = importlib.import_module(f"stages.{stage}")
    counts = module.main(load_params(module.Params))
    assert isinstance(counts, Counts)
    return counts


def files() -> set[str]:
    """All files but locks, and what is unfinished."""
    paths = (path for path in Path().rglob("*") if path.is_file() or path.name.endswith(".partial"))
    return {str(path) for path in paths if path.parts[0] != ".cache"}


def refuse(stage: str, message: str) -> None:
    """The stage says exactly this, and leaves nothing behind that was not there before."""
    before = files()
    with pytest.raises(InputError) as error:
        run(stage)
    same = re.fullmatch(re.escape(message).replace("…", ".+"), str(error.value)) is not None
    assert same, f"\ngot:      {error.value}\nexpected: {message}"
    assert files() == before


def png(side: int = 16) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(side).integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


MEND = "; mend the row, or set collect.on_bad_row: drop"
