"""The page about the data: what it says, and that it is safe and of a bounded size whatever the data holds."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from stages import report
from stages.contracts.label import load_target
from stages.core import paths
from stages.core.errors import InputError
from stages.core.params import load_params, read_yaml
from stages.core.run import Counts, DataWarning, write_warnings
from stages.core.tables import read_frame, read_schema, read_table, write_frame, write_tables
from stages.page import overview
from stages.page.example_cards import as_side
from stages.page.example_rows import ids_of_private_rows
from stages.page.examples import Ref, all_kinds, facts
from stages.page.glossary import load_reasons
from stages.page.row_outcomes import funnel, read_outcomes
from stages.page.stage_warnings import STAGES
from stages.targets.category import label as category_label
from tests import tiny
from tests.data_line import FILE, HOSTILE, LABEL, inside

TAGS = set(
    "html head meta title style body header h1 h2 h3 h4 p code ul li strong nav a main section div table thead tbody "  # noqa: SIM905
    "tr th td span figure svg rect "
    "figcaption details summary article dl dt dd mark img audio script bdi".split()
)
REASONS = load_reasons("text", "category")


class Elements(HTMLParser):
    """What a browser would make of the page: its elements, and the text in them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(folder: Path) -> str:
    return (folder / paths.DATA_REPORT).read_text(encoding="utf-8")


# --- what it says ---


def test_warnings_come_first(copy_of_text_data: Path) -> None:
    found = [
        DataWarning("no label <b>is</b> '<script>hacked()</script>'", "collect.columns.label"),
        DataWarning("40% of the rows are in one unit", "collect.columns.group"),
    ]
    write_warnings("split", Counts(1, warnings=found))
    write_warnings("dedupe", Counts(4, {"near_duplicate": 3}))
    report.main(load_params(report.Params))
    page = page_of(copy_of_text_data)
    text = Elements(page).text
    assert "3 warnings" in text
    lines = [
        "dedupe: 75% of the rows are dropped, most of them as near_duplicate (3). See dedupe in params.yaml.",
        "split: no label <b>is</b> '<script>hacked()</script>'. See collect.columns.label in params.yaml.",
        "split: 40% of the rows are in one unit. See collect.columns.group in params.yaml.",
    ]
    positions = [text.index(line) for line in lines]
    assert positions == sorted(positions)
    assert positions[-1] < text.index("rows in the source")
    assert "<script>hacked()" not in page


def test_a_page_without_warnings_says_so(copy_of_text_data: Path) -> None:
    for stage in STAGES:
        write_warnings(stage, Counts(0))
    report.main(load_params(report.Params))
    assert "No warnings." in page_of(copy_of_text_data)


def test_the_page_shows_the_warnings_of_all_stages_that_it_depends_on() -> None:
    deps = read_yaml(tiny.ROOT / "dvc.yaml")["stages"]["report"]["deps"]
    assert [dep for dep in deps if dep.startswith("metrics/")] == [f"metrics/warnings/{stage}.json" for stage in STAGES]


def test_warnings_that_cannot_be_read_are_no_silence(copy_of_text_data: Path) -> None:
    (paths.WARNINGS / "split.json").unlink()
    with pytest.raises(InputError, match=r"split\.json: cannot be read .*; run `dvc repro split`"):
        report.main(load_params(report.Params))


def test_every_row_is_in_the_funnel_once(text_data: Path) -> None:
    with inside(text_data):
        outcomes = read_outcomes()
    steps = funnel(outcomes)
    assert outcomes["id"].is_unique
    assert (outcomes["split"].notna() != outcomes["stage"].notna()).all()
    assert {step.stage: step.dropped for step in steps} == {
        "collect": {"unreadable_row": 1},
        "clean": {"empty": 1, "missing_label": 1},
        "dedupe": {"duplicate_of_held_out": 1, "exact_duplicate": 2, "near_duplicate": 1},
        "split": {"outlier": 2},  # of three that are marked
        "label_audit": {"label_issue": 1},
    }
    assert [step.rows_in for step in steps[1:]] == [step.rows_kept for step in steps[:-1]]
    assert steps[0].rows_in == 61 + 17


def test_every_kind_of_finding_has_its_worst_examples(text_data: Path) -> None:
    with inside(text_data):
        kinds = {kind.title: kind for kind in all_kinds(read_outcomes(), REASONS, 2)}
        labels = dict(zip(*read_frame(paths.CLEANED, ["id", "label"]).to_numpy().T, strict=True))
    assert list(kinds) == [
        "Training rows that repeat held-out rows",
        "Duplicates whose labels disagree",
        "Duplicates: exact_duplicate",
        "Duplicates: near_duplicate",
        "Labels that the audit dropped",
        "Doubtful labels of validation and test rows",
        "Outliers",
        "Far from their class",
        "Dropped by clean: empty",
        "Dropped by clean: missing_label",
        "Dropped by collect: unreadable_row",
        "Repaired: encoding",
        "Repaired: html",
        "Repaired: spaces",
    ]
    assert all(len(kind.examples) == min(2, kind.n_rows) for kind in kinds.values())
    one, other = (labels[ref.id] for ref in kinds["Duplicates whose labels disagree"].examples[0].rows)
    assert one != other
    scores = [example.facts["score"] for example in kinds["Outliers"].examples]
    assert scores == sorted(scores, reverse=True)
    assert all(
        len(example.rows) == 2 for name in ("Outliers", "Far from their class") for example in kinds[name].examples
    )
    row, nearest = (labels[ref.id] for ref in kinds["Far from their class"].examples[0].rows)
    assert row == nearest
    assert kinds["Labels that the audit dropped"].examples[0].labels == {"given": LABEL, "suggested": "fruit"}
    assert "3 cells" in kinds["Dropped by collect: unreadable_row"].examples[0].facts["detail"]


