"""Kills the line at random moments and runs it again: it must end with the same bytes as a line that nobody killed.

Three kinds of kill: the stage alone, DVC alone (the stage lives on as an orphan), and both. After some kills the
settings are edited before the next run, and an orphan may still be at work, or held until that run has ended: it must
not put its older table over a newer one. A run may refuse in one line while an orphan works; it must succeed once the
orphan has ended. DVC writes its lock in place: where a kill leaves half of it, the run after the next must succeed, see
docs/experiments.md.
"""

import argparse
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil
import yaml

from bench import report
from stages.core.params import read_yaml
from tests import tiny
from tests.refusals.bad_input import change

KINDS = ("stage", "dvc", "both")
# Every stage has other outputs under the other settings, so that a table of the wrong run shows.
OTHER: Mapping[str, Any] = {
    "seed": 7,
    "lr": 0.002,
    "collect.splits": {"train": "train.csv"},
    "clean.label.aliases": {"fruit": "Fruit"},
    "embed.text.max_length": 8,
    "outliers.neighbours": 3,
    "label_audit.C": 2.0,
    "augment.copies": 1,
    "evaluate.calibration_bins": 3,
    "report.examples": 2,
}
BETWEEN = "between stages"
# What DVC says about a file of its own that it was writing when it was killed, and the file, which may be deleted.
HALF_WRITTEN = {
    "'./dvc.lock' validation failed": "dvc.lock",
    "'./dvc.lock' is invalid": "dvc.lock",
    "unable to read: './dvc.lock'": "dvc.lock",
    "join() argument must be str": "dvc.lock",  # an entry without its hash
    "object has no attribute 'endswith'": "dvc.lock",  # half a hash, of digits alone
    "Unable to read RWLock-file": ".dvc/tmp/rwlock",
}
EDITED = 0.5  # the share of kills after which the settings are edited
AT_ONCE = 0.5  # the share of killed DVCs after which the next run does not wait for the orphan
PAUSED = 0.5  # of these, the share in which the orphan goes on only when the next run has ended
MOST_STAGES = 4  # that a run completes before it is killed, so that the line gets on
WAIT = 300.0  # seconds; a process that lives on for longer hangs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("kills")
    group.add_argument("--kills", type=int, default=100, help="how many (default: %(default)s)")
    group.add_argument("--kills-seed", type=int, default=None, help="the seed of the moments (default: drawn, printed)")


@dataclass
class Line:
    """A project folder, and what ran in it."""

    folder: Path
    settings: Mapping[str, str]  # the text of params.yaml, by name
    chosen: str = "first"
    sessions: set[int] = field(default_factory=set)  # of all runs: their processes, orphans too, are in them
    paused: list[int] = field(default_factory=list)  # processes
    restored: set[str] = field(default_factory=set)  # stages whose outs came from DVC's cache, since they last ran

    def choose(self, name: str) -> None:
        (self.folder / "params.yaml").write_text(self.settings[name], encoding="utf-8")
        self.chosen = name

    def start(self) -> "Run":
        output = tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"],
            cwd=self.folder,
            env={**tiny.environment(), "PYTHONUNBUFFERED": "1", "DVC_SITE_CACHE_DIR": str(self.folder.parent / "dvc")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        self.sessions.add(process.pid)
        return Run(process, output)

    def alive(self) -> list[int]:
        """The processes of all runs so far."""
        return [process.pid for process in psutil.process_iter() if session_of(process.pid) in self.sessions]

    def note(self, printed: str) -> None:
        """Notes which stages a run has run or restored."""
        for ran, restored in re.findall(r"Running stage '(\w+)'|Stage '(\w+)' is cached", printed):
            self.restored.discard(ran)
            self.restored.update([restored] if restored else [])

    def pause(self) -> None:
        """Holds all processes of runs so far, so that they end after the next run."""
        self.paused = self.alive()
        for process in self.paused:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def go_on(self) -> None:
        for process in self.paused:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)
        self.paused = []

    def wait_for_orphans(self) -> None:
        wait_until(lambda: not self.alive(), f"processes of a killed run live on: {self.alive()}")


@dataclass
class Run:
    """One `dvc repro`."""

    process: subprocess.Popen[bytes]
    output: IO[bytes]

    def stages(self) -> list[psutil.Process]:
        """The process of the stage that runs, if one does."""
        try:
            children = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [child for child in children if stage_name(child)]

    def ended(self) -> bool:
        return self.process.poll() is not None

    def printed(self) -> str:
        """All so far; read at its place, as the run writes where this file stands."""
        number = self.output.fileno()
        return os.pread(number, os.fstat(number).st_size, 0).decode("utf-8", "replace")


def session_of(process: int) -> int:
    try:
        return os.getsid(process) if psutil.Process(process).status() != psutil.STATUS_ZOMBIE else -1
    except (ProcessLookupError, psutil.Error):
        return -1


