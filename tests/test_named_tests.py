"""Pages that name the test behind a promise name tests that exist."""

import re

import pytest

from tests.tiny import ROOT


@pytest.mark.parametrize("page", ["SECURITY.md", "docs/design.md"])
def test_the_tests_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", sources, re.MULTILINE))
    named = set(re.findall(r"(?<![/\w])test_\w+(?!\.py|\w)", text))
    assert named
    assert named <= defined
    paths = set(re.findall(r"tests/[\w/]+(?:\.py)?", text))
    assert not {path for path in paths if not (ROOT / path).exists()}
