"""What tools print: whatever the data holds, a terminal gets lines of text."""

import ast
import os
import subprocess
import sys

import pytest

from stages.core.errors import one_line
from tests.tiny import ROOT
from tools.terminal import ask, write


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a \x1b[31mred\x07 name", r"a \x1b[31mred\x07 name"),
        ("one\ntwo\tthree\r", r"one\ntwo\tthree\r"),
        ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
        ("\x9b31m", r"\x9b31m"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("می\u200cخواهم 👩\u200d💻 a\u200db", "می\u200cخواهم 👩\u200d💻 a\\u200db"),
        ("naïve 日本語 C:\\data", "naïve 日本語 C:\\data"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, printed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert one_line(text) == printed
    write([text, "next"])
    assert capsys.readouterr().out == f"{printed}\nnext\n"


def test_a_reader_that_has_enough_is_no_error() -> None:
    """As in `python -m tools.trace ID | head -3`."""
    writing = [sys.executable, "-c", "from tools.terminal import write; write(['line'] * 100_000)"]
    with subprocess.Popen(writing, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_answers_are_lines_of_the_input_whatever_their_bytes() -> None:
    asking = "from tools.terminal import ask; print([ask('a\\x1b b>') for _ in range(4)])"
    done = subprocess.run([sys.executable, "-c", asking], cwd=ROOT, capture_output=True, input=b" one \n\xff\ntwo")
    assert (done.stderr, done.returncode) == (b"", 0)
    assert done.stdout.decode() == r"a\x1b b> " * 4 + f"\n{['one', chr(0xFFFD), 'two', None]}\n"


def test_signs_that_the_terminal_lacks_are_escaped() -> None:
    asking = "from tools.terminal import ask, write; write(['naïve 😀']); ask('日本>')"
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run([sys.executable, "-c", asking], cwd=ROOT, capture_output=True, input=b"", env=environment)
    assert (done.stderr, done.returncode) == (b"", 0)
    assert done.stdout.decode("latin-1") == "naïve \\U0001f600\n\\u65e5\\u672c> \n"


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
def test_nobody_answers_if_an_input_or_output_is_closed(closed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python has them in `python -m tools.review <&-`."""
    monkeypatch.setattr(sys, closed, None)
    write(["a line"])
    assert ask("right?>") is None


def test_tools_print_through_one_door() -> None:
    for path in sorted((ROOT / "tools").glob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        prints = [
            call
            for call in calls
            if ast.unparse(call.func) in ("print", "input", "sys.stdout.write", "sys.stderr.write")
        ]
        assert bool(prints) == (path.name == "terminal.py"), path.name
