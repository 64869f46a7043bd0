"""Missing and damaged tables are refused; a failed write leaves nothing behind."""

import errno
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.core import paths
from stages.core.tables import new_table
from tests.refusals.bad_input import refuse, run


def test_missing_table() -> None:
    refuse("clean", "data/collected: there is no table; run `dvc repro`")
    refuse("dedupe", "data/cleaned: there is no table; run `dvc repro`")


@pytest.mark.parametrize("damage", ["cut off", "overwritten", "no Parquet"])
def test_damaged_part(damage: str) -> None:
    run("collect")
    part = paths.COLLECTED / "part-00000.parquet"
    content = part.read_bytes()
    part.write_bytes(
        {"cut off": content[:-40], "overwritten": content[:4] + bytes(80) + content[84:], "no Parquet": b"a text"}[
            damage
        ]
    )
    refuse("clean", f"{part}: not a readable Parquet file (…); remove it and run `dvc repro`")


def test_second_part_is_damaged() -> None:
    """What the first part gave is not left behind."""
    run("collect")
    first, second = paths.COLLECTED / "part-00000.parquet", paths.COLLECTED / "part-00001.parquet"
    content = first.read_bytes()
    second.write_bytes(content[:4] + bytes(80) + content[84:])
    refuse("clean", f"{second}: not a readable Parquet file (…); remove it and run `dvc repro`")


def test_failed_last_write_leaves_nothing() -> None:
    """The last rows are written when the `with` block ends: that can fail too."""
    with pytest.raises(UnicodeEncodeError), new_table(Path("data/things"), pa.schema([("id", pa.string())])) as writer:
        writer.write_row({"id": "\ud800"})
    assert not [path for path in Path("data").iterdir() if "things" in path.name]


@pytest.mark.parametrize("name", ["ParquetFile", "write_table"])
def test_a_full_disk_or_too_many_open_files_are_no_damaged_table(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the file, which Arrow leaves out, and nobody is told to remove it."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Failed to open local file")

    run("collect")
    monkeypatch.setattr(pq, name, fail)
    with pytest.raises(OSError) as error:
        run("clean")
    assert error.value.errno == errno.EMFILE
    assert str(error.value.filename).endswith("/part-00000.parquet")


def test_no_memory_is_no_damaged_table(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    run("collect")
    monkeypatch.setattr(pq, "ParquetFile", fail)
    with pytest.raises(MemoryError):
        run("clean")


def test_table_of_other_columns() -> None:
    run("collect")
    part = paths.COLLECTED / "part-00000.parquet"
    pq.write_table(pa.table({"content": ["a"]}), part)
    refuse("clean", f"{part}: it has no column id; remove it and run `dvc repro`")
