"""Labels are cleaned, and the ledger overrules what clean decides."""

import pytest

from stages import clean
from stages.cleaning.ledger import Decision, read_ledger
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import read_frame
from stages.modalities.text.clean import cleaner
from stages.targets.category import label as category_label
from tests import tiny
from tests.cleaning.text_params import CLEAN_TEXT
from tests.collected import Content, write_collected
from tests.conftest import Run

pytestmark = pytest.mark.usefixtures("workplace")


SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"  # its flag


@pytest.mark.parametrize(
    ("raw", "label", "reason"),
    [
        ("fruit", "fruit", None),
        ("  red \n fruit ", "red fruit", None),
        ("Obst", "fruit", None),
        ("other", None, "unwanted_label"),
        ("misc", None, "unwanted_label"),  # an alias of one that is unwanted
        ("n/a", None, "missing_label"),  # an alias of nothing
        ("", None, "missing_label"),
        (None, None, "missing_label"),
        ("Other", "Other", None),
        ("fru\u200bit", "fruit", None),
        ("cafe\u0301", "caf\u00e9", None),
        ("\u202afruit\u202c\u200e", "fruit", None),
        ("\u2068fruit\u2069", "fruit", None),
        ("fr\x00uit\x07", "fruit", None),
        ("\x1b[31mfruit\x1b[0m", "fruit", None),
        ("\x1b]0;title\x07fruit", "fruit", None),
        ("fru\u200cit\u200d", "fruit", None),
        ("fruit\U000e0041\ufe0f", "fruit", None),
        ("\u2800fruit", "fruit", None),
        ("\u200e\u202a\x00", None, "missing_label"),
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            None,
        ),  # Persian needs it
        ("\u0645\u06cc\u200c\u200c\u062e\u0648\u200c", "\u0645\u06cc\u200c\u062e\u0648", None),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb", None),  # a woman at a computer
        (SCOTLAND, SCOTLAND, None),
    ],
)
def test_label(raw: str | None, label: str | None, reason: str | None) -> None:
    cleaned = category_label.clean_label(
        raw,
        "a text",
        category_label.LabelParams(
            **tiny.CLEAN_NAMES | {"aliases": {"Obst": "fruit", "misc": "other", "n/a": ""}, "drop": ["other"]}
        ),
    )
    assert (cleaned.label, cleaned.reason) == (label, reason)


class TextSection(clean.Section):
    text: cleaner.CleanParams


def clean_params() -> clean.Params:
    section = TextSection(
        label=category_label.LabelParams(**tiny.CLEAN_NAMES | {"aliases": {"Obst": "fruit"}, "drop": ["other"]}),
        missing=[],
        text=CLEAN_TEXT,
    )
    return clean.Params.model_construct(modality="text", target="category", clean=section)


