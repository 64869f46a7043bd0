"""The frame around every stage: its metrics, its warnings and one line at its end, or one clear error."""

import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from stages.core import paths
from stages.core.atomic import write_json
from stages.core.errors import InputError
from stages.core.inert import inert
from stages.core.params import load_params

P = TypeVar("P", bound=BaseModel)
UNUSUAL_DROP = 0.5  # a larger share of dropped rows is worth a warning


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

    def summary(self) -> str:
        """The counts in one line."""
        n_dropped = self.rows_in - self.rows_kept
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(self.dropped.items()) if count)
        dropped = f"{n_dropped:,} dropped ({reasons})" if reasons else f"{n_dropped:,} dropped"
        return f"{self.rows_in:,} rows in, {self.rows_kept:,} kept, {dropped}"

    def all_warnings(self, stage: str) -> list[DataWarning]:
        """The warnings of the stage, after one about the number of dropped rows if that is unusual."""
        n_dropped = self.rows_in - self.rows_kept
        if n_dropped <= UNUSUAL_DROP * self.rows_in:
            return list(self.warnings)
        reason, count = max(self.dropped.items(), key=lambda item: (item[1], item[0]))
        message = f"{n_dropped / self.rows_in:.0%} of the rows are dropped, most of them as {reason} ({count:,})"
        return [DataWarning(message, self.see.get(reason, stage)), *self.warnings]


def run_stage(name: str, model: type[P], main: Callable[[P], Counts], metrics: str = "") -> None:
    """Runs `main` on its params, and writes its counts to metrics/<metrics or name>.json and its warnings.

    Both are printed too. An InputError ends the process with one line on stderr and exit status 1.
    """
    started = time.perf_counter()
    try:
        params = load_params(model)
        counts = main(params)
        check_unchanged(params)
    except InputError as error:
        sys.exit(f"{name}: error: {error}")
    write_json(paths.METRICS / f"{metrics or name}.json", counts.metrics())
    write_warnings(name, counts)
    print(f"{name}: {counts.summary()}, {time.perf_counter() - started:.1f} s")
    for warning in counts.all_warnings(name):
        print(f"{name}: warning: {warning.message}; see {warning.see}")


def write_warnings(stage: str, counts: Counts) -> None:
    """Writes metrics/warnings/<stage>.json: a list, empty if there are none."""
    write_json(paths.WARNINGS / f"{stage}.json", [vars(warning) for warning in counts.all_warnings(stage)])


def check_unchanged(params: BaseModel) -> None:
    """Checks that params.yaml still has the params that the stage ran with.

    DVC records the params that are in the file when a stage ends: others than it ran with would be a false record.

    Raises:
        InputError: a key that the stage reads has another value.
    """
    if load_params(type(params)).model_dump() != params.model_dump():
        raise InputError(f"{paths.PARAMS}: keys that this stage reads were changed while it ran; run `dvc repro` again")
