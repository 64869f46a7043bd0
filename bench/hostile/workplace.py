"""One hostile input: its workplace, the stages that run on it, and what was wrong with what they did."""

import csv
import json
import os
import re
import shutil
import signal
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml

from bench import ROOT
from bench.hostile import models
from bench.hostile.process import CPU_SECONDS, MEGABYTES, NOBODY, WALL_SECONDS, Ran, in_a_process, run_module
from stages.core import paths
from tests.refusals.bad_input import change

LEDGER = "id,action,label,note\n"
LONGEST_MESSAGE = 20_000  # characters
# What each stage writes; none of it may be there after a refusal.
OUTPUTS = {
    "collect": (paths.COLLECTED, paths.COLLECT_VERDICTS),
    "clean": (paths.CLEANED, paths.CLEAN_VERDICTS, paths.SUGGESTIONS),
    "dedupe": (paths.DUPLICATE_VERDICTS,),
    "outliers": (paths.OUTLIER_VERDICTS,),
    "split": (paths.SPLIT_VERDICTS, paths.VALIDATION, paths.TEST),
    "label_audit": (paths.LABEL_VERDICTS,),
    "augment": (paths.TRAIN,),
    "leaks": (paths.LEAKS,),
    "evaluate": (paths.VERDICT,),
    "report": (paths.DATA_REPORT,),
}
# The table and the verdicts of a stage, and the table that it reads.
TABLES = {
    "collect": (paths.COLLECTED, paths.COLLECT_VERDICTS, None),
    "clean": (paths.CLEANED, paths.CLEAN_VERDICTS, paths.COLLECTED),
}
# Stages with a model, and what is done instead.
INSTEAD = {"embed": models.write_vectors, "predict": models.write_predictions}
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Hostile:
    """One hostile input; its name says what is hostile about it."""

    group: str
    name: str
    files: Mapping[str, Any] = field(default_factory=dict)  # below data/: bytes, text, or a function of the path
    params: Mapping[str, Any] = field(default_factory=dict)  # dotted key -> value; `...` takes the key away
    base: str = "text_category"  # the params that are changed, see params.PRESETS
    edit: Callable[[str], str | bytes] | None = None  # of the text of params.yaml
    stages: Sequence[str] = ("collect", "clean")
    rows: int | None = None  # rows that must be accounted for, kept or dropped; None: not known
    known: str = ""  # the public report of such an input, such as pandas#5664
    as_nobody: bool = False  # run by a user who may read only what all may read
    good: bool = False  # a harmless input that must pass: shows that the others are refused for what is hostile in them


@dataclass(frozen=True)
class Result:
    name: str
    group: str
    refused: bool
    dropped: int
    kept: int
    faults: Sequence[str]
    cpu_seconds: float
    peak_mb: float
    message: str  # the last words of the last stage


def write_params(hostile: Hostile, base: Mapping[str, Any], on_bad_row: str) -> None:
    params = json.loads(json.dumps(base))
    params["collect"]["on_bad_row"] = on_bad_row
    change(params, hostile.params)
    text = yaml.safe_dump(params, sort_keys=False, allow_unicode=True)
    edited = hostile.edit(text) if hostile.edit else text
    Path("params.yaml").write_bytes(edited if isinstance(edited, bytes) else edited.encode("utf-8", "surrogatepass"))


def write_input(hostile: Hostile) -> None:
    Path("data").mkdir()
    Path("data/ledger.csv").write_text(LEDGER)
    shutil.copyfile(ROOT / "dvc.yaml", "dvc.yaml")
    for name, content in hostile.files.items():
        path = Path("data") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content = content(path)
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        if content is not None:
            path.write_bytes(content)


def try_input(hostile: Hostile, base: Mapping[str, Any]) -> Result:
    """Runs the stages on one input in a new folder, and judges them.

    A source that is refused for a bad row is read a second time, with `on_bad_row: drop`.
    """
    sandbox = Path(tempfile.mkdtemp(prefix="hostile-"))
    before = Path.cwd()
    workplace = sandbox / "workplace"
    try:
        for folder in (workplace, sandbox / "tmp", sandbox / "outside"):
            folder.mkdir()
        (sandbox / "outside/secret.csv").write_text("text,kind\nthis text lies outside,secret\n")
        os.chdir(workplace)
        write_input(hostile)
        write_params(hostile, base, "error")
        if hostile.as_nobody and os.geteuid() == 0:
            give_away(sandbox)
        judged = Judged(hostile, workplace)
        judged.run()
        if judged.refused_by == "collect" and not hostile.edit and "on_bad_row" in judged.message:
            write_params(hostile, base, "drop")
            judged.run()
        return judged.result()
    finally:
        os.chdir(before)
        make_removable(sandbox)
        shutil.rmtree(sandbox, ignore_errors=True)


