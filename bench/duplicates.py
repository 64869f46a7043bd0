"""Duplicates: how the cost of dedupe grows with the rows, and its near-duplicate texts beside datasketch's MinHashLSH.

The truth is an exact join: all pairs of different texts with a Jaccard coefficient of character 5-grams of at least
0.7. Each method gets the same texts in a process of its own; the CPU seconds are those from texts to pairs. The
approximate search of faiss (HNSW) is compared with the exact one that it replaces for many vectors.
"""

import argparse
import csv
import os
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import combinations
from math import ceil
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench import Usage, copy_project, report, run_measured, write_text_params
from bench.million import synthetic_rows
from stages.clean import VERDICT
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import new_table, row_schema
from stages.duplicates import vector_index
from stages.duplicates.index import Signatures, clear_unshared
from stages.duplicates.near_duplicates import VectorFinder
from stages.modalities.text import compare

THRESHOLD = 0.7
SIZES = (10_000, 100_000, 1_000_000)
N_VECTORS, DIM = 20_000, 384
TARGET_RATIO = 5  # times as fast as datasketch
Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Join:
    """The pairs of similar texts that a method finds."""

    pairs: Pairs
    cpu_seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("duplicates")
    group.add_argument(
        "--duplicate-rows",
        type=int,
        nargs="+",
        default=SIZES,
        help="numbers of rows (default: 10000 100000 1000000)",
    )
    group.add_argument(
        "--external",
        type=Path,
        default=Path("data/external"),
        metavar="FOLDER",
        help="the folder with the presets' data sets (default: %(default)s)",
    )


# --- growth ---


def write_cleaned(folder: Path, n_rows: int) -> None:
    schema = row_schema(pa.string(), pa.string())
    with (
        new_table(folder / paths.CLEANED, schema) as cleaned,
        new_table(folder / paths.CLEAN_VERDICTS, VERDICT) as verdicts,
    ):
        for number, (text, label) in enumerate(synthetic_rows(n_rows)):
            id = f"{number:032x}"
            cleaned.write_row({"id": id, "content": text, "label": label})
            verdicts.write_row({"id": id, "keep": True, "reviewed": False})