def stage_name(process: psutil.Process) -> str:
    """The stage that this process is, "" if it is none."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return ""
    return words[2].removeprefix("stages.") if words[1:2] == ["-m"] and words[2].startswith("stages.") else ""


def wait_until(condition: Callable[[], bool], problem: str) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(problem)
        time.sleep(0.1)


@dataclass(frozen=True)
class Kill:
    kind: str
    stage: str  # that ran


@dataclass(frozen=True)
class Moment:
    """Some seconds after a stage has started; 0 stages: after the start of DVC."""

    stages: int
    seconds: float


def kill(run: Run, kind: str, moment: Moment) -> Kill | None:
    """Kills the run; None if it ended before."""
    while not run.ended() and run.printed().count("Running stage ") < moment.stages:
        time.sleep(0.02)
    deadline = time.monotonic() + moment.seconds
    while not run.ended() and time.monotonic() < deadline:
        time.sleep(0.002)
    while kind == "stage" and not run.ended() and not run.stages():
        time.sleep(0.002)
    stages = run.stages()
    if run.ended() or (kind == "stage" and not stages):
        return None
    name = (stage_name(stages[0]) if stages else "") or BETWEEN
    if kind == "stage":
        with suppress(psutil.NoSuchProcess):  # it has just ended by itself
            stages[0].kill()
        wait_until(run.ended, "dvc lives on after its stage was killed")
        if run.process.returncode == 0:
            return None
    elif kind == "dvc":
        run.process.kill()
    else:
        os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait()
    return Kill(kind, name)


@dataclass
class Results:
    kills: list[Kill] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    cycles: int = 0


def run_cycle(line: Line, expected: Mapping[str, Mapping[str, str]], seconds: float, rng: random.Random, n_kills: int,
              results: Results) -> None:  # fmt: skip
    """Kills and runs a new line until it is complete under both settings; kills no more if `n_kills` are reached."""
    complete: set[str] = set()
    has_orphan = False
    line.choose("first")
    while len(complete) < len(line.settings):
        run = line.start()
        killed = None
        if len(results.kills) < n_kills:
            moment = Moment(rng.randrange(MOST_STAGES + 1), rng.uniform(0, seconds))
            killed = kill(run, rng.choice(KINDS), moment)
        if killed is None:
            succeeded = end(line, run, results, has_orphan)
            has_orphan = False
            if succeeded:
                check(line, expected, results)
                complete.add(line.chosen)
                line.choose(next((name for name in line.settings if name not in complete), line.chosen))
            continue
        line.go_on()
        results.kills.append(killed)
        line.note(run.printed())
        check_printed(run.printed(), results)
        if rng.random() < EDITED:
            line.choose(next(name for name in line.settings if name != line.chosen))
        has_orphan = rng.random() < AT_ONCE
        if not has_orphan:
            line.wait_for_orphans()
        elif rng.random() < PAUSED:
            line.pause()


def end(line: Line, run: Run, results: Results, has_orphan: bool) -> bool:
    """Waits for a run that was not killed: whether it succeeded. Does what docs/experiments.md says if it did not.

    Args:
        has_orphan: whether the stage of a killed run may live on; only then may the run fail.

    Raises:
        RuntimeError: it fails without an orphan.
    """
    wait_until(run.ended, "dvc repro hangs")
    line.go_on()
    printed = run.printed()
    line.note(printed)
    if run.process.returncode == 0:
        return True
    half_written = next((path for words, path in HALF_WRITTEN.items() if words in printed), None)
    if half_written:
        (line.folder / half_written).unlink()
    elif not has_orphan:
        raise RuntimeError(f"a run fails though no orphan is at work:\n{printed[-2000:]}")
    errors = [text for text in printed.splitlines() if ": error: " in text or text.startswith("ERROR: ")]
    check_printed(printed, results)
    results.refusals[errors[0] if errors else printed[-300:]] += 1
    line.wait_for_orphans()
    return False


def check_printed(printed: str, results: Results) -> None:
    if "Traceback" in printed:
        results.faults.append("a traceback: " + printed[printed.index("Traceback") :][-600:])


def check(line: Line, expected: Mapping[str, Mapping[str, str]], results: Results) -> None:
    """Compares the complete line with the one that nobody killed, and looks for what kills left behind."""
    line.wait_for_orphans()
    found = digests(line.folder)
    wrong = sorted(
        name for name in found.keys() | expected[line.chosen] if found.get(name) != expected[line.chosen].get(name)
    )
    if wrong:
        results.faults.append(
            f"after kill {len(results.kills)}, settings {line.chosen}: other bytes: {', '.join(wrong)}"
        )
    if left := list(left_behind(line)):
        results.faults.append(f"after kill {len(results.kills)}: left behind: {', '.join(left)}")
    for path in damaged_objects(line.folder / ".dvc/cache/files/md5"):
        results.faults.append(f"after kill {len(results.kills)}: damaged in DVC's cache: {path.name}")


def left_behind(line: Line) -> Iterator[str]:
    """Unfinished work that is still there, but for that of stages that have not run since: the next run removes it."""
    stages = yaml.safe_load((line.folder / "dvc.lock").read_text())["stages"]
    stage_of = {out["path"]: stage for stage, entry in stages.items() for out in entry["outs"]}
    for path in line.folder.rglob("*.partial"):
        out = path.relative_to(line.folder).with_name(path.name.removeprefix(".").removesuffix(".partial"))
        if stage_of.get(str(out)) not in line.restored:
            yield str(path.relative_to(line.folder))
    if "finetune" not in line.restored:
        yield from (str(path.relative_to(line.folder)) for path in line.folder.rglob(".checkpoints"))


def digests(folder: Path) -> dict[str, str]:
    """A digest of dvc.lock and of each file that it names."""
    names = ["dvc.lock"]
    for stage in yaml.safe_load((folder / "dvc.lock").read_text())["stages"].values():
        names += [out["path"] for out in stage["outs"]]
    files = [path for name in names for path in files_in(folder / name)]
    return {str(path.relative_to(folder)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def files_in(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]


def damaged_objects(cache: Path) -> Iterator[Path]:
    """The objects whose name is not the digest of their bytes."""
    for path in cache.glob("??/*"):
        name = path.parent.name + path.name.removesuffix(".dir")
        if hashlib.md5(path.read_bytes()).hexdigest() != name:
            yield path


def both_settings(first: Mapping[str, Any]) -> dict[str, str]:
    second = deepcopy(dict(first))
    change(second, OTHER)
    return {"first": yaml.safe_dump(first, sort_keys=False), "second": yaml.safe_dump(second, sort_keys=False)}


def references(line: Line) -> tuple[dict[str, dict[str, str]], float]:
    """The digests of each settings without kills, and the seconds of the average stage."""
    expected, n_stages, started = {}, 0, time.perf_counter()
    for name in line.settings:
        line.choose(name)
        run = line.start()
        wait_until(run.ended, "dvc repro hangs")
        if run.process.returncode:
            raise RuntimeError(f"the line fails without a kill:\n{run.printed()[-2000:]}")
        expected[name] = digests(line.folder)
        n_stages += run.printed().count("Running stage ")
    seconds = (time.perf_counter() - started) / n_stages
    first, second = expected.values()
    if same := [name for name in always_different(first) if first[name] == second.get(name)]:
        raise RuntimeError(f"equal under both settings, so a table of the wrong run would not show: {', '.join(same)}")
    return expected, seconds


def always_different(names: Mapping[str, str]) -> list[str]:
    """The tables and weights: others are small, and may well be equal."""
    equal = ("data/suggestions", "data/verdicts/collect", "data/verdicts/leaks")  # empty under both
    return [
        name for name in names if name.startswith(("data/", "models/finetuned/model")) and not name.startswith(equal)
    ]


def main(arguments: argparse.Namespace) -> None:
    seed = random.SystemRandom().randrange(2**32) if arguments.kills_seed is None else arguments.kills_seed
    print(f"kills: --kills-seed {seed}", flush=True)
    rng, results = random.Random(seed), Results()
    with tempfile.TemporaryDirectory() as temporary:
        made, folder = Path(temporary) / "made", Path(temporary) / "line"
        tiny.make_line(made, "text_category")
        settings = both_settings(read_yaml(made / "params.yaml"))
        shutil.copytree(made, folder, symlinks=True)
        expected, seconds = references(Line(folder, settings))
        while len(results.kills) < arguments.kills:
            shutil.rmtree(folder)
            shutil.copytree(made, folder, symlinks=True)
            results.cycles += 1
            run_cycle(Line(folder, settings), expected, seconds, rng, arguments.kills, results)
            print(f"kills: {len(results.kills)} of {arguments.kills}, {len(results.faults)} faults", flush=True)
    show(results, seed)
    if results.faults:
        raise RuntimeError("\n".join([f"{len(results.faults)} faults", *results.faults]))


def show(results: Results, seed: int) -> None:
    counts = Counter(results.kills)
    stages = sorted({kill.stage for kill in results.kills})
    rows = [[stage, *(counts[Kill(kind, stage)] for kind in KINDS)] for stage in stages]
    summary = (
        f"{len(results.kills)} kills, {results.cycles} lines, {sum(results.refusals.values())} runs refused because of "
        f"an orphan or a half-written file of DVC, {len(results.faults)} faults"
    )
    result = {"seed": seed, "kills": [vars(kill) for kill in results.kills], "refusals": results.refusals}
    report("kills", ("killed in", *KINDS), rows, summary, {**result, "faults": results.faults})
    for message, count in results.refusals.most_common():
        print(f"kills: {count} x {message}")
