"""A full disk, no memory, no permission, Ctrl-C: in every stage, at every read and write, one line that says so."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import transformers.modeling_utils
from safetensors import SafetensorError

from tests import tiny
from tests.stages_in_place import STAGES, in_rotation, listed, refuses, tables_read

pytestmark = pytest.mark.usefixtures("data_of_line")
# Advice that destroys good data if the machine is at fault.
DESTRUCTIVE = ("remove it", "not a readable", "damaged", "delete")
FAILURES: dict[str, tuple[Callable[[Path], BaseException], str]] = {
    "disk full": (lambda path: OSError(errno.ENOSPC, "No space left on device", str(path)), "No space left on device"),
    "read-only": (lambda path: OSError(errno.EROFS, "Read-only file system", str(path)), "Read-only file system"),
    "not allowed": (lambda path: PermissionError(errno.EACCES, "Permission denied", str(path)), "Permission denied"),
    "disk fails": (lambda path: OSError(errno.EIO, "Input/output error", str(path)), "Input/output error"),
    "no memory": (lambda path: MemoryError(), "not enough memory"),
    "Ctrl-C": (lambda path: KeyboardInterrupt(), ""),
}
OF_ARROW = {
    # As pyarrow says it: the file is in no attribute, and its MemoryError is an ArrowException too.
    "disk full": OSError(errno.ENOSPC, "Error writing bytes to file. Detail: [errno 28] No space left on device"),
    "no memory": pa.ArrowMemoryError("malloc of size 4096 failed"),
}


# `run_stage` writes counts, params and warnings in the same way for every stage: those of one stage stand for all.
OF_RUN_STAGE = ("metrics/params/", "metrics/warnings/")
OUTS = [
    *((stage, out) for stage in STAGES for out in listed(stage, "outs") if not out.startswith(OF_RUN_STAGE)),
    *(("split", f"metrics/{name}.json") for name in ("split", "params/split", "warnings/split")),
]
# Where an out is written that is not written beside its place: both of clean's tables belong together.
DRAFTS = {
    "data/cleaned": "data/.cleaned.partial/.cleaned.partial",
    "data/verdicts/clean": "data/.cleaned.partial/.verdicts.partial",
}


def own_file(out: str, path: Path) -> bool:
    """Whether `path` is the unfinished form of an out: the file, or a file in the folder."""
    partial = DRAFTS.get(out, str(Path(out).parent / f".{Path(out).name}.partial"))
    return partial in (str(path), str(path.parent))


def fail_writing(monkeypatch: pytest.MonkeyPatch, out: str, failure: str) -> None:
    """Writing any file of `out` fails."""
    write_table, write_text = pq.write_table, Path.write_text
    error = FAILURES[failure][0](Path(out))

    def failing_table(table: pa.Table, path: Path, **options: Any) -> None:
        if own_file(out, path):
            path.write_bytes(b"the half of it")
            raise OF_ARROW.get(failure, error)
        write_table(table, path, **options)

    def failing_text(path: Path, *arguments: Any, **options: Any) -> int:
        if own_file(out, path):
            path.write_bytes(b"the half of it")
            raise error
        return write_text(path, *arguments, **options)

    def failing_weights(*arguments: Any, **options: Any) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(pq, "write_table", failing_table)
    monkeypatch.setattr(Path, "write_text", failing_text)
    if out == "models/finetuned":
        monkeypatch.setattr(transformers.modeling_utils, "safe_save_file", failing_weights)


@pytest.mark.parametrize(("stage", "out"), OUTS)
def test_full_disk(stage: str, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_writing(monkeypatch, out, "disk full")
    line = refuses(stage)
    assert "No space left on device; free space on the disk" in line
    assert out == "models/finetuned" or Path(out).name in line
    assert not any(advice in line for advice in DESTRUCTIVE)


# Other failures than a full disk, which each out has met. It takes training to write a model.
WRITES = in_rotation([stage for stage in STAGES if stage != "finetune"], sorted(FAILURES.keys() - {"disk full"}))


@pytest.mark.parametrize(("stage", "failure"), WRITES)
def test_failing_write(stage: str, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what the stage writes first."""
    fail_writing(monkeypatch, listed(stage, "outs")[0], failure)
    line = refuses(stage)
    assert FAILURES[failure][1] in line
    assert not any(advice in line for advice in DESTRUCTIVE)


PART = Path("data/some/part-00000.parquet")
READ_ERRORS = {failure: (error(PART), words) for failure, (error, words) in FAILURES.items() if failure != "disk full"}
READ_ERRORS["no memory in Arrow"] = (OF_ARROW["no memory"], FAILURES["no memory"][1])


@pytest.mark.parametrize(
    ("stage", "failure"), in_rotation([stage for stage in STAGES if tables_read(stage)], READ_ERRORS)
)
def test_failing_read(stage: str, failure: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of a table."""
    error, words = READ_ERRORS[failure]

    def fail(*arguments: Any, **options: Any) -> None:
        raise error

    for name in ("iter_batches", "read"):
        monkeypatch.setattr(pq.ParquetFile, name, fail)
    line = refuses(stage)
    assert words in line
    assert not any(advice in line for advice in DESTRUCTIVE)


# Each kind of writer: tables and texts; the weights, by safetensors; a page.
LIMITED = """
import resource, runpy, sys
import stages.{stage}
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
sys.argv = ["{stage}"]
runpy.run_module("stages.{stage}", run_name="__main__")
"""


@pytest.mark.parametrize("stage", ["clean", "finetune", "report"])
def test_a_real_limit_of_file_sizes(stage: str) -> None:
    """The kernel itself refuses to write more than 100 bytes: the errors are those of the real libraries."""
    environment = {**tiny.environment(), "PYTHONPATH": str(tiny.ROOT), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED.format(stage=stage)], env=environment, capture_output=True, text=True
    )
    line = done.stderr.strip().rpartition("\n")[2]
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert line.startswith(f"{stage}: error: ")
    assert "File too large; raise the limit of file sizes" in line
    left = [path for path in Path().rglob("*") if path.name.endswith(".partial") or path.name == ".checkpoints"]
    assert left == []


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not hold for root")
@pytest.mark.parametrize("stage", ["clean", "report"])
def test_a_folder_without_permission(stage: str) -> None:
    folder = Path(listed(stage, "outs")[0]).parent
    folder.chmod(0o500)
    try:
        assert "Permission denied; allow this user to read and write it" in refuses(stage)
    finally:
        folder.chmod(0o700)
