"""Numbers in params.yaml are read as DVC writes them."""

from pathlib import Path

import pytest

from stages.core.params import read_yaml

pytestmark = pytest.mark.usefixtures("workplace")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2e-05", 2e-5),
        ("2e-5", 2e-5),
        ("1e3", 1000.0),
        ("-1E+2", -100.0),
        ("1.5e-3", 0.0015),
        ("3", 3),
        ("010", 10),
        ("'2e-5'", "2e-5"),
        ("e5", "e5"),
        ("1e5x", "1e5x"),
    ],
)
def test_numbers_as_dvc_writes_them(written: str, value: object) -> None:
    Path("params.yaml").write_text(f"lr: {written}\n")
    read = read_yaml(Path("params.yaml"))["lr"]
    assert (read, type(read)) == (value, type(value))