def test_nobody_needs_to_know_the_words_beforehand(copy_of_text_data: Path) -> None:
    text = " ".join(Elements(page_of(copy_of_text_data)).text.split())
    assert "empty 1: there is nothing in it" in text  # in the funnel
    assert "clean: repairs The repairs that clean made." in text  # above a chart
    remarks = {kind.title: kind.remark for kind in all_kinds(read_outcomes(), REASONS, 2)}
    assert remarks["Dropped by clean: empty"] == "There is nothing in it."
    assert remarks["Duplicates: exact_duplicate"].startswith("Its content equals that of a row that stays")
    assert remarks["Repaired: spaces"].startswith(
        "Each run of spaces and line ends became one space. Each is shown as in the source"
    )


def test_how_many_labels_are_doubted_is_said_beside_them(text_data: Path) -> None:
    with inside(text_data):
        remarks = {kind.title: kind.remark for kind in all_kinds(read_outcomes(), REASONS, 2)}
        share = read_frame(paths.LABEL_VERDICTS)["is_label_issue"].mean()
    assert f"The audit doubts {share:.0%} of all labels" in remarks["Labels that the audit dropped"]


def test_every_finding_can_be_reached_from_the_top(text_data: Path) -> None:
    elements = Elements(page_of(text_data))
    links = [attributes["href"] for tag, attributes in elements.found if tag == "a"]
    with inside(text_data):
        n_kinds = len(all_kinds(read_outcomes(), REASONS, 2))
    assert links[-n_kinds:] == [f"#found-{number}" for number in range(1, n_kinds + 1)]
    assert {attributes["id"] for _, attributes in elements.found if "id" in attributes} >= {
        str(link).removeprefix("#") for link in links
    }


def test_what_says_nothing_about_a_dropped_row_is_left_out(copy_of_text_data: Path) -> None:
    """The scores of a content whose label is the reason, and a label that nobody has read."""
    add_columns(paths.CLEAN_VERDICTS, symbol_ratio=0.25)
    kinds = {kind.title: kind.examples[0] for kind in all_kinds(read_outcomes(), REASONS, 2)}
    assert "symbol_ratio" not in kinds["Dropped by clean: missing_label"].facts
    assert kinds["Dropped by clean: empty"].facts["symbol_ratio"] == 0.25
    text = " ".join(Elements(page_of(copy_of_text_data)).text.split())
    assert "(no label) dropped by clean: missing_label" in text
    assert "dropped by collect: unreadable_row" in text and "(no label) dropped by collect" not in text


def test_labels_that_are_called_otherwise_are_told(text_data: Path) -> None:
    with inside(text_data):
        assert overview.label_changes(category_label) == [("", "dropped: missing_label", 1), (" FRUIT", "fruit", 1)]


@pytest.mark.parametrize(("label", "shown"), [(0.0, "0"), (-2.5, "-2.5")])
def test_a_number_is_shown_as_it_is(label: float, shown: str) -> None:
    row = {"label": label, "content": "a text", "source": "a.csv:1"}
    assert as_side(Ref("0", paths.CLEANED), row, "in train", None, load_target("number")).label == shown


def test_classes_are_counted_after_each_stage(text_data: Path) -> None:
    with inside(text_data):
        table = overview.class_table(category_label, read_outcomes())
    assert list(table.columns) == ["cleaned", "unique", "train", "validation", "test"]
    assert table["cleaned"].sum() == 75
    assert table["unique"].sum() == 71
    assert table[["train", "validation", "test"]].to_numpy().sum() == 68
    assert set(table.index) == {"fruit", LABEL}


def test_what_is_taken_out_of_the_data_is_not_shown(copy_of_text_data: Path) -> None:
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "repairs", "reason", "pii"])
    page = page_of(copy_of_text_data)
    assert ids_of_private_rows() == set()
    repaired = rows["repairs"].map(len) > 0
    verdicts = read_frame(paths.CLEAN_VERDICTS)
    verdicts["repairs"] = verdicts["repairs"].where(~repaired, pd.Series([["redacted_email"]] * len(rows)))
    verdicts["pii"] = pd.Series([["email"] if one else [] for one in repaired])
    write_frame(paths.CLEAN_VERDICTS, verdicts, read_schema(paths.CLEAN_VERDICTS))
    assert ids_of_private_rows() == set(rows.loc[repaired, "id"])
    report.main(load_params(report.Params))
    assert "Repaired: redacted_email" in page_of(copy_of_text_data)
    assert (
        "onclick=&#34;hacked()" in page
        and "onclick=&#34;hacked()" not in page_of(copy_of_text_data).split("Repaired: redacted_email")[1]
    )


