"""Hostile data: named inputs, mutated media and random texts; nothing crashes, hangs, grows, lies or vanishes.

python -m bench hostile                 everything
python -m bench hostile --quick         a sample
python -m bench hostile --only "NAME"   the inputs whose names contain NAME, and all that they said
"""

import argparse
import json
import multiprocessing
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bench import (
    hostile_contents,
    hostile_folders,
    hostile_images,
    hostile_params,
    hostile_sounds,
    hostile_strings,
    hostile_tables,
    report,
)
from bench.hostile_workplace import CPU_SECONDS, MEGABYTES, Hostile, Result, try_input

SOURCES = (
    hostile_tables,
    hostile_strings,
    hostile_contents,
    hostile_folders,
    hostile_images,
    hostile_sounds,
    hostile_params,
)
QUICK = 60
PROCESSES = 2
HEADER = ("group", "inputs", "refused in one line", "rows dropped", "rows kept", "faults", "longest CPU-s", "most MB")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hostile")
    group.add_argument("--only", metavar="NAME", help="only hostile inputs whose names contain this")
    group.add_argument("--quick", action="store_true", help="a sample of the hostile inputs")


def all_inputs() -> list[Hostile]:
    """All named inputs; a name is that of one input.

    Raises:
        RuntimeError: two inputs have one name.
    """
    inputs = [hostile for module in SOURCES for hostile in module.inputs()]
    twice = [name for name, count in Counter(hostile.name for hostile in inputs).items() if count > 1]
    if twice:
        raise RuntimeError(f"two hostile inputs are called {twice[0]!r}")
    return inputs


def sample(inputs: Sequence[Hostile], count: int) -> list[Hostile]:
    """Inputs from all groups, the same in every run."""
    return [inputs[number * len(inputs) // count] for number in range(min(count, len(inputs)))]


def import_all() -> None:
    """Imports once what the stages use, so that each of their processes starts with it."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ |= {"HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    import cleanlab.filter
    import datasets
    import ftfy
    import pandas
    import py3langid
    import sklearn.linear_model
    import soundfile

    from stages import augment, clean, collect, dedupe, label_audit, leaks, outliers, split
    from stages import report as report_stage
    from tools import trace


_inputs: list[Hostile] = []  # of the processes that are forked from this one


def try_number(number: int) -> Result:
    hostile = _inputs[number]
    return try_input(hostile, hostile_params.base_params(hostile.base))


def results_of(inputs: Sequence[Hostile]) -> Iterator[Result]:
    """The results, as they come; the processes fork for each stage of each input."""
    _inputs[:] = inputs
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        yield from pool.imap_unordered(try_number, range(len(inputs)))


def summary_of(group: str, results: Sequence[Result]) -> tuple[Any, ...]:
    return (
        group,
        str(len(results)),
        str(sum(result.refused for result in results)),
        f"{sum(result.dropped for result in results):,}",
        f"{sum(result.kept for result in results):,}",
        str(sum(bool(result.faults) for result in results)),
        max(result.cpu_seconds for result in results),
        f"{max(result.peak_mb for result in results):,.0f}",
    )


def main(arguments: argparse.Namespace) -> None:
    import_all()
    inputs = all_inputs()
    if arguments.only:
        inputs = [hostile for hostile in inputs if arguments.only in f"{hostile.group}: {hostile.name}"]
    elif arguments.quick:
        inputs = sample(inputs, QUICK)
    results = []
    for result in results_of(inputs):
        results.append(result)
        if arguments.only:
            print(f"{result.name}\n  {result.message[:3_000]!r}\n  {json.dumps(vars(result) | {'message': ''})}")
        for fault in result.faults:
            print(f"FAULT {result.group}: {result.name}: {fault}", flush=True)
    groups = sorted({result.group for result in results})
    table = [summary_of(group, [result for result in results if result.group == group]) for group in groups]
    table.append(summary_of("all", results))
    faulty = [result.name for result in results if result.faults]
    summary = f"{len(results)} inputs, {len(faulty)} with faults (limits: {CPU_SECONDS} CPU-s, {MEGABYTES:,} MB)"
    report("hostile", HEADER, table, summary, {"results": [vars(result) for result in results]})
    if faulty:
        raise RuntimeError(f"{len(faulty)} hostile inputs are not handled: {', '.join(faulty)}")
