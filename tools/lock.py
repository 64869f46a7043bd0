"""Writes versions and hashes of packages into constraints.txt; `make lock` runs it where uv is installed.

A version stays as it is if it still fits; delete constraints.txt first for the newest ones. What only the CUDA build
of torch needs on Linux goes into constraints-cuda.txt, since other builds of torch do without these gigabytes.
constraints-cpu.txt, the other build that `make setup` takes where pip finds it on the disk, is written by hand.
"""

import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

REQUIREMENTS, CONSTRAINTS, CUDA = Path("requirements.txt"), Path("constraints.txt"), Path("constraints-cuda.txt")
BENCH_REQUIREMENTS, BENCH = Path("bench/requirements.txt"), Path("bench/constraints.txt")
OLDEST_PYTHON = "3.11"
HEADER = "# Written by `make lock` out of {}: every package, with the hashes of all its files on PyPI.\n"


@dataclass(frozen=True)
class Pin:
    """A package in a lock."""

    name: str
    version: str
    marker: str  # where it is needed; empty if everywhere
    hashes: frozenset[str]  # such as sha256:0a1b...
    needed_by: frozenset[str]  # names of packages, or `-r file`

    def lines(self) -> str:
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = "".join(f" \\\n    --hash={value}" for value in sorted(self.hashes))
        return f"{self.name}=={self.version}{marker}{hashes}\n"


def parse(text: str) -> list[Pin]:
    """The packages of a lock that uv or this module wrote."""
    pins = []
    for block in re.split(r"\n(?=[A-Za-z0-9])", "\n" + text)[1:]:
        entry, *more = block.splitlines()
        found = re.fullmatch(r"([A-Za-z0-9._-]+)==([^ ;]+)(?: ; (.+?))?(?: \\)?", entry.rstrip())
        if found is None:
            raise ValueError(f"lock: {entry!r} is no pinned package")
        hashes = frozenset(re.findall(r"--hash=(\S+)", block))
        vias = [re.sub(r"^ *# *(via *)?", "", line) for line in more if line.lstrip().startswith("#")]
        needed_by = frozenset(name.strip() for line in vias for name in line.split(",") if name.strip())
        pins.append(Pin(found[1], found[2], found[3] or "", hashes, needed_by))
    return pins


def of_cuda(pins: Iterable[Pin]) -> set[str]:
    """The names of the packages that only the CUDA build of torch needs: on Linux only, by torch or by each other."""
    pins = [pin for pin in pins if "sys_platform == 'linux'" in pin.marker]
    names = {pin.name for pin in pins}
    while outside := {pin.name for pin in pins if pin.name in names and not pin.needed_by <= names | {"torch"}}:
        names -= outside
    return names


def resolve(requirements: Path, out: Path, known: Iterable[Path], *options: str) -> list[Pin]:
    """What uv finds for all platforms and Pythons; it prefers the versions in the locks `known`."""
    out.parent.mkdir(parents=True, exist_ok=True)
    pins = chain.from_iterable(parse(path.read_text(encoding="utf-8")) for path in known if path.exists())
    # Without hashes, as uv would copy them, also those that PyPI does not have.
    out.write_text("".join(replace(pin, hashes=frozenset()).lines() for pin in pins), encoding="utf-8")
    command = [
        *(str(Path(sys.executable).parent / "uv"), "pip", "compile", "--quiet", "--no-header", "--generate-hashes"),
        *("--universal", "--python-version", OLDEST_PYTHON, "--annotation-style", "split"),
        *(str(requirements), "--output-file", str(out), *options),
    ]
    subprocess.run(command, check=True)  # noqa: S603 - no shell, and no input of users
    return [pin for pin in parse(out.read_text(encoding="utf-8")) if not pin.marker.endswith("== 'emscripten'")]


def write(path: Path, source: str, pins: Iterable[Pin]) -> None:
    lines = "".join(pin.lines() for pin in pins)
    path.write_text(HEADER.format(source) + lines, encoding="utf-8")


def main() -> None:
    pins = resolve(REQUIREMENTS, Path("build/lock/all.txt"), [CONSTRAINTS, CUDA])
    cuda = of_cuda(pins)
    write(CONSTRAINTS, str(REQUIREMENTS), [pin for pin in pins if pin.name not in cuda])
    write(CUDA, f"{REQUIREMENTS}, for the CUDA build of torch", [pin for pin in pins if pin.name in cuda])
    names = {pin.name for pin in pins}
    more = resolve(BENCH_REQUIREMENTS, Path("build/lock/bench.txt"), [BENCH], "--constraint", "build/lock/all.txt")
    write(BENCH, str(BENCH_REQUIREMENTS), [pin for pin in more if pin.name not in names])


if __name__ == "__main__":
    main()
