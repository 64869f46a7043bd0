"""The story of a row, told in a terminal."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from stages import clean, dedupe, label_audit, outliers, split
from stages.contracts.embed import Embedded
from stages.core import paths
from stages.core.params import load_params
from stages.core.tables import named_columns, read_frame, read_table, write_tables
from stages.page.glossary import load_reasons
from stages.page.row_outcomes import read_outcomes
from tests.data_line import FILE, LABEL
from tools import lookup, trace

Tell = Callable[..., str]


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], contents_in_this_process: None) -> Tell:
    """What `python -m tools.trace ...` prints, in one line; of an error the one line."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["trace", *arguments])
        try:
            trace.main()
        except SystemExit as error:
            return str(error.code)
        return " ".join(capsys.readouterr().out.split())

    return run


def id_of(source: str) -> str:
    rows = read_frame(paths.CLEAN_VERDICTS, ["id", "source"])
    return str(rows.loc[rows["source"] == source, "id"].item())


# --- the row ---


def test_a_row_is_found_by_its_id_and_by_enough_of_its_start(copy_of_text_data: Path, tell: Tell) -> None:
    name = id_of("test.csv:3")
    story = tell(name)
    assert story.startswith(name)
    assert tell(name[:10]) == tell(name.upper()) == tell("--row", "test.csv:3") == story


def test_unknown_ids_get_one_clear_error(copy_of_text_data: Path, tell: Tell) -> None:
    name = id_of("test.csv:3")
    typed = name[:5] + ("0" if name[5] != "0" else "1") + name[6:]
    assert tell(typed) == f"trace: error: {typed}: no row has this id; did you mean {name}"
    unknown = "0" * 32
    assert (
        tell(unknown)
        == f"trace: error: {unknown}: no row has this id; a changed row gets a new id; find it by --row or --text"
    )
    assert all(
        f"{len([name for name in read_frame(paths.CLEAN_VERDICTS)['id'] if name[0] == start])} ids start with it"
        in tell(start)
        for start in name[0]
    )
    assert (
        tell("--row", "test.csv:18")
        == "trace: error: test.csv:18: no row has this source; test.csv has 17 rows, from test.csv:1 to test.csv:17"
    )
    for typed in ("nowhere", "18", ""):
        assert f"{typed}: no row has this source; there are 78 rows, from test.csv:1 to {FILE}:61" in tell(
            "--row", typed
        )


def test_what_cannot_be_an_id_or_a_text_is_said_to(copy_of_text_data: Path, tell: Tell) -> None:
    assert (
        tell("")
        == "trace: error: '' is neither an id nor the start of one (digits 0-9, letters a-f); try --row or --text"
    )
    assert tell("some words").endswith("try --row or --text")
    assert tell("test.csv:3").endswith("try --row test.csv:3")
    assert tell("--text", " ") == "trace: error: --text is empty: type the text of a row in quotes"


def test_a_source_is_found_with_its_folders_too(copy_of_text_data: Path, tell: Tell) -> None:
    assert tell("--row", "data/tiny/test.csv:3") == tell("--row", "./test.csv:3") == tell("--row", "test.csv:3")


def test_arguments_that_are_no_text_are_answered(copy_of_text_data: Path, tell: Tell) -> None:
    assert "no row has this source" in tell("--row", "\udcff")
    assert "is neither an id" in tell("\udcff")


def test_a_text_is_found_once_it_is_cleaned(copy_of_text_data: Path, tell: Tell) -> None:
    assert tell("--text", " repeated in the test set:&nbsp;apple and pear ").startswith(id_of("test.csv:17"))
    assert tell("--text", "some row without a label").startswith(id_of(f"{FILE}:4"))  # dropped
    again = tell("--text", read_frame(paths.CLEANED).set_index("id").loc[id_of(f"{FILE}:10"), "content"])
    assert again.startswith(id_of(f"{FILE}:10")) and "more rows" not in again


