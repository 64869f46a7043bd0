"""What becomes of a file: each function damages the file at a path."""

import shutil
from collections.abc import Callable
from pathlib import Path


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def as_folder(path: Path) -> None:
    remove(path)
    path.mkdir()


def as_file(path: Path) -> None:
    remove(path)
    path.write_bytes(b"a text")


def as_link_to_nothing(path: Path) -> None:
    remove(path)
    path.symlink_to("nowhere/at/all")


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def of(content: bytes | str) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)

    return replace
