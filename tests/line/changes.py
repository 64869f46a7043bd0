"""Changes of a project: a param, a file."""

from collections.abc import Callable
from pathlib import Path

import yaml

from tests import tiny


def set_param(key: str, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        params = yaml.safe_load((folder / "params.yaml").read_text())
        *sections, name = key.split(".")
        section = params
        for part in sections:
            section = section[part]
        assert section[name] != value
        section[name] = value
        tiny.write_params(folder, params)

    change.__name__ = f"{key}={value}"
    return change


def edit(file: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / file).open("a") as code:
            code.write("\n# a remark\n")

    change.__name__ = f"edit {file}"
    return change


def replace_in(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    change.__name__ = f"{file}: {old} -> {new}"
    return change
