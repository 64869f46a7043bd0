"""No stage turns to the network, whatever the libraries that it uses would like to tell."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import tiny

IN_NAMESPACE = ["unshare", "--map-root-user", "--net"]
# What the kernel has sent, or would have sent if there were a way, in this namespace.
SENT = ("OutRequests", "OutNoRoutes", "Ip6OutRequests", "Ip6OutNoRoutes")
WAYS = {
    "connect": "socket.create_connection(('127.0.0.1', 9))",
    "a name": "socket.gethostbyname('example.org')",
    "a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'1', ('127.0.0.1', 9))",
    "a server": "socket.create_server(('127.0.0.1', 0))",
    "a URL": "__import__('urllib.request').request.urlopen('http://127.0.0.1:9')",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_process_that_turns_to_the_network_ends(way: str) -> None:
    """Even if it catches all errors; the line names the stage."""
    code = f"import socket\ntry:\n    {WAYS[way]}\nexcept BaseException:\n    pass\nprint('unnoticed')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**tiny.environment(), "DVC_STAGE": "embed"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 86
    assert done.stdout == ""
    assert done.stderr.startswith("network: embed: socket.")


def test_a_stage_that_calls_home_fails_the_line(copy_of_text_line: Path) -> None:
    """So every test that runs `dvc repro` holds that no stage does."""
    stage = copy_of_text_line / "stages/outliers.py"
    call = "    with __import__('contextlib').suppress(OSError):\n        "
    call += "__import__('socket').create_connection(('127.0.0.1', 9), 1)\n"
    code = stage.read_text()
    assert "def main(params: Params) -> Counts:\n" in code
    stage.write_text(code.replace("-> Counts:\n    classes", f"-> Counts:\n{call}    classes"))
    done = tiny.dvc(copy_of_text_line, "repro", "outliers", check=False)
    assert done.returncode != 0
    assert "network: outliers: socket." in done.stdout + done.stderr


def can_unshare() -> bool:
    return (
        bool(shutil.which("unshare")) and subprocess.run([*IN_NAMESPACE, "true"], capture_output=True).returncode == 0
    )


def test_the_default_line_needs_no_network(tmp_path: Path) -> None:
    """The default params on some of their rows, with the real model, in a namespace without a network if there can be
    one: the kernel counts what even libraries in C would send.
    """
    line, log = tmp_path / "line", tmp_path / "network.log"
    tiny.copy_project(line)
    reviews = line / "data/reviews.csv"
    reviews.write_text("".join(reviews.read_text(encoding="utf-8").splitlines(keepends=True)[:150]), encoding="utf-8")
    params = yaml.safe_load((line / "params.yaml").read_text())
    assert "/" in params["model"] and not Path(params["model"]).exists()  # the name of a model on the hub
    tiny.write_params(line, params | {"epochs": 1, "threads": 1, "split": params["split"] | {"max_leaks": 5}})
    counts = "; status=$?; cat /proc/net/snmp /proc/net/snmp6; exit $status"
    command = ["sh", "-c", f"dvc repro{counts}"]
    alone = can_unshare()
    done = subprocess.run(
        [*IN_NAMESPACE, *command] if alone else command,
        cwd=line,
        env={**tiny.environment(), "NETWORK_LOG": str(log)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert not log.exists(), log.read_text()
    assert tiny.stages_run(done.stdout) == set(yaml.safe_load((line / "dvc.yaml").read_text())["stages"])
    if alone:
        assert sent(done.stdout) == dict.fromkeys(SENT, 0)


def sent(printed: str) -> dict[str, int]:
    """The counts of packets in the output."""
    names, values = (line.split()[1:] for line in printed.splitlines() if line.startswith("Ip: "))
    counts = dict(zip(names, values, strict=True)) | dict(re.findall(r"^(Ip6\w+)\s+(\d+)$", printed, re.MULTILINE))
    return {name: int(counts[name]) for name in SENT}


def test_the_kernel_counts_what_would_be_sent() -> None:
    if not can_unshare():
        pytest.skip("no namespaces here")
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).connect_ex(('192.0.2.1', 9))"
    done = subprocess.run(
        [*IN_NAMESPACE, "sh", "-c", f'{sys.executable} -c "{code}"; cat /proc/net/snmp /proc/net/snmp6'],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert sent(done.stdout)["OutNoRoutes"] > 0
