"""DVC's own files, damaged: what it says, and the way out that docs/experiments.md names."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from tests import tiny

LOCKS: dict[str, Callable[[Path], object]] = {
    "cut off in a key": lambda lock: lock.write_bytes(lock.read_bytes()[: lock.read_bytes().rindex(b"md5: ") + 2]),
    "empty": lambda lock: lock.write_bytes(b""),
    "binary": lambda lock: lock.write_bytes(b"\xff\xfe\x00" * 100),
}


def test_a_damaged_dvc_lock(copy_of_text_line: Path) -> None:
    """Nothing runs; without the file, everything comes from the cache."""
    lock = copy_of_text_line / "dvc.lock"
    before = lock.read_text()
    for damage, change in LOCKS.items():
        lock.write_text(before)
        change(lock)
        done = tiny.dvc(copy_of_text_line, "repro", check=False)
        assert done.returncode != 0, damage
        assert "dvc.lock" in done.stderr, damage
        assert "Traceback" not in done.stderr, damage
    lock.unlink()
    assert tiny.stages_run(tiny.dvc(copy_of_text_line, "repro").stdout) == set()
    assert lock.read_text() == before


def test_a_damaged_rwlock(copy_of_text_line: Path) -> None:
    path = copy_of_text_line / ".dvc/tmp/rwlock"
    path.write_bytes(b"")
    done = tiny.dvc(copy_of_text_line, "repro", "collect", check=False)
    assert done.returncode != 0
    assert "rwlock" in done.stderr
    path.unlink()
    tiny.dvc(copy_of_text_line, "repro", "collect")


def test_the_rwlock_of_a_killed_dvc_does_not_block(copy_of_text_line: Path) -> None:
    """It names a process that is gone."""
    path = copy_of_text_line / ".dvc/tmp/rwlock"
    killed = {"pid": 2**22 + 1, "cmd": "dvc repro"}  # above the largest number of a process
    out = str(copy_of_text_line / "data/collected")
    path.write_text(json.dumps({"write": {out: killed}, "read": {}}))
    tiny.dvc(copy_of_text_line, "repro", "--force", "collect")
    assert out not in json.loads(path.read_text()).get("write", {})


def test_a_table_that_lacks_rows_is_restored_before_a_stage_reads_it(copy_of_text_line: Path) -> None:
    before = (copy_of_text_line / "dvc.lock").read_text()
    part = copy_of_text_line / "data/cleaned/part-00000.parquet"
    good = part.read_bytes()
    rows = pq.read_table(part)
    part.unlink()
    pq.write_table(rows.slice(0, rows.num_rows // 2), part)
    tiny.dvc(copy_of_text_line, "repro", "dedupe")
    assert part.read_bytes() == good
    assert (copy_of_text_line / "dvc.lock").read_text() == before


def test_a_damaged_object_in_the_cache_is_not_used(copy_of_text_line: Path) -> None:
    """DVC notices it, and the stage runs again."""
    before = (copy_of_text_line / "dvc.lock").read_text()
    table = copy_of_text_line / "data/verdicts/split/part-00000.parquet"
    good = table.read_bytes()
    stored = [path for path in (copy_of_text_line / ".dvc/cache").rglob("*") if path.is_file()]
    (stored_table,) = (path for path in stored if path.read_bytes() == good)
    stored_table.chmod(0o600)
    stored_table.write_bytes(b"damaged")
    table.unlink()
    ran = tiny.stages_run(tiny.dvc(copy_of_text_line, "repro", "split").stdout)
    assert ran == {"split"}
    assert table.read_bytes() == good
    assert (copy_of_text_line / "dvc.lock").read_text() == before