def test_clean_drops_with_reasons_and_does_what_people_decided(run: Run) -> None:
    rows: list[Content] = [
        ("a ripe <b>apple</b>", "Obst"),
        ("a spade", "fruit"),
        ("an odd thing", "fruit"),
        ("x", "fruit"),
        ("x", "tool"),
        ("a stone", "other"),
        ("a pear", None),
        ("a plum", None),
    ]
    ids = write_collected(rows)
    lines = [
        (ids[0], "keep", ""),
        (ids[1], "relabel", "tool"),
        (ids[2], "drop", ""),
        (ids[3], "drop", ""),
        (ids[7], "relabel", "Obst"),
        ("gone", "drop", ""),
    ]
    paths.LEDGER.write_text(
        "id,action,label,note\n" + "".join(f"{row},{action},{label},\n" for row, action, label in lines)
    )
    counts = run(clean, clean_params())
    cleaned = read_frame(paths.CLEANED)
    assert cleaned[["id", "content", "label", "source"]].to_numpy().tolist() == [
        [ids[0], "a ripe apple", "fruit", "notes.csv:1"],
        [ids[1], "a spade", "tool", "notes.csv:2"],
        [ids[7], "a plum", "fruit", "notes.csv:8"],
    ]
    verdicts = read_frame(paths.CLEAN_VERDICTS)
    assert verdicts["id"].tolist() == ids
    assert verdicts["reason"].fillna("").tolist() == [
        "",
        "",
        "ledger",
        "ledger",
        "too_short",
        "unwanted_label",
        "missing_label",
        "",
    ]
    assert verdicts["keep"].tolist() == (verdicts["reason"].isna()).tolist()
    assert verdicts["reviewed"].tolist() == [True, True, True, True, False, False, False, True]
    assert verdicts["source_label"].fillna("-").tolist() == ["fruit"] * 4 + ["-"] * 4  # None of rows without decision
    assert verdicts["given_label"].fillna("-").tolist() == [label or "-" for _, label in rows]
    assert counts.metrics() == {
        "rows_in": 8,
        "rows_kept": 3,
        "dropped_ledger": 2,
        "dropped_missing_label": 1,
        "dropped_too_short": 1,
        "dropped_unwanted_label": 1,
        "repaired_html": 1,
        "ledger_used": 5,
        "ledger_without_row": 1,
    }


def test_ledger_is_read() -> None:
    paths.LEDGER.parent.mkdir()
    paths.LEDGER.write_bytes(
        b'\xef\xbb\xbfid,action,label,note\r\n A1,keep,,\r\na2,relabel,red fruit,"unripe, but red"\r\n'
    )
    assert read_ledger(paths.LEDGER) == {
        "a1": Decision("keep", "", 2),
        "a2": Decision("relabel", "red fruit", 3, "unripe, but red"),
    }


def test_the_label_of_the_source_is_merged_as_the_labels_of_rows_are(run: Run) -> None:
    """A person keeps a rare label and corrects another row. Labels that are rare become `other`."""
    ids = write_collected(
        [("a ripe apple", "apple"), ("a ripe plum", "plum"), *[(f"spade {n}", "tool") for n in "abcd"]]
    )
    paths.LEDGER.write_text(f"id,action,label,note\n{ids[0]},keep,,review\n{ids[1]},relabel,tool,\n")
    params = clean_params()
    names = {**tiny.CLEAN_NAMES, "min_rows": 3, "on_rare": "merge", "merge_into": "other"}
    label = category_label.LabelParams(**names)
    run(clean, params.model_copy(update={"clean": params.clean.model_copy(update={"label": label})}))
    verdicts = read_frame(paths.CLEAN_VERDICTS).set_index("id")
    assert verdicts.loc[ids[:2], "source_label"].tolist() == ["other", "plum"]  # no row is a plum any more
    assert verdicts.loc[ids[:2], "note"].tolist() == ["review", ""]
    assert read_frame(paths.CLEANED)["label"].tolist() == ["other", *["tool"] * 5]


def test_the_start_of_an_id_is_no_id(run: Run) -> None:
    ids = write_collected([("a ripe fig", "fruit"), ("a spade", "tool")])
    paths.LEDGER.write_text(f"id,action,label,note\ngone,drop,,\n{ids[1][:8].upper()},drop,,\n")
    with pytest.raises(
        InputError, match=rf"^data/ledger\.csv, line 3: {ids[1][:8]} is the start of an id; .*{ids[1]}$"
    ):
        run(clean, clean_params())


def test_a_warning_names_the_key_that_drops_most_rows(run: Run) -> None:
    rows: list[Content] = [("x", "fruit"), ("y", "tool"), ("z", "fruit"), ("a ripe fig", "fruit")]
    write_collected(rows)
    paths.LEDGER.write_text("id,action,label,note\n")
    warning = run(clean, clean_params()).all_warnings("clean")[0]
    assert warning.message == "75% of the rows are dropped, most of them as too_short (3)"
    assert warning.see == "clean.text.min_chars"
