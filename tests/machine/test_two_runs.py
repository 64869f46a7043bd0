"""Two runs at once: each ends well or in one line, and the line ends with the bytes that one run alone gives."""

import subprocess
from pathlib import Path

import yaml
from filelock import FileLock

from tests import tiny


def test_a_stage_that_another_run_works_on_is_refused(copy_of_text_line: Path) -> None:
    """Such as the stage of a `dvc repro` that was killed alone; afterwards it runs as ever."""
    repro = ("repro", "--force", "--single-item", "embed")
    before = (copy_of_text_line / "dvc.lock").read_text()
    with FileLock(copy_of_text_line / ".cache/locks/embed"):
        done = tiny.dvc(copy_of_text_line, *repro, check=False)
    assert done.returncode != 0
    assert "embed: error: another run of this stage is still at work in this folder; wait" in done.stderr
    assert tiny.stages_run(tiny.dvc(copy_of_text_line, *repro).stdout) == {"embed"}
    assert (copy_of_text_line / "dvc.lock").read_text() == before


def test_two_experiments_at_once(copy_of_text_line: Path) -> None:
    """In copies of their own, with the cache of vectors that all share."""
    wanted = {"three": 3, "four": 4}
    commands = [
        ["dvc", "exp", "run", "--temp", "--name", name, "-S", f"report.examples={count}", "report"]
        for name, count in wanted.items()
    ]
    ended = run_at_once(copy_of_text_line, commands)
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


def run_at_once(folder: Path, commands: list[list[str]]) -> list[tuple[int, str]]:
    """(exit status, output) of processes that are started at once."""
    environment = tiny.environment()
    running = [
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for command in commands
    ]
    printed = [process.communicate(timeout=600)[0] for process in running]
    return [(process.returncode, text) for process, text in zip(running, printed, strict=True)]


def lines(folder: Path, command: list[str]) -> list[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