def run_size(n_rows: int) -> Usage:
    changes = {"dedupe": {"near": True, "near_threshold": THRESHOLD}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        write_cleaned(folder, n_rows)
        write_text_params(folder / "params.yaml", "none", ("text", "label"), changes)
        return run_measured(["-m", "stages.dedupe"], folder)


def exponent(sizes: Sequence[int], costs: Sequence[float]) -> float:
    """The slope of the costs over the sizes, both logarithmic: 1 is linear growth."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def growth(sizes: Sequence[int]) -> None:
    usages = {n_rows: run_size(n_rows) for n_rows in sizes}
    of_cpu = exponent(sizes, [usage.cpu_seconds for usage in usages.values()])
    of_memory = exponent(sizes, [usage.peak_mb for usage in usages.values()])
    table = []
    for n_rows, usage in usages.items():
        rate = n_rows / usage.cpu_seconds
        table.append((f"{n_rows:,}", usage.seconds, usage.cpu_seconds, f"{rate:,.0f}", f"{usage.peak_mb:,.0f}"))
    summary = f"CPU seconds grow as rows to the power of {of_cpu:.2f}, memory to that of {of_memory:.2f}"
    result = {
        "exponents": {"cpu_seconds": of_cpu, "peak_mb": of_memory},
        "sizes": {n_rows: asdict(usage) for n_rows, usage in usages.items()},
    }
    report("duplicates_growth", ("rows", "seconds", "CPU s", "rows/CPU s", "peak MB"), table, summary, result)


# --- pairs of texts ---


def agnews(folder: Path) -> Iterator[str]:
    for name in ("train.csv", "test.csv"):
        with (folder / "noisy_agnews" / name).open(encoding="utf-8", newline="") as file:
            yield from (row["text"] for row in csv.DictReader(file))


def sms_spam(folder: Path) -> Iterator[str]:
    with (folder / "sms_spam" / "sms.tsv").open(encoding="utf-8", newline="") as file:
        yield from (line.rstrip("\n").split("\t", 1)[1] for line in file)


def distinct(texts: Iterable[str]) -> list[str]:
    """The first of each group of exact duplicates: those have equal keys and are no task for a near search."""
    first: dict[bytes, str] = {}
    for text in texts:
        first.setdefault(compare.exact_key(text), text)
    return list(first.values())


def exact_join(texts: Sequence[str]) -> Join:
    """All pairs at the threshold, by prefix filtering (Chaudhuri, Ganti & Kaushik 2006).

    Two similar sets share one of the rarest members of each.
    """
    started = time.process_time()
    sets = list(map(compare.fingerprint, texts))
    frequency = Counter(shingle for shingles in sets for shingle in shingles)
    rows_with: defaultdict[str, list[int]] = defaultdict(list)
    pairs: Pairs = set()
    for row, shingles in enumerate(sets):
        n_rarest = len(shingles) - ceil(THRESHOLD * len(shingles)) + 1
        rarest = sorted(shingles, key=lambda shingle: (frequency[shingle], shingle))[:n_rarest]
        candidates = {other for shingle in rarest for other in rows_with[shingle]}
        pairs |= {(other, row) for other in candidates if compare.similarity(shingles, sets[other]) >= THRESHOLD}
        for shingle in rarest:
            rows_with[shingle].append(row)
    return Join(pairs, time.process_time() - started)


def ours(texts: Sequence[str]) -> Join:
    started = time.process_time()
    buckets = compare.signatures(texts, THRESHOLD)
    clear_unshared(buckets)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for row in np.flatnonzero(buckets.any(axis=1)).tolist():
        for bucket in buckets[row][buckets[row] != 0].tolist():
            members[bucket].append(row)
    candidates = {pair for rows in members.values() for pair in combinations(rows, 2)}
    sets = {row: compare.fingerprint(texts[row]) for pair in candidates for row in pair}
    pairs = {(one, other) for one, other in candidates if compare.similarity(sets[one], sets[other]) >= THRESHOLD}
    return Join(pairs, time.process_time() - started)


def datasketch(texts: Sequence[str]) -> Join:
    """As in its documentation: the default 128 permutations and bands, and the candidates of the index as pairs."""
    from datasketch import MinHash, MinHashLSH

    started = time.process_time()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    pairs: Pairs = set()
    for row, text in enumerate(texts):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in compare.fingerprint(text)])
        pairs.update((other, row) for other in index.query(sketch))
        index.insert(row, sketch)
    return Join(pairs, time.process_time() - started)


def in_a_process(method: Callable[[Sequence[str]], Join], texts: Sequence[str]) -> Join:
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(method, texts).result()
        except ImportError as error:
            raise InputError(
                f"{error.name} is not installed: pip install -r bench/requirements.txt --constraint constraints.txt"
            ) from error


def peers(folder: Path) -> None:
    table, result, ratios = [], {}, {}
    for read in (agnews, sms_spam):
        source = read.__name__
        texts = distinct(read(folder))
        joins = {method.__name__: in_a_process(method, texts) for method in (ours, datasketch, exact_join)}
        truth = joins["exact_join"].pairs
        for method, join in joins.items():
            n_right, n_pairs = len(join.pairs & truth), len(join.pairs)
            recall, precision = n_right / len(truth), n_right / max(1, n_pairs)
            scores = {"recall": recall, "precision": precision, "cpu_seconds": join.cpu_seconds}
            result[f"{source} {method}"] = scores
            row = (source, method, f"{len(texts):,}", n_pairs, f"{recall:.3f}", f"{precision:.3f}", join.cpu_seconds)
            table.append(row)
        ratios[source] = joins["datasketch"].cpu_seconds / joins["ours"].cpu_seconds
    speeds = ", ".join(f"{ratio:.1f} times as fast on {source}" for source, ratio in ratios.items())
    header = ("texts", "method", "rows", "pairs", "recall", "precision", "CPU s")
    summary = f"{speeds} (target: {TARGET_RATIO})"
    report("duplicates_peers", header, table, summary, {"target": TARGET_RATIO, "ratios": ratios, **result})


# --- vectors ---


def drop_by_vectors(vectors: np.ndarray, flat_rows: int) -> tuple[set[int], float]:
    """The rows that dedupe would drop and its CPU seconds; the search is exact up to `flat_rows`."""
    vector_index.FLAT_ROWS = flat_rows
    started = time.process_time()
    order = np.arange(len(vectors))
    finder = VectorFinder(Signatures(vectors, order), order, vector_index.cosine, 0.95, "semantic")
    dropped = set()
    for row in order.tolist():
        if finder.matches(row):
            dropped.add(row)
        else:
            finder.add(row)
    return dropped, time.process_time() - started


def graph(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n_rows, DIM))
    copies = rng.choice(n_rows, n_rows // 10, replace=False)
    noise = rng.normal(0, 0.2, (len(copies), DIM))
    vectors[copies] = vectors[rng.choice(n_rows, len(copies))] + noise
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    truth, flat_seconds = drop_by_vectors(vectors, n_rows)
    dropped, graph_seconds = drop_by_vectors(vectors, 0)
    recall = len(dropped & truth) / len(truth)
    table = [("flat", len(truth), "1.000", flat_seconds), ("HNSW", len(dropped), f"{recall:.3f}", graph_seconds)]
    summary = f"of {n_rows:,} random vectors, a tenth of which are near copies"
    result = {"rows": n_rows, "flat": flat_seconds, "graph": graph_seconds}
    report("duplicates_vectors", ("search", "dropped", "recall", "CPU s"), table, summary, result)


def main(arguments: argparse.Namespace) -> None:
    peers(arguments.external)
    graph(N_VECTORS)
    growth(sorted(arguments.duplicate_rows))
