"""Runs `dvc repro` where it is noticed if a process turns to the network."""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests import tiny

IN_NAMESPACE = ["unshare", "--map-root-user", "--net"]
# What the kernel has sent, or would have sent if there were a way, in this namespace.
SENT = ("OutRequests", "OutNoRoutes", "Ip6OutRequests", "Ip6OutNoRoutes")
# In the folder of a line, below what git ignores.
LOG = Path(".dvc/tmp/network.log")
COUNTS = Path(".dvc/tmp/network_counts.txt")


def can_unshare() -> bool:
    return (
        bool(shutil.which("unshare")) and subprocess.run([*IN_NAMESPACE, "true"], capture_output=True).returncode == 0
    )


def watched_repro(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, umask: int = -1
) -> set[str]:
    """The stages that ran, in a namespace without a network if there can be one: there, the kernel counts what even
    libraries in C would send.
    """
    command = ["sh", "-c", 'dvc repro "$@"; status=$?; cat /proc/net/snmp /proc/net/snmp6; exit $status', "repro"]
    alone = can_unshare()
    (folder / LOG).parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*(IN_NAMESPACE if alone else ()), *command, *arguments],
        cwd=folder,
        env={**(environment or tiny.environment()), "NETWORK_LOG": str(folder / LOG)},
        umask=umask,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (folder / COUNTS).write_text(done.stdout if alone else "")
    return tiny.stages_run(done.stdout)


def sent(printed: str) -> dict[str, int]:
    """The counts of packets in the output."""
    names, values = (line.split()[1:] for line in printed.splitlines() if line.startswith("Ip: "))
    counts = dict(zip(names, values, strict=True)) | dict(re.findall(r"^(Ip6\w+)\s+(\d+)$", printed, re.MULTILINE))
    return {name: int(counts[name]) for name in SENT}


def check_silence(folder: Path) -> None:
    """Holds that no process of the last `watched_repro` turned to the network."""
    assert not (folder / LOG).exists(), (folder / LOG).read_text()
    if counts := (folder / COUNTS).read_text():
        assert sent(counts) == dict.fromkeys(SENT, 0)