def test_the_nearest_text_is_said_to_be_that(
    copy_of_text_data: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Embedder:
        def embed(self, texts: list[str], params: Any) -> Embedded:
            vectors = read_table(paths.EMBEDDINGS)["vector"].combine_chunks().flatten().to_numpy().reshape(-1, 8)
            return Embedded(vectors[[7]] + 0.01)

    monkeypatch.setattr(lookup, "load_embedder", lambda modality: Embedder())
    story = tell("--text", "nothing of the kind")
    assert story.startswith(read_frame(paths.EMBEDDINGS, ["id"])["id"][7])
    assert "No row has this text. This is the nearest by its embedding, with a cosine of 1.0" in story
    shutil.rmtree(paths.EMBEDDINGS)
    assert "run `dvc repro embed`" in tell("--text", "nothing of the kind")


def embedder(monkeypatch: pytest.MonkeyPatch, vector: Any) -> None:
    class Embedder:
        def embed(self, texts: list[str], params: Any) -> Embedded:
            return Embedded(np.array([vector], np.float32))

    monkeypatch.setattr(lookup, "load_embedder", lambda modality: Embedder())


def test_a_text_that_is_like_no_row_is_said_to_be(
    copy_of_text_data: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = np.eye(8, dtype=np.float32)[:2]
    write_tables(paths.EMBEDDINGS, [pa.table({"id": ["a" * 32, "b" * 32], "vector": list(vectors)})])
    embedder(monkeypatch, [0.3, 0.2, 0.9, 0, 0, 0, 0, 0])
    answer = tell("--text", "nothing of the kind")
    assert answer == f"trace: error: --text: no row has this text or is like it; the best cosine is 0.30, of {'a' * 12}"


def test_a_part_of_a_text_finds_its_row(copy_of_text_data: Path, tell: Tell) -> None:
    story = tell("--text", "IN the test  set: apple")
    assert story.startswith(id_of("test.csv:17")) and "This row contains the text" in story
    dropped = tell("--text", "row without a LABEL")
    assert dropped.startswith(id_of(f"{FILE}:4")) and "This row contains the text" in dropped
    several = tell("--text", "pear")
    assert re.match(r"trace: error: --text: \d+ rows contain this text, such as [0-9a-f]{12} \(", several)
    for start in re.findall("([0-9a-f]{12}) ", several):
        assert tell(start).startswith(start)


@pytest.mark.parametrize("cell", [b"Gr\xc3\xbcne\x1f Birne\x1f", "gr\xfcne\x1ebirne", b"\xff GR\xc3\x9cNE\n Birne"])
def test_marks_case_and_stray_bytes_hide_no_part_of_a_text(cell: Any) -> None:
    cells = pa.chunked_array([pa.array([cell]), pa.nulls(1, pa.array([cell]).type)])
    assert lookup.contain(cells, lookup.folded("Gr\xfcne birne")).to_pylist() == [True, False]


def test_a_file_that_is_one_row_is_found_without_a_number(
    audio_data: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(audio_data)
    source = read_frame(paths.CLEAN_VERDICTS, ["source"])["source"][0]
    file, number = source.rsplit(":", 1)
    assert number == "1"
    assert tell("--row", file) == tell("--row", f"./{file}") == tell("--row", source)
    assert tell("--row", file).startswith(id_of(source))


# --- the story ---


def test_the_story_ends_where_the_row_does(copy_of_text_data: Path, tell: Tell) -> None:
    bad = tell("--row", f"{FILE}:61")
    assert "collect dropped: unreadable_row" in bad and "has 3 cells" in bad and "clean" not in bad
    empty = tell("--row", f"{FILE}:3")
    assert "clean dropped: empty" in empty and "dedupe" not in empty
    leak = tell("--row", f"{FILE}:11")
    assert (
        "dedupe dropped: duplicate_of_held_out, because it repeats a validation or test row" in leak
        and f"duplicate of {id_of('test.csv:17')[:8]} test.csv:17: fruit: repeated" in leak
    )
    assert "label FRUIT clean kept content unchanged label fruit" in leak
    assert "outliers" not in leak


def test_the_story_says_what_was_repaired_and_judged(copy_of_text_data: Path, tell: Tell) -> None:
    html = tell("--row", f"{FILE}:2")
    assert (
        "&amp; less" in html
        and "a pear that says nothing more & less" in html
        and "repairs html, encoding, spaces" in html
    )
    judged = read_frame(paths.LABEL_VERDICTS)
    issue = tell(judged.loc[~judged["keep"], "id"].iloc[0])
    assert "label_audit dropped: label_issue, because other rows" in issue
    assert f"given label {LABEL} linear model fruit suggested fruit weight 1.000 label quality 0.0" in issue
    marked = read_frame(paths.OUTLIER_VERDICTS)
    split = read_frame(paths.SPLIT_VERDICTS).set_index("id")
    outlier = next(name for name in marked.loc[~marked["keep"], "id"] if not split.loc[name, "keep"])
    assert "outliers marked: far_from_all" in tell(outlier) and "split dropped: outlier" in tell(outlier)


def test_stages_that_have_not_run_are_said_to(copy_of_text_data: Path, tell: Tell) -> None:
    name = id_of("test.csv:3")
    assert "predict has not run yet" in tell(name)
    for stage, folder in reversed(list(paths.VERDICTS_OF.items())[1:]):
        shutil.rmtree(folder)
        assert f"{stage} has not run yet" in tell(name)
    shutil.rmtree(paths.COLLECTED)
    assert tell(name) == "trace: error: data/collected: nothing is collected yet; run `dvc repro`"


def test_tables_that_are_older_than_the_row_are_named(copy_of_text_data: Path, tell: Tell) -> None:
    name = id_of("test.csv:3")
    table = read_table(paths.SPLIT_VERDICTS)
    write_tables(paths.SPLIT_VERDICTS, [table.filter(pa.array([row != name for row in table["id"].to_pylist()]))])
    assert "data/verdicts/split lacks this row" in tell(name)


def test_training_and_prediction_are_told(copy_of_text_data: Path, tell: Tell) -> None:
    judged = read_frame(paths.LABEL_VERDICTS)
    name = judged.loc[judged["keep"] & (judged["split"] == "train"), "id"].iloc[0]
    copies = [{"id": name, "copy": copy, "content": f"text {copy}", "label": "fruit", "source": "x"} for copy in (1, 0)]
    write_tables(paths.TRAIN, [pa.Table.from_pylist(copies)])
    assert "augment trained on, with 1 augmented copy label fruit original text 0 copy 1 text 1" in tell(name)
    other = judged.loc[judged["keep"] & (judged["split"] == "train"), "id"].iloc[1]
    assert "augment data/train lacks this row; run `dvc repro`" in tell(other)
    held = id_of("test.csv:3")
    said = {"id": [held], "split": ["test"], "given_label": ["fruit"], "predicted_label": ["fruit"]}
    write_tables(
        paths.PREDICTIONS, [pa.table({**said, "predictions": named_columns(np.array([[0.9, 0.1]]), ["fruit", LABEL])})]
    )
    assert (
        f"predict the model predicts fruit, the given label given label fruit predictions fruit 0.900, {LABEL} 0.100"
        in tell(held)
    )


def test_columns_that_stages_add_are_told(copy_of_text_data: Path, tell: Tell) -> None:
    name, other = id_of("test.csv:3"), id_of("test.csv:4")
    table = read_table(paths.DUPLICATE_VERDICTS)
    for column, value in (("manner", "in_words"), ("found", ["one", "two"]), ("ratio", 0.25), ("like", [other])):
        table = table.append_column(column, pa.array([value] * table.num_rows))
    write_tables(paths.DUPLICATE_VERDICTS, [table])
    assert f"manner in_words found one, two ratio 0.250 like {other[:8]} test.csv:4: " in tell(name)


def test_numbers_stand_beside_what_they_are_held_against(copy_of_text_data: Path, tell: Tell) -> None:
    story = tell(id_of("test.csv:3"))
    assert re.search(r" score -?[0-9.]+ \(rows above 8.0 are marked\)", story)
    assert re.search(r" label quality [0-9.]+ \(the policy drop applies to the worst training rows: 100.0%\)", story)


# --- another decision ---


def advised(story: str) -> dict[str, str]:
    """What the lines that the story proposes for the ledger say: the label of each action."""
    return dict(re.findall("[0-9a-f]{32},([a-z]+),([A-Z]*),", story))


def decide(name: str, action: str, label: str, *stages: Any) -> None:
    paths.LEDGER.write_text(f"id,action,label,note\n{name},{action},{label},\n")
    for stage in stages:
        stage.main(load_params(stage.Params))


def test_the_ledger_does_what_the_story_says_of_it(copy_of_text_data: Path, tell: Tell) -> None:
    outcomes = read_outcomes().fillna({"reason": "stays"})
    told = {name: advised(tell(name)) for name in outcomes["id"]}
    for name, reason in outcomes[["id", "reason"]].itertuples(index=False):
        if reason == "stays":
            assert told[name] == {"relabel": "LABEL", "drop": ""}
        elif reason in trace.KEPT_IF_REVIEWED:
            assert "keep" in told[name]
            decide(name, "keep", "", clean, dedupe, outliers, split, label_audit)
            assert read_outcomes().set_index("id").loc[name, "split"] == "train"
        elif reason in load_reasons("text", "category").of_labels:
            assert told[name] == {"relabel": "LABEL"}
            decide(name, "relabel", "fruit", clean)
            assert name in set(read_frame(paths.CLEANED, ["id"])["id"])
        else:
            assert told[name] == {}, reason
    assert {"exact_duplicate", "near_duplicate", "outlier", "label_issue", "missing_label", "unreadable_row"} <= set(
        outcomes["reason"]
    )


def test_the_advice_counts_its_lines_and_explains_its_label(copy_of_text_data: Path, tell: Tell) -> None:
    stays, unlabelled, leak = (tell("--row", source) for source in ("test.csv:3", f"{FILE}:4", f"{FILE}:10"))
    label = ", with the right label in place of LABEL, then run `dvc repro`"
    assert f"add one of these lines to data/ledger.csv{label}" in stays
    assert f"add this line to data/ledger.csv{label}" in unlabelled
    assert "add this line to data/ledger.csv, then run `dvc repro` to keep it" in leak


def test_who_decided_already_is_sent_to_that_line(copy_of_text_data: Path, tell: Tell) -> None:
    name = id_of("test.csv:3")
    decide(name, "keep", "", clean)
    assert tell(name).endswith(
        "overrule a person decided about this row: change its line in data/ledger.csv, then run `dvc repro`"
    )


def test_nothing_reaches_the_terminal_as_a_command(copy_of_text_data: Path, tell: Tell) -> None:
    story = tell("--row", f"{FILE}:2")
    assert "\x1b" not in story and "\\x1b[31m" in story
    assert tell("--row", "a\x1b[31m\n\u202e.csv:1").startswith(r"trace: error: a\x1b[31m\n\u202e.csv:1: no row has")


@pytest.mark.parametrize(("data", "preview"), [("image_data", "image, 8 x 8, PNG"), ("audio_data", "audio, 0.")])
def test_other_contents_have_their_story(
    data: str, preview: str, request: pytest.FixtureRequest, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(request.getfixturevalue(data))
    rows = read_frame(paths.CLEAN_VERDICTS, ["id"])["id"]
    assert all(f"content {preview}" in tell(name) for name in rows[:3])
    assert "--text finds texts" in tell("--text", "an apple")