def give_away(sandbox: Path) -> None:
    """Gives the folders to the user NOBODY, except those that nobody may read."""
    sandbox.chmod(0o755)
    for folder, folders, names in os.walk(sandbox):
        for name in (*folders, *names, "."):
            os.chown(Path(folder) / name, NOBODY, NOBODY, follow_symlinks=False)


def make_removable(sandbox: Path) -> None:
    for folder, folders, _ in os.walk(sandbox):
        for name in folders:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755)


class Judged:
    """The runs of the stages on one input, and what was wrong with them."""

    def __init__(self, hostile: Hostile, workplace: Path) -> None:
        self.hostile = hostile
        self.workplace = workplace
        self.faults: list[str] = []
        self.refused_by = ""
        self.message = ""
        self.counts = {"rows_in": 0, "rows_kept": 0, "dropped": 0}
        self.cpu_seconds = self.peak_mb = 0.0

    def run(self) -> None:
        self.refused_by = ""
        for stage in self.hostile.stages:
            before = self.files()
            ran = self.process(stage)
            self.cpu_seconds = max(self.cpu_seconds, ran.cpu_seconds)
            self.peak_mb = max(self.peak_mb, ran.peak_mb)
            self.message = (ran.err or ran.out).strip()
            for fault in self.faults_of(ran, before):
                self.note(f"{stage}: {fault}")
            if ran.status:
                self.refused_by = stage
                return

    def process(self, stage: str) -> Ran:
        if stage in INSTEAD:
            return in_a_process(self.workplace, stage, INSTEAD[stage])
        name, *arguments = stage.split(" ")
        return in_a_process(self.workplace, name, lambda: run_module(name, arguments), self.hostile.as_nobody)

    def files(self) -> set[str]:
        return {str(path.relative_to(self.workplace)) for path in self.workplace.rglob("*")}

    def faults_of(self, ran: Ran, before: set[str]) -> Iterator[str]:
        yield from faults_of_process(ran)
        after = self.files()
        left = sorted(name for name in after if ".partial" in name)
        if left and ran.status >= 0:  # a process that was ended cannot tidy up
            yield f"half-written: {left[0]}"
        if ran.status:
            written = sorted(str(path) for path in OUTPUTS.get(ran.stage, ()) if str(path) in after - before)
            if written:
                yield f"written though it was refused: {written[0]}"
            if self.hostile.good:
                yield f"a good input is refused: {ran.err.strip()[:200]}"
        else:
            yield from faults_of_metrics(self.workplace / paths.METRICS)
            if ran.stage in TABLES:
                yield from self.faults_of_counts(ran.stage)

    def faults_of_counts(self, stage: str) -> Iterator[str]:
        """Whether all rows that came in are kept or dropped, in the metrics and in the tables."""
        table, verdicts, source = TABLES[stage]
        metrics = json.loads((self.workplace / paths.METRICS / f"{stage}.json").read_text())
        dropped = sum(value for name, value in metrics.items() if name.startswith("dropped_"))
        n_kept, n_verdicts = self.count(table), self.count(verdicts)
        n_in = metrics["rows_in"]
        self.counts = {"rows_in": n_in, "rows_kept": n_kept, "dropped": self.counts["dropped"] + dropped}
        if n_in != metrics["rows_kept"] + dropped or n_kept != metrics["rows_kept"]:
            yield f"rows do not reconcile: {n_in} in, {metrics['rows_kept']} kept, {dropped} dropped, {n_kept} written"
        if n_verdicts != (dropped if stage == "collect" else n_in):
            yield f"{n_verdicts} verdicts for {n_in} rows, {dropped} of them dropped"
        if source is not None and self.count(source) != n_in:
            yield f"{n_in} rows in, but {source} has {self.count(source)}"
        if self.hostile.good and dropped:
            yield f"{dropped} rows of a good input are dropped"
        if stage == "collect" and self.hostile.rows is not None and n_in != self.hostile.rows:
            yield f"the source has {self.hostile.rows} rows, {n_in} were counted"
        if stage == "clean":
            yield from self.faults_of_labels()

    def count(self, folder: Path) -> int:
        return sum(pq.read_metadata(path).num_rows for path in (self.workplace / folder).glob("part-*.parquet"))

    def faults_of_labels(self) -> Iterator[str]:
        """Whether labels and groups of cleaned rows can be shown to people, and seen."""
        for part in (self.workplace / paths.CLEANED).glob("part-*.parquet"):
            table = pq.read_table(part, columns=["label", "group"])
            for column in table.column_names:
                for value in table[column].to_pylist():
                    for name in value if isinstance(value, list) else [value]:
                        if isinstance(name, str) and (bad := unprintable(name)):
                            yield f"a {column} with {bad} is kept: {name!r:.60}"
                            return
                        if isinstance(name, str) and name and all(map(is_unseen, name)):
                            yield f"a {column} that nobody can see is kept: {name!r:.60}"
                            return

    def note(self, fault: str) -> None:
        if fault not in self.faults:
            self.faults.append(fault)

    def result(self) -> Result:
        return Result(
            self.hostile.name,
            self.hostile.group,
            bool(self.refused_by),
            self.counts["dropped"],
            0 if self.refused_by else self.counts["rows_kept"],
            self.faults,
            self.cpu_seconds,
            self.peak_mb,
            self.message,
        )


