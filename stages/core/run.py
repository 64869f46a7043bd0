"""What every stage does at its end: metrics/<stage>.json and one line, or one clear error."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import BaseModel

from stages.core import paths
from stages.core.atomic import write_json
from stages.core.errors import InputError
from stages.core.params import load_params

P = TypeVar("P", bound=BaseModel)


@dataclass(frozen=True)
class Counts:
    """What became of the rows: `rows_in == rows_kept + sum(dropped.values())`."""

    rows_in: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    more: Mapping[str, float | int] = field(default_factory=dict)  # what else the stage measured

    @property
    def rows_kept(self) -> int:
        return self.rows_in - sum(self.dropped.values())

    def metrics(self) -> dict[str, float | int]:
        reasons = {f"dropped_{reason}": count for reason, count in sorted(self.dropped.items())}
        return {"rows_in": self.rows_in, "rows_kept": self.rows_kept, **reasons, **self.more}


def run_stage(name: str, model: type[P], main: Callable[[P], Counts], metrics: str = "") -> None:
    """Runs `main` on its params, writes what it counted to metrics/<name>.json and says so; bad input ends in one line and exit status 1."""
    started = time.perf_counter()
    try:
        params = load_params(model)
        counts = main(params)
        # DVC records the params that stand in the file when a stage ends: others than it ran with would be a false record.
        if load_params(model).model_dump() != params.model_dump():
            raise InputError(
                f"{paths.PARAMS}: keys that this stage reads were changed while it ran; type `dvc repro` again"
            )
    except InputError as error:
        sys.exit(f"{name}: error: {error}")
    write_json(paths.METRICS / f"{metrics or name}.json", counts.metrics())
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(counts.dropped.items()) if count)
    dropped = f"{counts.rows_in - counts.rows_kept:,} dropped" + (f" ({reasons})" if reasons else "")
    seconds = time.perf_counter() - started
    print(f"{name}: {counts.rows_in:,} rows in, {counts.rows_kept:,} kept, {dropped}, {seconds:.1f} s")
