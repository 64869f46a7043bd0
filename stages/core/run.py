"""The frame around every stage: its lock, its metrics, and what it found in words, or one clear error."""

import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from filelock import FileLock, Timeout
from pydantic import BaseModel

from stages.core import paths
from stages.core.atomic import checked_renames, write_json
from stages.core.errors import InputError, machine_failure, message_of, one_line, tolerate
from stages.core.inert import inert
from stages.core.inputs import Inputs
from stages.core.params import load_params
from stages.core.ran_with import check_ran_with, write_ran_with
from stages.core.words import kept_rows, wrapped

P = TypeVar("P", bound=BaseModel)
UNUSUAL_DROP = 0.5  # such a share of dropped rows, or a larger one, is worth a warning


@dataclass(frozen=True)
class DataWarning:
    """Something out of the ordinary that does not stop a stage."""

    message: str  # what was found, with its share or number of rows
    see: str  # the key of params.yaml to look at


@dataclass(frozen=True)
class Counts:
    """The numbers of rows of a stage: `rows_in == rows_kept + sum(dropped.values())`."""

    rows_in: int
    dropped: Mapping[str, int] = field(default_factory=dict)  # by reason
    more: Mapping[str, float | int] = field(default_factory=dict)  # other metrics of the stage
    warnings: Sequence[DataWarning] = ()
    see: Mapping[str, str] = field(default_factory=dict)  # the key of params.yaml that decides about a reason
    found: Sequence[str] = ()  # what the stage did and found, in words: the ends of sentences that its name begins

    @property
    def rows_kept(self) -> int:
        return self.rows_in - sum(self.dropped.values())

    def metrics(self) -> dict[str, float | int | None]:
        """What is written to the metrics file. A number that JSON does not have, NaN or infinity, is None.

        Names may hold labels, and are inert: DVC draws them in tables.
        """
        reasons = {f"dropped_{reason}": count for reason, count in sorted(self.dropped.items())}
        more = {inert(name): value if math.isfinite(value) else None for name, value in self.more.items()}
        return {"rows_in": self.rows_in, "rows_kept": self.rows_kept, **reasons, **more}

    def sentences(self) -> Sequence[str]:
        """What is printed: what the stage found, or how many rows it kept if it does not say more."""
        return self.found or [kept_rows(self.rows_in, self.dropped)]

    def all_warnings(self, stage: str) -> list[DataWarning]:
        """The warnings of the stage, after one about the number of dropped rows if that is unusual."""
        n_dropped = self.rows_in - self.rows_kept
        if n_dropped == 0 or n_dropped < UNUSUAL_DROP * self.rows_in:
            return list(self.warnings)
        reason, count = max(self.dropped.items(), key=lambda item: (item[1], item[0]))
        message = f"{n_dropped / self.rows_in:.0%} of the rows are dropped, most of them as {reason} ({count:,})"
        return [DataWarning(message, self.see.get(reason, stage)), *self.warnings]


def run_stage(name: str, model: type[P], main: Callable[[P], Counts], metrics: str = "") -> None:
    """Runs `main` on its params; writes its counts to metrics/<metrics or name>.json, its warnings and its params.

    What it found and its warnings are printed too. Nothing appears under its name if what the stage reads has changed
    meanwhile.
    """
    started = time.perf_counter()
    tolerate(sys.stdout, "backslashreplace")  # labels may have signs that this terminal lacks
    with one_line_errors(name), one_run_at_a_time(name):
        check_ran_with(name)
        inputs = Inputs.of(name)
        params = load_params(model)
        with checked_renames(inputs.check_unchanged):
            counts = main(params)
            write_json(paths.METRICS / f"{metrics or name}.json", counts.metrics())
            write_warnings(name, counts)
            write_ran_with(inputs)
    first, *more = counts.sentences()
    for sentence in (f"{first} ({time.perf_counter() - started:.1f} s)", *more):
        print(*wrapped(f"{name}: {sentence}"), sep="\n")
    for warning in counts.all_warnings(name):
        print(one_line(f"{name}: warning: {warning.message}; see {warning.see}"))


@contextmanager
def one_line_errors(name: str) -> Iterator[None]:
    """Ends the process with one line on stderr and exit status 1 if input or the machine fails.

    Other errors are mistakes in the code and pass. For Ctrl-C see stages/__init__.py.
    """
    try:
        yield
    except InputError as error:
        sys.exit(f"{name}: error: {message_of(error)}")
    except Exception as error:
        if failure := machine_failure(error):
            sys.exit(f"{name}: error: {message_of(InputError(failure))}")
        raise


@contextmanager
def one_run_at_a_time(stage: str) -> Iterator[None]:
    """Locks the stage in this folder until the `with` block or the process ends.

    A stage goes on if `dvc repro` alone is killed. Without the lock, the next run's results would be overwritten by
    those of the older one.

    Raises:
        InputError: another run holds the lock.
    """
    paths.RUN_LOCKS.mkdir(parents=True, exist_ok=True)
    lock = FileLock(paths.RUN_LOCKS / stage, blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise InputError(
            "another run of this stage is still at work in this folder; wait until it ends, or end it"
        ) from error
    try:
        yield
    finally:
        lock.release()


def write_warnings(stage: str, counts: Counts) -> None:
    """Writes metrics/warnings/<stage>.json: a list, empty if there are none."""
    write_json(paths.WARNINGS / f"{stage}.json", [vars(warning) for warning in counts.all_warnings(stage)])
