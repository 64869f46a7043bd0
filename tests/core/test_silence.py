"""Nothing is reported to anybody: the telemetry of libraries is off wherever our code is run from."""

import os
import subprocess
import sys

import pytest
from dvc.config import Config, to_bool

from stages.core import SILENCE
from tests.tiny import ROOT

# What the libraries made of it; none of them may open a connection, also where DVC has no config.
EFFECT = """
import sys
connections = []
WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname")
sys.addaudithook(lambda event, arguments: connections.append(arguments) if event in WATCHED else None)
import {module}
import albumentations, dvc.analytics, iterative_telemetry
from huggingface_hub import constants
from huggingface_hub.utils import send_telemetry
assert constants.HF_HUB_DISABLE_TELEMETRY
send_telemetry("topic")
from dvc.config import Config
Config.from_cwd = lambda **_: {{}}
assert not dvc.analytics.is_enabled()
assert not iterative_telemetry.IterativeTelemetryLogger("tool", "1", enabled=lambda: True).is_enabled()
assert not connections, connections
"""


@pytest.mark.parametrize("module", ["stages.serving.model", "tools.trace"])
def test_libraries_report_nothing(module: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in SILENCE}
    command = [sys.executable, "-c", EFFECT.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert not done.returncode, done.stderr


def test_every_tool_is_silent() -> None:
    """Each is run as `python -m tools.NAME`, which imports the package first."""
    assert "import stages.core" in (ROOT / "tools/__init__.py").read_text()


def test_dvc_of_this_repository_reports_nothing() -> None:
    """Also where it is run as `dvc`, before any code of ours."""
    assert not to_bool(Config(str(ROOT / ".dvc")).read("repo")["core"]["analytics"])