def test_what_stages_say_more_is_shown(copy_of_text_data: Path) -> None:
    """Columns that the page knows nothing of: beside the examples, and as distributions."""
    add_columns(paths.DUPLICATE_VERDICTS, likeness_kind="in_words")
    add_columns(paths.CLEAN_VERDICTS, dialect="nowherish", loudness=0.25, note="ask Ann on Monday")
    report.main(load_params(report.Params))
    text = " ".join(Elements(page_of(copy_of_text_data)).text.split())
    assert "likeness kindin_words" in text
    assert "clean: dialect" in text and "nowherish" in text
    assert "clean: loudness" in text and "median 0.25" in text
    assert "Monday" not in text  # notes are for those who wrote them


def test_only_a_weight_that_differs_is_listed() -> None:
    assert facts({"weight": 1.0, "label_quality": 1.0}) == {"label_quality": 1.0}
    assert facts({"weight": 0.25}) == {"weight": 0.25}


def add_columns(folder: Path, **values: Any) -> None:
    table = read_table(folder)
    add_columns_of(folder, table, **{name: [value] * table.num_rows for name, value in values.items()})


def add_columns_of(folder: Path, table: pa.Table, **columns: list[Any]) -> None:
    for name, values in columns.items():
        kind = table.schema.field(name).type if name in table.column_names else None
        table = table.drop_columns([name]) if kind else table
        table = table.append_column(name, pa.array(values).cast(kind) if kind else pa.array(values))
    write_tables(folder, [table])


# --- safe, bounded, the same ---


@pytest.mark.parametrize("data", ["text_data", "image_data", "audio_data"])
def test_nothing_of_the_data_becomes_markup(data: str, request: pytest.FixtureRequest) -> None:
    page = page_of(request.getfixturevalue(data))
    elements = Elements(page)
    assert {tag for tag, _ in elements.found} <= TAGS
    assert [tag for tag, _ in elements.found].count("script") == 1
    for tag, attributes in elements.found:
        assert not any(name.startswith("on") for name in attributes), tag
        assert (attributes.get("src") or "data:").startswith("data:"), tag
        assert (attributes.get("href") or "#").startswith("#"), tag
    assert "url(" not in page and "@import" not in page
    policy = next(attributes["content"] or "" for tag, attributes in elements.found if "http-equiv" in attributes)
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy
    assert "base-uri 'none'" in policy and "form-action 'none'" in policy  # default-src does not hold for these


def test_hostile_data_is_shown_as_it_is(text_data: Path) -> None:
    text = Elements(page_of(text_data)).text
    for hostile in (HOSTILE.split(" apple")[0], "<script>hacked()</script>", LABEL, FILE):
        assert hostile in text


def test_signs_that_reorder_a_line_or_hide_in_it_are_visible(copy_of_text_data: Path) -> None:
    """In names and messages; a text of the data stays as it is, in a block of its own, where its order ends."""
    hidden = "al\u202eoh\u200bla\x1b"
    write_warnings("split", Counts(1, warnings=[DataWarning(f"label `{hidden}`", "clean")]))
    add_columns(paths.CLEAN_VERDICTS, dialect=hidden)
    add_columns(paths.DUPLICATE_VERDICTS, likeness_kind=hidden)
    for folder in (paths.COLLECTED, paths.CLEANED):
        table = read_table(folder)
        texts = [
            f"{text if isinstance(text, str) else text.decode()} \u202eend" for text in table["content"].to_pylist()
        ]
        add_columns_of(folder, table, content=texts, source=[f"{name}\u202e" for name in table["source"].to_pylist()])
    report.main(load_params(report.Params))
    page = page_of(copy_of_text_data)
    elements = Elements(page)
    written = r"al\u202eoh\u200bla\x1b"
    assert f"label `{written}`" in elements.text and elements.text.count(written) >= 3
    assert all("\u202e" not in str(value) for _, attributes in elements.found for value in attributes.values())
    outside = re.sub(r'<div class="content" dir="auto">.*?</div>', "", page, flags=re.DOTALL)
    assert "\u202eend" in page
    assert not set(outside) & set("\u202e\u200b\x1b")


@pytest.mark.parametrize("data", ["text_data", "image_data", "audio_data"])
def test_the_page_has_the_same_bytes_every_time(data: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(request.getfixturevalue(data), tmp_path / "line"))
    before = (folder / paths.DATA_REPORT).read_bytes()
    with inside(folder):
        report.main(load_params(report.Params))
    assert (folder / paths.DATA_REPORT).read_bytes() == before


def test_long_texts_are_cut(text_data: Path) -> None:
    """One row has 15,000 characters, and is shown as a duplicate, as repaired..."""
    assert "word " * 150 not in page_of(text_data)
    assert len(page_of(text_data)) < 60_000
