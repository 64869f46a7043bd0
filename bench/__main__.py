"""Runs all benchmarks, or only those that are named: `python -m bench [NAME...]`."""

import argparse
import sys
from types import ModuleType

from bench import (
    audit,
    copies,
    duplicates,
    embed,
    finetune,
    incremental,
    kills,
    lexical,
    million,
    noop,
    outliers,
    photos,
    story,
    texts,
    uncleaned,
)
from bench.hostile import run as hostile
from stages.core.errors import InputError

BENCHMARKS: dict[str, ModuleType] = {
    "finetune": finetune,
    "noop": noop,
    "incremental": incremental,
    "million": million,
    "embed": embed,
    "texts": texts,
    "duplicates": duplicates,
    "copies": copies,
    "outliers": outliers,
    "audit": audit,
    "photos": photos,
    "story": story,
    "hostile": hostile,
    "lexical": lexical,
    "kills": kills,
    "uncleaned": uncleaned,
}
WITH_ARGUMENTS = (finetune, embed, million, duplicates, copies, photos, outliers, story, hostile, kills, uncleaned)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ", ".join(BENCHMARKS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{names} (default: all)")
    for benchmark in WITH_ARGUMENTS:
        benchmark.add_arguments(parser)
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark {name!r}; choose from {names}")
    failed = False
    for name in arguments.names or BENCHMARKS:
        try:
            BENCHMARKS[name].main(arguments)
        except (InputError, RuntimeError) as error:
            print(f"bench {name}: error: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
