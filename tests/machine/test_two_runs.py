"""Two runs at once: each ends well or in one line, and the line ends with the bytes that one run alone gives."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import tiny

TARGET = "dedupe"
PAIRS = {
    "two dvc repro": (["dvc", "repro", TARGET], ["dvc", "repro", TARGET]),
    "dvc repro and its stage": (["dvc", "repro", TARGET], [sys.executable, "-m", "stages.embed"]),
}


def entries(folder: Path) -> dict[str, str]:
    """What dvc.lock says of each stage."""
    return {stage: str(entry) for stage, entry in yaml.safe_load((folder / "dvc.lock").read_text())["stages"].items()}


def run_both(folder: Path, pair: tuple[list[str], list[str]]) -> list[tuple[int, str]]:
    """(exit status, output) of two processes that are started at once."""
    environment = tiny.environment()
    running = [
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for command in pair
    ]
    printed = [process.communicate(timeout=600)[0] for process in running]
    return [(process.returncode, text) for process, text in zip(running, printed, strict=True)]


@pytest.mark.parametrize("pair", PAIRS)
def test_two_runs_in_one_folder(pair: str, copy_of_text_line: Path) -> None:
    expected = entries(copy_of_text_line)
    (copy_of_text_line / "dvc.lock").unlink()
    shutil.rmtree(copy_of_text_line / ".dvc/cache")
    for status, printed in run_both(copy_of_text_line, PAIRS[pair]):
        assert "Traceback" not in printed
        assert status == 0 or "error: " in printed.lower()
    tiny.dvc(copy_of_text_line, "repro", TARGET)
    found = entries(copy_of_text_line)
    assert TARGET in found
    assert found.items() <= expected.items()


def test_two_experiments_at_once(copy_of_text_line: Path) -> None:
    """In copies of their own, with the cache of vectors that all share."""
    wanted = {"three": 3, "four": 4}
    commands = [
        ["dvc", "exp", "run", "--temp", "--name", name, "-S", f"report.examples={count}", "report"]
        for name, count in wanted.items()
    ]
    ended = run_both(copy_of_text_line, (commands[0], commands[1]))
    for (name, count), (status, printed) in zip(wanted.items(), ended, strict=True):
        assert "Traceback" not in printed
        if status:
            assert "error: " in printed.lower()
            continue
        refs = ["git", "for-each-ref", "--format=%(refname)", "refs/exps"]
        ref = next(line for line in lines(copy_of_text_line, refs) if line.endswith(f"/{name}"))
        lock = yaml.safe_load("\n".join(lines(copy_of_text_line, ["git", "show", f"{ref}:dvc.lock"])))
        assert lock["stages"]["report"]["params"]["params.yaml"]["report"]["examples"] == count
    assert 0 in [status for status, _ in ended]


def lines(folder: Path, command: list[str]) -> list[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
