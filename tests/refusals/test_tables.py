"""Missing, damaged and locked tables are refused; a failed write leaves nothing behind."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from stages.core import paths
from stages.core.atomic import new_folder
from stages.core.errors import InputError
from stages.core.tables import new_table
from tests.refusals.bad_input import ROOT, refuse, run
from tests.refusals.cleaned_rows import write_cleaned


def test_another_run_that_writes_the_same_table() -> None:
    with new_folder(Path("data/some")) as partial:
        with (
            pytest.raises(InputError, match="data/some: another run is writing it; wait until it ends"),
            new_folder(Path("data/some")),
        ):
            pass
        (partial / "file").write_text("mine")
    assert Path("data/some/file").read_text() == "mine"
    assert not list(Path("data").glob(".some*"))


def test_the_lock_of_a_run_ends_with_its_process() -> None:
    code = """
import pathlib, stages.core.atomic
with stages.core.atomic.new_folder(pathlib.Path("data/some")) as partial:
    (partial / "file").write_text("killed")
    print("writing", flush=True)
    input()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"writing\n"
        with pytest.raises(InputError, match="another run is writing it"), new_folder(Path("data/some")):
            pass
        other.kill()
    with new_folder(Path("data/some")) as partial:
        assert not list(partial.iterdir())
        (partial / "file").write_text("mine")
    assert [path.name for path in Path("data/some").iterdir()] == ["file"]
    assert not list(Path("data").glob(".some*"))


def test_missing_table() -> None:
    refuse("clean", "data/collected: there is no table; run `dvc repro`")
    refuse("dedupe", "data/cleaned: there is no table; run `dvc repro`")


READERS = {
    "clean": paths.COLLECTED,
    "embed": paths.CLEANED,
    "dedupe": paths.CLEANED,
    "outliers": paths.DUPLICATE_VERDICTS,
    "split": paths.CLEANED,
}


@pytest.mark.parametrize("stage", READERS)
@pytest.mark.parametrize("damage", ["cut off", "overwritten", "no Parquet"])
def test_damaged_part(stage: str, damage: str) -> None:
    run("collect")
    write_cleaned(["fruit", "vehicle"] * 10)
    part = READERS[stage] / "part-00000.parquet"
    content = part.read_bytes()
    part.write_bytes(
        {"cut off": content[:-40], "overwritten": content[:4] + bytes(80) + content[84:], "no Parquet": b"a text"}[
            damage
        ]
    )
    refuse(stage, f"{part}: not a readable Parquet file (…); remove it and run `dvc repro`")


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
