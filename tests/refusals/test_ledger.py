"""Ledgers that cannot be used are refused; a decision of a person never loses a row."""

from pathlib import Path

from stages.core import paths
from stages.core.tables import iter_rows
from tests.refusals.bad_input import LEDGER_HEADER, Bad, each, put, refuse, run, set_params

LEDGERS = [
    Bad(
        "wrong header",
        "data/ledger.csv: expected the header id,action,label,note, got id,action,label",
        {"ledger.csv": "id,action,label\n"},
    ),
    Bad("empty", "data/ledger.csv: expected the header id,action,label,note, got an empty file", {"ledger.csv": ""}),
    Bad(
        "unknown action",
        "data/ledger.csv, line 2: unknown action 'delete'; use keep, drop, relabel",
        {"ledger.csv": LEDGER_HEADER + "a1,delete,,\n"},
    ),
    Bad(
        "relabel without a label",
        "data/ledger.csv, line 3: relabel with label ''; relabel needs a label, the other actions take none",
        {"ledger.csv": LEDGER_HEADER + "a1,keep,,\na2,relabel,,\n"},
    ),
    Bad(
        "keep with a label",
        "data/ledger.csv, line 2: keep with label 'fruit'; relabel needs a label, the other actions take none",
        {"ledger.csv": LEDGER_HEADER + "a1,keep,fruit,\n"},
    ),
    Bad(
        "second decision about a row",
        "data/ledger.csv, line 4: a second decision about row a1; keep one",
        {"ledger.csv": LEDGER_HEADER + "a1,keep,,\na2,keep,,\na1,drop,,\n"},
    ),
    Bad(
        "note with a comma",
        "data/ledger.csv, line 2: expected 4 cells; quote a note that has commas",
        {"ledger.csv": LEDGER_HEADER + "a1,drop,,blurred, and dark\n"},
    ),
    Bad(
        "too few cells",
        "data/ledger.csv, line 2: expected 4 cells; quote a note that has commas",
        {"ledger.csv": LEDGER_HEADER + "a1,drop\n"},
    ),
    Bad(
        "not UTF-8",
        "data/ledger.csv: cannot be read (…); it must be a UTF-8 CSV file with the header id,action,label,note",
        {"ledger.csv": (LEDGER_HEADER + "a1,drop,,grün\n").encode("latin-1")},
    ),
    Bad(
        "nothing is left after clean",
        "data/collected: none of 2 rows can be used (too_short 2), such as notes.csv:1: its label is 'fruit'; "
        "see clean.text.min_chars",
        params={"clean.text.min_chars": 50},
    ),
]


@each(LEDGERS)
def test_ledger_and_clean(bad: Bad) -> None:
    run("collect")
    for name, content in bad.files.items():
        put(name, content)
    set_params(bad.params)
    refuse("clean", bad.message)


def test_ledger_that_drops_all_rows() -> None:
    run("collect")
    put("ledger.csv", LEDGER_HEADER + "".join(f"{row['id']},drop,,\n" for row in iter_rows(paths.COLLECTED)))
    refuse(
        "clean",
        "data/collected: none of 2 rows can be used (ledger 2), such as notes.csv:1: its label is 'fruit'; "
        "see data/ledger.csv",
    )


def test_labels_that_are_all_listed_as_missing() -> None:
    """The advice is followed, and the rows stay."""
    put("notes.csv", "text,kind\na ripe apple,none\na red car,none\n")
    set_params({"clean.missing": ["none"]})
    run("collect")
    refuse(
        "clean",
        "data/collected: none of 2 rows can be used (missing_label 2), such as notes.csv:1: its label is 'none'; "
        "see collect.columns.label and clean.missing",
    )
    set_params({"clean.missing": []})
    assert run("clean").rows_kept == 2


def test_a_persons_word_does_not_lose_a_row() -> None:
    run("collect")
    row = next(iter_rows(paths.COLLECTED))
    put("ledger.csv", LEDGER_HEADER + f"{row['id']},relabel,rubbish,\n")
    set_params({"clean.label.drop": ["rubbish"]})
    refuse(
        "clean",
        f"data/ledger.csv, line 2: the label 'rubbish' of row {row['id']} cannot be used (unwanted_label); "
        "write it as in data/collected, and as clean.label allows",
    )


def test_a_slip_of_the_pen_makes_no_class() -> None:
    run("collect")
    first, second = (row["id"] for row in iter_rows(paths.COLLECTED))
    put("ledger.csv", LEDGER_HEADER + f"gone,relabel,plant,\n{first},relabel,Vehicel,\n")
    refuse(
        "clean",
        "data/ledger.csv, line 3: no row of the source has the label 'Vehicel'; the nearest is 'vehicle'; "
        "if it is a new label, give it to at least 2 rows",
    )
    put("ledger.csv", LEDGER_HEADER + f"{first},relabel,thing,\n{second},relabel,thing,\n")
    (warning,) = run("clean").warnings[:1]
    assert warning.message == "the label 'thing' is that of 2 decisions, but of no row of the source"
    assert warning.see == "clean.label"


def test_missing_ledger() -> None:
    run("collect")
    Path("data/ledger.csv").unlink()
    refuse(
        "clean", "data/ledger.csv: cannot be read (…); it must be a UTF-8 CSV file with the header id,action,label,note"
    )
