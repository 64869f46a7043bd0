"""Runs all benchmarks, or those that are named: `python -m bench [finetune] [noop] [million] [texts]`."""

import argparse
import sys
from types import ModuleType

from bench import finetune, million, noop, texts
from stages.errors import InputError

BENCHMARKS: dict[str, ModuleType] = {"finetune": finetune, "noop": noop, "million": million, "texts": texts}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(BENCHMARKS)}; all of them when none is named")
    finetune.add_arguments(parser)
    million.add_arguments(parser)
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
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
