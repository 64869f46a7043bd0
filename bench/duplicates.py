"""Duplicates: how the cost of dedupe grows with the rows, and its near pairs of texts beside datasketch's MinHashLSH.

Truth is an exact join: all pairs of different texts whose Jaccard coefficient of character 5-grams is 0.7 or more. Both sides get the same texts, in a
process each; counted are their CPU seconds from text to pairs. Vectors are compared with the flat search that the graph of faiss stands in for.
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
from stages.duplicates import neighbours
from stages.duplicates.finders import VectorFinder
from stages.duplicates.index import Signatures, clear_unshared
from stages.modalities.text import compare

THRESHOLD = 0.7
SIZES = (10_000, 100_000, 1_000_000)
VECTORS = 20_000
BAR = 5
Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Found:
    pairs: Pairs
    cpu_seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("duplicates")
    group.add_argument(
        "--duplicate-rows",
        type=int,
        nargs="+",
        default=SIZES,
        help="sizes to run, the smallest first (default: 10000 100000 1000000)",
    )
    group.add_argument(
        "--external",
        type=Path,
        default=Path("data/external"),
        metavar="FOLDER",
        help="holds the presets' data sets (default: %(default)s)",
    )


# --- growth ---


def write_cleaned(folder: Path, n_rows: int) -> None:
    rows = (
        {"id": f"{number:032x}", "content": text, "label": label}
        for number, (text, label) in enumerate(synthetic_rows(n_rows))
    )
    schema = row_schema(pa.string(), pa.string())
    with (
        new_table(folder / paths.CLEANED, schema) as cleaned,
        new_table(folder / paths.CLEAN_VERDICTS, VERDICT) as verdicts,
    ):
        for row in rows:
            cleaned.write_row(row)
            verdicts.write_row({"id": row["id"], "keep": True, "reviewed": False})


def run_size(n_rows: int) -> Usage:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        write_cleaned(folder, n_rows)
        write_text_params(
            folder / "params.yaml", "none", ("text", "label"), {"dedupe": {"near": True, "near_threshold": THRESHOLD}}
        )
        return run_measured(["-m", "stages.dedupe"], folder)


def growth(sizes: Sequence[int]) -> None:
    used = {n_rows: run_size(n_rows) for n_rows in sizes}
    exponents = {
        name: float(np.polyfit(np.log(sizes), np.log([getattr(one, name) for one in used.values()]), 1)[0])
        for name in ("cpu_seconds", "peak_mb")
    }
    table = [
        (f"{n_rows:,}", one.seconds, one.cpu_seconds, f"{n_rows / one.cpu_seconds:,.0f}", f"{one.peak_mb:,.0f}")
        for n_rows, one in used.items()
    ]
    summary = (
        f"CPU seconds grow as rows to the power of {exponents['cpu_seconds']:.2f}, memory as {exponents['peak_mb']:.2f}"
    )
    header = ("rows", "seconds", "CPU s", "rows/CPU s", "peak MB")
    report(
        "duplicates_growth",
        header,
        table,
        summary,
        {"exponents": exponents, "sizes": {n_rows: asdict(one) for n_rows, one in used.items()}},
    )


# --- pairs of texts ---


def agnews(folder: Path) -> Iterator[str]:
    for name in ("train.csv", "test.csv"):
        with (folder / "noisy_agnews" / name).open(encoding="utf-8", newline="") as file:
            yield from (row["text"] for row in csv.DictReader(file))


def sms_spam(folder: Path) -> Iterator[str]:
    with (folder / "sms_spam" / "sms.tsv").open(encoding="utf-8", newline="") as file:
        yield from (line.rstrip("\n").split("\t", 1)[1] for line in file)


def distinct(texts: Iterable[str]) -> list[str]:
    """Of those that say the same, the first: these are found by their keys."""
    return list({compare.exact_key(text): text for text in reversed(list(texts))}.values())[::-1]


def exact_join(texts: Sequence[str]) -> Found:
    """All pairs at the threshold: two such sets share one of the rarest members of each (prefix filtering, Chaudhuri, Ganti & Kaushik 2006)."""
    started = time.process_time()
    sets = list(map(compare.fingerprint, texts))
    frequency = Counter(shingle for one in sets for shingle in one)
    rows_with: defaultdict[str, list[int]] = defaultdict(list)
    pairs: Pairs = set()
    for row, one in enumerate(sets):
        rarest = sorted(one, key=lambda shingle: (frequency[shingle], shingle))[
            : len(one) - ceil(THRESHOLD * len(one)) + 1
        ]
        for other in {other for shingle in rarest for other in rows_with[shingle]}:
            if compare.similarity(one, sets[other]) >= THRESHOLD:
                pairs.add((other, row))
        for shingle in rarest:
            rows_with[shingle].append(row)
    return Found(pairs, time.process_time() - started)


def ours(texts: Sequence[str]) -> Found:
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
    return Found(pairs, time.process_time() - started)


def datasketch(texts: Sequence[str]) -> Found:
    """As its documentation has it: the default 128 permutations, bands as it chooses them, and what the index returns."""
    from datasketch import MinHash, MinHashLSH

    started = time.process_time()
    index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
    pairs: Pairs = set()
    for row, text in enumerate(texts):
        sketch = MinHash(num_perm=128)
        sketch.update_batch([shingle.encode() for shingle in compare.fingerprint(text)])
        pairs.update((other, row) for other in index.query(sketch))
        index.insert(row, sketch)
    return Found(pairs, time.process_time() - started)


def in_a_process(method: Callable[[Sequence[str]], Found], texts: Sequence[str]) -> Found:
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(method, texts).result()
        except ImportError as error:
            raise InputError(
                f"{error.name} is not installed: pip install -r bench/requirements.txt --constraint constraints.txt"
            ) from error


def peers(folder: Path) -> None:
    table, facts = [], {}
    for read in (agnews, sms_spam):
        texts = distinct(read(folder))
        truth = in_a_process(exact_join, texts)
        found = {method.__name__: in_a_process(method, texts) for method in (ours, datasketch)}
        for name, one in {**found, "exact_join": truth}.items():
            right = len(one.pairs & truth.pairs)
            figures = {
                "recall": right / len(truth.pairs),
                "precision": right / max(1, len(one.pairs)),
                "cpu_seconds": one.cpu_seconds,
            }
            facts[f"{read.__name__} {name}"] = figures
            table.append(
                (
                    read.__name__,
                    name,
                    f"{len(texts):,}",
                    len(one.pairs),
                    f"{figures['recall']:.3f}",
                    f"{figures['precision']:.3f}",
                    one.cpu_seconds,
                )
            )
    ratios = {
        read.__name__: facts[f"{read.__name__} datasketch"]["cpu_seconds"]
        / facts[f"{read.__name__} ours"]["cpu_seconds"]
        for read in (agnews, sms_spam)
    }
    summary = f"{', '.join(f'{ratio:.1f} times as fast on {name}' for name, ratio in ratios.items())} (bar: {BAR})"
    report(
        "duplicates_peers",
        ("texts", "method", "rows", "pairs", "recall", "precision", "CPU s"),
        table,
        summary,
        {"bar": BAR, "ratios": ratios, **facts},
    )


# --- vectors ---


def drop_by_vectors(vectors: np.ndarray, flat_rows: int) -> tuple[set[int], float]:
    neighbours.FLAT_ROWS = flat_rows
    started = time.process_time()
    order = np.arange(len(vectors))
    finder = VectorFinder(Signatures(vectors, order), order, neighbours.cosine, 0.95, "semantic")
    dropped = set()
    for row in order.tolist():
        if finder.match(row):
            dropped.add(row)
        else:
            finder.add(row)
    return dropped, time.process_time() - started


def graph(n_rows: int) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(n_rows, 384))
    copies = rng.choice(n_rows, n_rows // 10, replace=False)
    vectors[copies] = vectors[rng.choice(n_rows, len(copies))] + rng.normal(0, 0.2, (len(copies), 384))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    (truth, flat), (found, approximate) = drop_by_vectors(vectors, n_rows), drop_by_vectors(vectors, 0)
    table = [
        ("flat", len(truth), "1.000", flat),
        ("HNSW", len(found), f"{len(found & truth) / len(truth):.3f}", approximate),
    ]
    summary = f"of {n_rows:,} random vectors, a tenth of them near copies"
    report(
        "duplicates_vectors",
        ("search", "dropped", "recall", "CPU s"),
        table,
        summary,
        {"rows": n_rows, "flat": flat, "graph": approximate},
    )


def main(arguments: argparse.Namespace) -> None:
    peers(arguments.external)
    graph(VECTORS)
    growth(sorted(arguments.duplicate_rows))
