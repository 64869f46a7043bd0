"""Up to a million rows: time and peak memory of the stages that read every row, on short synthetic texts.

Only the number of rows differs between the sizes, so a growth of memory near 1 shows that it is bounded by one part.
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
SHORT = (5, 15)  # the smallest and the largest number of words of a text
TARGET_MB = 2_000
TARGET_GROWTH = 5  # for ten times the rows
LABELS = ("bread", "fruit", "meat", "tea")
SYLLABLES = [consonant + vowel for consonant in "bdfghklmnprstv" for vowel in "aeiou"]
VOCABULARY = 20_000
POOL = 10_000  # earlier rows that may be repeated


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("million")
    group.add_argument("--rows", type=int, nargs="+", default=SIZES, help="numbers of rows (default: 100000 1000000)")


def synthetic_rows(n_rows: int, length: tuple[int, int] = SHORT) -> Iterator[tuple[str, str]]:
    """Texts and labels. 5% of the texts repeat an earlier one, 5% differ from an earlier one in a letter."""
    rng = random.Random(0)
    words = vocabulary(rng)
    # Zipf's law: a few words make up most of a text.
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    pool: list[tuple[str, str]] = []
    for _ in range(n_rows):
        chance = rng.random()
        if pool and chance < 0.1:
            text, label = rng.choice(pool)
            yield (text if chance < 0.05 else with_one_letter_changed(text, rng)), label
            continue
        row = " ".join(rng.choices(words, cum_weights=weights, k=rng.randint(*length))), rng.choice(LABELS)
        if len(pool) < POOL:
            pool.append(row)
        else:
            pool[rng.randrange(POOL)] = row
        yield row


def vocabulary(rng: random.Random) -> list[str]:
    """Made-up words of one to four syllables, the shortest first."""
    words = {"".join(rng.choices(SYLLABLES, k=rng.randint(1, 4))) for _ in range(2 * VOCABULARY)}
    return sorted(words, key=lambda word: (len(word), word))[:VOCABULARY]


def with_one_letter_changed(text: str, rng: random.Random) -> str:
    index = rng.randrange(len(text))
    return text[:index] + rng.choice("aeiou") + text[index + 1 :]


def write_csv(path: Path, n_rows: int, length: tuple[int, int] = SHORT) -> None:
    """Writes synthetic rows; a file of fewer rows is the start of one of more."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(synthetic_rows(n_rows, length))


@contextmanager
def project_of(n_rows: int) -> Iterator[Path]:
    """A temporary copy of the project with synthetic rows, whose params search for near duplicates."""
    changes = {"dedupe": {"near": True, "near_threshold": 0.7}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "project"
        copy_project(folder)
        write_csv(folder / "data" / "synthetic.csv", n_rows)
        write_text_params(folder / "params.yaml", "data/synthetic.csv", ("text", "label"), changes)
        yield folder


def run_size(n_rows: int) -> dict[str, Usage]:
    with project_of(n_rows) as folder:
        return {stage: run_measured(["-m", f"stages.{stage}"], folder) for stage in STAGES}


def main(arguments: argparse.Namespace) -> None:
    sizes = sorted(arguments.rows)
    usages = {n_rows: run_size(n_rows) for n_rows in sizes}
    smallest, largest = usages[sizes[0]], usages[sizes[-1]]
    table = []
    for stage in STAGES:
        for n_rows in sizes:
            usage = usages[n_rows][stage]
            rate, growth = n_rows / usage.cpu_seconds, usage.peak_mb / smallest[stage].peak_mb
            times = (usage.seconds, usage.cpu_seconds, f"{rate:,.0f}")
            table.append((stage, f"{n_rows:,}", *times, f"{usage.peak_mb:,.0f}", growth))
    peak = max(usage.peak_mb for usage in largest.values())
    growth = max(largest[stage].peak_mb / smallest[stage].peak_mb for stage in STAGES)
    summary = (
        f"peak {peak:,.0f} MB (target: {TARGET_MB:,}), which grows {growth:.1f} times "
        f"from {sizes[0]:,} to {sizes[-1]:,} rows (target: {TARGET_GROWTH} for 10 times)"
    )
    header = ("stage", "rows", "seconds", "CPU s", "rows/CPU s", "peak MB", "growth")
    result = {"peak_mb": peak, "growth": growth, "target_mb": TARGET_MB, "target_growth": TARGET_GROWTH}
    by_stage = {stage: {n_rows: asdict(usages[n_rows][stage]) for n_rows in sizes} for stage in STAGES}
    report("million", header, table, summary, {**result, "stages": by_stage})
