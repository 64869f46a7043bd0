"""What foreign data puts into tables and messages: nothing that acts on a terminal, and one line."""

import os
from pathlib import Path

import pytest

from stages.collect import collect
from stages.core import paths
from stages.core.errors import InputError, one_line, shown
from stages.core.tables import read_frame
from stages.sources.cells import as_json, as_text
from tests.collected import params_of, section_of

RED = "\x1b[31m"


def test_values_in_messages_are_short_and_on_one_line() -> None:
    assert shown(f"{RED}a\nb\u202e\ud800") == r"'\x1b[31ma\nb\u202e\ud800'"
    assert shown("x" * 100_000) == repr("x" * 80 + "...")
    assert one_line("a\nb\t\x9b\u202e\udcff.txt") == r"a\nb\t\x9b\u202e\udcff.txt"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (f"{RED}fruit", "fruit"),
        ("fruit\u202e", "fruit"),
        ("red\nfruit\n", "red fruit"),
        ("\x9b2Jfruit", "fruit"),
        ("\x07", ""),
        (' ["a b",  "c"] ', ' ["a b",  "c"] '),
        (as_json(["a\x9b", "bird", "cat\u202e"]), '["a", "bird", "cat"]'),
        ('["a\x9b", "bird",\n"cat"]', '["a", "bird", "cat"]'),
        ("[" * 100_000 + "\x9b", "[" * 100_000),
        (" fruit  tart", " fruit  tart"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("fruit\ud800", "fruit?"),
    ],
)
def test_labels_and_groups_are_stored_without_codes(cell: str, text: str) -> None:
    assert as_text(cell, "label") == text


def test_names_of_files_are_stored_and_shown_on_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [f"{RED}one.txt", "two\nlines.txt", "\\x1b[31mone.txt", os.fsdecode(b"caf\xe9.txt")]
    for name in names:
        for folder in ("fruit", f"{RED}tool"):
            Path("notes", folder).mkdir(parents=True, exist_ok=True)
            Path("notes", folder, name).write_text(f"a text in {folder} and {name!a}")
    Path("notes", "fruit", f"{RED}bad.txt").write_bytes(b"\xff\xfe\xfa caf\xe9")
    section = section_of(source="notes", on_bad_row="drop", columns={"content": "file", "label": "class"})
    collect(params_of(section))
    rows, bad = read_frame(paths.COLLECTED), read_frame(paths.COLLECT_VERDICTS)
    assert set(rows["label"]) == {"fruit", "tool"}
    assert rows["id"].is_unique
    assert all(map(str.isprintable, [*rows["source"], *bad["source"], *bad["detail"]]))
    assert r"fruit/\udce9.txt:1".replace(r"\udce9", r"caf\udce9") in set(rows["source"])
    with pytest.raises(InputError) as error:
        collect(params_of(section.model_copy(update={"on_bad_row": "error"})))
    assert str(error.value).isprintable()


def test_rows_that_cannot_be_read_have_different_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("\x1b.txt", "\\x1b.txt", "good.txt", "better.txt"):
        Path("notes", "fruit").mkdir(parents=True, exist_ok=True)
        Path("notes", "fruit", name).write_bytes(b"a text" if "g" in name or "e" in name else b"\x00\x00")
    section = section_of(source="notes", on_bad_row="drop", columns={"content": "file", "label": "class"})
    collect(params_of(section))
    bad = read_frame(paths.COLLECT_VERDICTS)
    assert len(bad) == 2
    assert bad["id"].is_unique
