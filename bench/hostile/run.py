"""Hostile data: named inputs, mutated media and random texts. Nothing crashes, hangs, grows, lies or vanishes.

python -m bench hostile                 everything
python -m bench hostile --quick         a sample
python -m bench hostile --only "NAME"   the inputs whose names contain NAME, and what the stages said
"""

import argparse
import importlib
import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench import report
from bench.hostile import folders, images, mutations, params, slow_texts, sounds, strings, tables
from bench.hostile.mutations import Content, try_batch
from bench.hostile.process import CPU_SECONDS, MEGABYTES
from bench.hostile.workplace import Hostile, Result, try_input

SOURCES = (
    tables,
    strings,
    slow_texts,
    folders,
    images,
    sounds,
    params,
)
FILES, TEXTS = 5_000, 5_000
QUICK = 60
BATCH = 100  # contents that one process cleans
PROCESSES = 2
STRIDE = 29  # neighbours are alike, so they are tried one after the other only at the end
# What the stages import, so that each of their processes starts with it.
LIBRARIES = (
    "cleanlab.filter",
    "datasets",
    "encodings.utf_8_sig",
    "ftfy",
    "pandas",
    "py3langid",
    "sklearn.linear_model",
    "soundfile",
)
STAGES = ("augment", "clean", "collect", "dedupe", "label_audit", "leaks", "outliers", "report", "split")
HEADER = ("group", "inputs", "refused in one line", "rows dropped", "rows kept", "faults", "longest CPU-s", "most MB")
Job = Callable[[], list[Result]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("hostile")
    group.add_argument("--only", metavar="NAME", help="only hostile inputs whose groups and names contain this")
    group.add_argument("--quick", action="store_true", help="a sample of the hostile inputs")


def named_inputs() -> list[Hostile]:
    """All named inputs.

    Raises:
        RuntimeError: two inputs have one name.
    """
    inputs = [hostile for module in SOURCES for hostile in module.inputs()]
    twice = [name for name, count in Counter(hostile.name for hostile in inputs).items() if count > 1]
    if twice:
        raise RuntimeError(f"two hostile inputs are called {twice[0]!r}")
    return [inputs[number] for start in range(STRIDE) for number in range(start, len(inputs), STRIDE)]


def sample(things: Sequence[Any], count: int) -> list[Any]:
    """Some of all kinds, the same in every run."""
    return [things[number * len(things) // count] for number in range(min(count, len(things)))]


def import_all() -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.dont_write_bytecode = True
    for name in (*LIBRARIES, *(f"stages.{stage}" for stage in STAGES), "tools.trace"):
        importlib.import_module(name)


def try_named(hostile: Hostile) -> list[Result]:
    return [try_input(hostile, params.base_params(hostile.base))]


def try_contents(contents: Sequence[Content]) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        return list(try_batch(contents, Path(folder) / "workplace"))


def jobs_of(inputs: Sequence[Hostile], contents: Sequence[Content]) -> list[Job]:
    batches = [contents[start : start + BATCH] for start in range(0, len(contents), BATCH)]
    return [partial(try_contents, batch) for batch in batches] + [partial(try_named, hostile) for hostile in inputs]


_jobs: list[Job] = []  # of the processes that are forked from this one: a job holds functions, which cannot be sent


def do_job(number: int) -> list[Result]:
    return _jobs[number]()


def results_of(jobs: Sequence[Job]) -> Iterator[Result]:
    """The results, as they come; the processes that do the jobs fork once more for each stage."""
    _jobs[:] = jobs
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        for results in tqdm(pool.imap_unordered(do_job, range(len(jobs))), total=len(jobs), disable=None):
            yield from results


def row_of(group: str, results: Sequence[Result]) -> tuple[Any, ...]:
    """The counts of a group. Contents share processes, whose memory is not that of one."""
    peak_mb = max(result.peak_mb for result in results)
    return (
        group,
        f"{len(results):,}",
        f"{sum(result.refused for result in results):,}",
        f"{sum(result.dropped for result in results):,}",
        f"{sum(result.kept for result in results):,}",
        str(sum(bool(result.faults) for result in results)),
        max(result.cpu_seconds for result in results),
        f"{peak_mb:,.0f}" if peak_mb else "",
    )


def main(arguments: argparse.Namespace) -> None:
    import_all()
    inputs, contents = named_inputs(), list(mutations.all_contents(FILES, TEXTS))
    if arguments.only:
        inputs = [hostile for hostile in inputs if arguments.only in f"{hostile.group}: {hostile.name}"]
        contents = [content for content in contents if arguments.only in f"{content.group}: {content.name}"]
    elif arguments.quick:
        inputs, contents = sample(inputs, QUICK), sample(contents, 5 * QUICK)
    results = []
    for result in results_of(jobs_of(inputs, contents)):
        results.append(result)
        if arguments.only:
            print(f"{result.group}: {result.name}\n    {result.message[:2_000]!r}")
        for fault in result.faults:
            tqdm.write(f"FAULT {result.group}: {result.name}: {fault}")
    if not results:
        raise RuntimeError(f"no hostile input is called {arguments.only!r}")
    groups = sorted({result.group for result in results})
    table = [row_of(group, [result for result in results if result.group == group]) for group in groups]
    table.append(row_of("all", results))
    faulty = sorted({result.name for result in results if result.faults})
    summary = f"{len(results):,} inputs, {len(faulty)} with faults (limits: {CPU_SECONDS} CPU-s, {MEGABYTES:,} MB)"
    report("hostile", HEADER, table, summary, {"results": [vars(result) for result in results]})
    if faulty:
        raise RuntimeError("hostile inputs that are not handled:" + "".join(f"\n  {name}" for name in faulty))
