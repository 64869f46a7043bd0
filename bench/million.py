"""Rows to the million: time and peak memory of the stages that read every row, on synthetic short texts.

Nothing but the rows grows from one size to the next, so memory that is bounded by a part shows as a growth near 1.
"""

import argparse
import csv
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path

from bench import Usage, copy_project, report, run_measured, write_text_params

SIZES = (100_000, 1_000_000)
STAGES = ("collect", "clean", "dedupe")
SHORT = (5, 15)  # words of a text
BAR_MB = 2_000
BAR_GROWTH = 5  # for ten times the rows
LABELS = ("bread", "fruit", "meat", "tea")
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstv" for vowel in "aeiou"]
VOCABULARY = 20_000
POOL = 10_000  # earlier rows that may come again


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("million")
    group.add_argument(
        "--rows", type=int, nargs="+", default=SIZES, help="sizes to run, the smallest first (default: 100000 1000000)"
    )


def synthetic_rows(n_rows: int, length: tuple[int, int] = SHORT) -> Iterator[tuple[str, str]]:
    """Texts of so many words and their labels; 5% say what an earlier row said, 5% nearly so."""
    rng = random.Random(0)
    words = sorted(
        {"".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(2 * VOCABULARY)},
        key=lambda word: (len(word), word),
    )[:VOCABULARY]
    weights = list(
        accumulate(1 / rank for rank in range(1, len(words) + 1))
    )  # Zipf's law: few words make most of a text
    pool: list[tuple[str, str]] = []
    for _ in range(n_rows):
        chance = rng.random()
        if pool and chance < 0.1:
            text, label = rng.choice(pool)
            yield (text if chance < 0.05 else one_letter_changed(text, rng)), label
            continue
        row = " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(*length))), rng.choice(LABELS)
        if len(pool) < POOL:
            pool.append(row)
        else:
            pool[rng.randrange(POOL)] = row
        yield row


def one_letter_changed(text: str, rng: random.Random) -> str:
    place = rng.randrange(len(text))
    return text[:place] + rng.choice("aeiou") + text[place + 1 :]


def write_csv(path: Path, n_rows: int, length: tuple[int, int] = SHORT) -> None:
    """The rows of fewer rows are the first of those of more."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(synthetic_rows(n_rows, length))


@contextmanager
def project_of(n_rows: int) -> Iterator[Path]:
    """A project with that many rows, near duplicates being looked for."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        write_csv(folder / "data" / "synthetic.csv", n_rows)
        write_text_params(
            folder / "params.yaml",
            "data/synthetic.csv",
            ("text", "label"),
            {"dedupe": {"near": True, "near_threshold": 0.7}},
        )
        yield folder


def run_size(n_rows: int) -> dict[str, Usage]:
    with project_of(n_rows) as folder:
        return {stage: run_measured(["-m", f"stages.{stage}"], folder) for stage in STAGES}


def main(arguments: argparse.Namespace) -> None:
    sizes = sorted(arguments.rows)
    used = {n_rows: run_size(n_rows) for n_rows in sizes}
    table = [
        (
            stage,
            f"{n_rows:,}",
            one.seconds,
            one.cpu_seconds,
            f"{n_rows / one.cpu_seconds:,.0f}",
            f"{one.peak_mb:,.0f}",
            one.peak_mb / used[sizes[0]][stage].peak_mb,
        )
        for stage in STAGES
        for n_rows, one in ((n_rows, used[n_rows][stage]) for n_rows in sizes)
    ]
    peak = max(one.peak_mb for one in used[sizes[-1]].values())
    growth = max(used[sizes[-1]][stage].peak_mb / used[sizes[0]][stage].peak_mb for stage in STAGES)
    summary = f"peak {peak:,.0f} MB (bar: {BAR_MB:,}), which grows {growth:.1f} times from {sizes[0]:,} to {sizes[-1]:,} rows (bar: {BAR_GROWTH} for 10 times)"
    header = ("stage", "rows", "seconds", "CPU s", "rows/CPU s", "peak MB", "growth")
    facts = {"peak_mb": peak, "growth": growth, "bar_mb": BAR_MB, "bar_growth": BAR_GROWTH}
    measured = {stage: {n_rows: asdict(used[n_rows][stage]) for n_rows in sizes} for stage in STAGES}
    report("million", header, table, summary, {**facts, "stages": measured})