def faults_of_metrics(folder: Path) -> Iterator[str]:
    """Whether all metrics are valid JSON, and no cell of a plot is markup, a formula or a sign that nobody sees."""
    for path in folder.rglob("*.json"):
        try:
            json.loads(path.read_text(), parse_constant=no_constant)
        except ValueError as error:
            yield f"{path.relative_to(folder.parent)} is not valid JSON: {error}"
    for path in folder.rglob("*.csv"):
        with path.open(newline="") as file:
            for cells in csv.reader(file):
                for cell in cells:
                    if "<" in cell or unprintable(cell) or (cell[:1] in "=+-@" and not is_number(cell)):
                        yield f"{path.relative_to(folder.parent)} has the cell {cell!r:.60}"
                        return


def is_number(cell: str) -> bool:
    try:
        float(cell or "0")
    except ValueError:
        return False
    return True


def no_constant(name: str) -> float:
    raise ValueError(f"it has {name}")


def faults_of_process(ran: Ran) -> Iterator[str]:
    """What is wrong with the way in which a process ended, and with what it said."""
    if ran.timed_out:
        yield f"did not end within {WALL_SECONDS} seconds"
        return
    if ran.status < 0:
        name = signal.Signals(-ran.status).name
        yield f"more than {CPU_SECONDS} CPU seconds" if name == "SIGXCPU" else f"ended by {name}"
        return
    if ran.peak_mb > MEGABYTES:
        yield f"{ran.peak_mb:,.0f} MB of memory, more than {MEGABYTES:,}"
    yield from ran.touched
    said = ran.out + ran.err
    if "Traceback (most recent call last)" in said:
        yield f"traceback: {said.strip().splitlines()[-1][:200]}"
        return
    lines = ran.err.rstrip("\n").split("\n") if ran.err.strip() else []
    if ran.status == 0 and lines:
        yield f"noise on stderr: {lines[0][:150]}"
    if ran.status:
        if ran.status != 1:
            yield f"exit status {ran.status}"
        starts = re.compile(rf"{ran.stage}: error: .|usage: ")
        if not (lines and starts.match(lines[0]) and all(line.startswith("  ") for line in lines[1:])):
            yield f"refused, but not in one message: {ran.err.strip()[:200]!r}"
        if len(ran.err) > LONGEST_MESSAGE:
            yield f"a message of {len(ran.err):,} characters"
        if re.search(r"memory", ran.err, re.IGNORECASE):
            yield f"runs out of memory: {ran.err.strip()[:200]}"
    if bad := unprintable(said.replace("\n", "")):
        yield f"{bad} on the terminal: {said[:150]!r}"


def is_unseen(character: str) -> bool:
    """Whether nobody sees a character that stands alone: a space, or what only changes others."""
    return unicodedata.category(character) in ("Cf", "Mn", "Zs")


def unprintable(text: str) -> str | None:
    """What a terminal or a page would obey instead of showing it; None if there is nothing of the kind."""
    for character in text:
        if unicodedata.category(character) == "Cc" and character != "\t":
            return f"a control character (U+{ord(character):04X})"
        if character in BIDI:
            return f"a mark of the direction of writing (U+{ord(character):04X})"
    return None
