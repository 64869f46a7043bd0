"""docs/licences.md: every package of the locks, none of them under the AGPL, and what the GPL of some means."""

import re
from typing import Any

import pytest

from tests.tiny import ROOT
from tools import licences
from tools.lock import Pin


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(ROOT)
    return licences.PAGE.read_text()


def test_the_page_lists_every_package_with_its_version(page: str) -> None:
    listed = licences.of_page(page)
    assert {(pin.name, pin.version) for _, pin in licences.locked()} <= listed.keys(), "run `python -m tools.licences`"
    assert licences.render(licences.licences(page)) == page, "run `python -m tools.licences`"


def test_no_package_binds_those_who_offer_a_service(page: str) -> None:
    found = {name: words for (name, _), words in licences.of_page(page).items()}
    assert not {name: words for name, words in found.items() if licences.FORBIDDEN.search(words)}
    assert all(licences.FORBIDDEN.search(words) for words in ("AGPL-3.0-only", "GNU Affero General Public License v3"))


def test_the_page_says_what_the_gpl_of_a_package_means(page: str) -> None:
    """And of no other."""
    found = {name for (name, _), words in licences.of_page(page).items() if licences.COPYLEFT.search(words)}
    assert found == licences.MEANS.keys()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"License-Expression": "MIT", "License": "the text of MIT"}, "MIT"),
        ({"License": "GPLv2 | EPLv1"}, "GPLv2 or EPLv1"),
        ({"License": "Copyright\nand more", "Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD License"),
        ({"License": "Dual License", "Classifier": ["License :: A", "License :: B"]}, "A, B"),
    ],
)
def test_a_licence_is_told_in_the_words_of_its_package(
    fields: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Said(dict[str, Any]):
        def __missing__(self, _: str) -> None:
            return None

        def get_all(self, key: str) -> list[str] | None:
            return self.get(key)

    monkeypatch.setattr(licences, "metadata", lambda _: Said(fields, Version="1.0+local"))
    assert licences.licence("some", "1.0") == words
    assert licences.licence("some", "2.0") is None


def test_rows_of_other_platforms_stay_and_a_package_without_a_licence_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pin = Pin("of-windows", "1.0", "sys_platform == 'win32'", frozenset(), frozenset())
    monkeypatch.setattr(licences, "locked", lambda: iter([("all", pin)]))
    assert licences.licences("| of-windows | 1.0 | ZPL |\n") == {"all": {("of-windows", "1.0"): "ZPL"}}
    with pytest.raises(SystemExit, match=re.escape("of-windows 1.0 names no licence; look it up")):
        licences.licences("| of-windows | 0.9 | ZPL |\n")
