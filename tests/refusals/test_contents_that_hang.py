"""Contents on which a cleaner hangs or crashes: dropped with a reason, and nothing else changes."""

from pathlib import Path

import pytest

from stages.core import paths
from stages.core.tables import read_frame
from stages.modalities.text import clean as text_cleaner
from tests import misbehaving
from tests.refusals.bad_input import LEDGER_HEADER, put, refuse, run, set_params

GOOD = "text,kind\na ripe apple,fruit\na red car,vehicle\na fig,fruit\n"


@pytest.fixture
def contents_in_this_process() -> None:
    """Not here, where they hang."""


@pytest.fixture(autouse=True)
def misbehaving_cleaner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cleaner of texts that does what some words say."""
    monkeypatch.setattr(text_cleaner, "clean", misbehaving.clean)
    monkeypatch.setattr("stages.cleaning.contents.SECONDS", 1.0)


def cleaned(notes: str) -> dict[str, str]:
    """The reason of each text, and nothing for those that stay."""
    put("notes.csv", notes)
    set_params({})
    run("collect")
    counts = run("clean")
    assert counts.rows_in == counts.rows_kept + sum(counts.dropped.values())
    verdicts = read_frame(paths.CLEAN_VERDICTS)
    assert len(verdicts) == counts.rows_in
    return dict(zip(verdicts["source"], verdicts["reason"].fillna(""), strict=True))


def tables() -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(paths.CLEANED.rglob("*.parquet"))}


def test_a_content_that_hangs_or_crashes_is_dropped() -> None:
    reasons = cleaned(GOOD + "spin,fruit\na pear,fruit\nsegfault,fruit\nfill-memory,fruit\na blue car,vehicle\n")
    assert list(reasons.values()) == ["", "", "", "too_slow", "", "crashed_decoder", "crashed_decoder", ""]
    assert read_frame(paths.CLEANED)["content"].tolist() == [
        "a ripe apple",
        "a red car",
        "a fig",
        "a pear",
        "a blue car",
    ]


def test_a_process_that_is_killed_in_the_middle_changes_nothing() -> None:
    notes = GOOD + "killed-once marker,fruit\na pear,fruit\n"
    assert set(cleaned(notes).values()) == {""}
    assert Path("marker").exists()
    before = tables()
    cleaned(notes)
    assert tables() == before


def test_a_process_that_is_killed_again_and_again_drops_no_row() -> None:
    put("notes.csv", GOOD + "kill,fruit\na pear,fruit\n")
    set_params({})
    run("collect")
    refuse(
        "clean",
        "notes.csv:4: the process that decodes this content was killed twice, as the system does if memory is short; "
        "end other programs, or use a machine with more memory",
    )


def test_contents_that_hang_are_not_read_again_for_suggestions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if they are missing contents, or if a person dropped them. Rows that params drop are read."""
    read: list[bytes] = []
    monkeypatch.setattr(text_cleaner, "suggest", lambda contents, _: read.extend(contents) or [])
    put("notes.csv", GOOD + "a,fruit\na pear,\nspin,fruit\na plum,fruit\nspin ,fruit\n")
    set_params({"clean.missing": ["spin", "a"]})
    run("collect")
    ids = read_frame(paths.COLLECTED, ["id"])["id"].tolist()
    put("ledger.csv", LEDGER_HEADER + "".join(f"{row},drop,,\n" for row in ids[-2:]))
    assert run("clean").dropped == {"empty": 1, "missing_label": 1, "too_slow": 1, "ledger": 2}
    assert read == [b"a ripe apple", b"a red car", b"a fig", b"a", b"a pear"]


def test_contents_that_all_hang() -> None:
    put("notes.csv", "text,kind\nspin,fruit\n")
    set_params({})
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 1 rows can be used (too_slow 1), such as notes.csv:1: its label is 'fruit'; "
        "its content takes too much time of the processor: open it to see what it holds, or take it out",
    )
