"""No stage turns to the network, whatever the libraries that it uses would like to tell."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import tiny
from tests.line.changes import set_param
from tests.network import IN_NAMESPACE, can_unshare, check_silence, sent, watched_repro

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


def test_models_of_the_default_params_need_no_network(copy_of_text_line: Path) -> None:
    """They have names of the hub, and come with a package."""
    default = yaml.safe_load((tiny.ROOT / "params.yaml").read_text())
    assert "/" in default["model"] and not (tiny.ROOT / default["model"]).exists()
    set_param("epochs", 1)(copy_of_text_line)
    set_param("model", default["model"])(copy_of_text_line)
    set_param("embed.text.model", default["embed"]["text"]["model"])(copy_of_text_line)
    for stage in ("embed", "finetune"):
        assert watched_repro(copy_of_text_line, "--single-item", stage) == {stage}
        check_silence(copy_of_text_line)


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
