"""constraints*.txt: each package with hashes, and nothing that CUDA needs where torch does without."""

import re
from pathlib import Path

import pytest

from tests.tiny import ROOT
from tools.lock import BENCH, CONSTRAINTS, CUDA, Pin, of_cuda, parse

LOCKS = (CONSTRAINTS, CUDA, BENCH, Path("constraints-cpu.txt"))


def pins(path: Path) -> list[Pin]:
    return parse((ROOT / path).read_text())


def required(path: str) -> dict[str, str]:
    """The version of each package in a file that people write."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / path).read_text().splitlines())
    return {normal(name): version for name, version in (line.split("==") for line in lines if line)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", LOCKS, ids=str)
def test_every_package_has_a_version_and_hashes(path: Path) -> None:
    lines = (ROOT / path).read_text().splitlines()
    assert len(pins(path)) == sum(not line.startswith((" ", "#")) for line in lines)
    for pin in pins(path):
        assert pin.hashes, f"{path}: {pin.name}"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in pin.hashes), f"{path}: {pin.name}"


@pytest.mark.parametrize(("written", "path"), [("requirements.txt", CONSTRAINTS), ("bench/requirements.txt", BENCH)])
def test_the_lock_has_what_is_required_in_the_same_versions(written: str, path: Path) -> None:
    locked = {normal(pin.name): pin.version for pin in pins(path)}
    wanted = required(written)
    assert {name: locked.get(name) for name in wanted} == wanted, "run `make lock`"


def test_the_other_build_of_torch_has_the_same_version() -> None:
    """Else `make setup` would install one version over the other."""
    (other,) = pins(Path("constraints-cpu.txt"))
    assert (other.name, other.version.partition("+")[0]) == ("torch", required("requirements.txt")["torch"])


def test_only_what_torch_brings_for_cuda_is_set_apart() -> None:
    """A package of NVIDIA that others need stays, as does what Linux alone needs."""
    text = """
accelerate==1.0 \\
    --hash=sha256:00
    # via -r requirements.txt
cuda-toolkit==13.0 ; sys_platform == 'linux' \\
    --hash=sha256:00
    # via torch
nvidia-cublas==13.1 ; (platform_machine == 'x86_64') and sys_platform == 'linux' \\
    --hash=sha256:00
    --hash=sha256:01
    # via
    #   cuda-toolkit
    #   torch
nvidia-ml-py==13.2 ; sys_platform == 'linux' \\
    --hash=sha256:00
    # via
    #   accelerate
    #   torch
nvidia-of-both==1.0 ; sys_platform == 'linux' \\
    --hash=sha256:00
    # via nvidia-ml-py
torch==2.0 \\
    --hash=sha256:00
    # via -r requirements.txt
"""
    found = parse(text.lstrip())
    assert [pin.name for pin in found][-2:] == ["nvidia-of-both", "torch"]
    assert found[2].hashes == {"sha256:00", "sha256:01"}
    assert of_cuda(found) == {"cuda-toolkit", "nvidia-cublas"}
    assert parse("".join(pin.lines() for pin in found))[2].marker == found[2].marker


def test_setup_takes_nothing_without_a_hash() -> None:
    """Each call of pip in the Makefile but the one that makes the lock."""
    calls = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]
    assert len(calls) == 2
    assert "--require-hashes" in calls[0] and calls[0].startswith("INSTALL :=")
    assert "build/lock" in calls[1]
