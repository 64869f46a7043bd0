"""People review labels in a terminal, and their answers go into the ledger."""

import csv
import io
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from filelock import FileLock

from stages import clean, dedupe, label_audit, outliers, split
from stages.contracts.label import load_target
from stages.core import paths
from stages.core.params import load_params
from stages.core.tables import iter_rows, read_frame, row_schema, write_tables
from tests import samples, tiny
from tests.collected import ids_of, write_collected
from tests.data_line import LABEL
from tools import freshness, review

Reviewed = Callable[..., str]
HEADER = "id,action,label,note\n"


@pytest.fixture
def answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], contents_in_this_process: None
) -> Reviewed:
    """What `python -m tools.review` prints if these lines are typed; of an error the one line."""

    def run(*typed: str, arguments: Sequence[str] = ()) -> str:
        monkeypatch.setattr(sys, "argv", ["review", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
        try:
            review.main()
        except SystemExit as error:
            capsys.readouterr()
            return str(error.code)
        return capsys.readouterr().out

    return run


def queued_ids() -> list[str]:
    return sorted(row["id"] for row in iter_rows(paths.REVIEW_QUEUE))


def ledger() -> str:
    return paths.LEDGER.read_bytes().decode()


def queue_rows(task: str, rows: Sequence[tuple[str, str]], suggested: str, **label_params: Any) -> list[str]:
    """Makes rows of content and raw label the queue of this task, and returns their ids, smallest first."""
    params: dict[str, Any] = samples.load("lines", task).params()
    params["clean"]["label"] |= label_params
    tiny.write_params(Path(), params)
    shutil.copyfile(tiny.ROOT / "dvc.yaml", "dvc.yaml")
    write_collected(rows)
    paths.LEDGER.write_text(HEADER)
    target, labels = load_target(params["target"]), load_params(clean.Params).clean.label
    ids = ids_of(rows)
    table, queue = [], []
    for id, (content, raw) in zip(ids, rows, strict=True):
        label = target.clean_label(raw, content, labels).label
        keys = dict.fromkeys(("group", "time", "given_split"))
        table.append({"id": id, "content": content, "label": label, "source": "x", **keys})
        suggestion = target.clean_label(suggested, content, labels).label
        verdict = {"in_doubtful": True, "in_all": False, "label_quality": 0.125, "reviewed": False}
        queue.append({"id": id, "given_label": label, "suggested_label": suggestion, **verdict})
    write_tables(paths.CLEANED, [pa.Table.from_pylist(table, schema=row_schema(pa.string(), target.LABEL))])
    schema = pa.schema([("id", pa.string()), ("source_label", target.LABEL)])
    write_tables(
        paths.CLEAN_VERDICTS, [pa.Table.from_pylist([{"id": id, "source_label": None} for id in ids], schema=schema)]
    )
    types = {"given_label": target.LABEL, "suggested_label": target.LABEL}
    write_tables(
        paths.REVIEW_QUEUE,
        [
            pa.table({name: pa.array([row[name] for row in queue], types.get(name)) for name in queue[0]}),
        ],
    )
    return sorted(ids)


ANIMALS = [("a cat sleeps", "cat"), ("a dog barks", "dog"), ("a cow gives milk", "cow"), ("another cat", "cat")]


@pytest.fixture
def animals(workplace: None) -> list[str]:
    return queue_rows("text_category", ANIMALS, "cow")


# --- what is shown ---


def test_rows_are_shown_by_id_without_what_the_audit_thinks(copy_of_text_data: Path, answer: Reviewed) -> None:
    ids = queued_ids()
    assert len(ids) > 20
    printed = answer(*["s"] * len(ids))
    assert re.findall(r"row \d+ of \d+: ([0-9a-f]{32})", printed) == ids
    rows = read_frame(paths.CLEANED).set_index("id")
    flat = " ".join(printed.split())
    for number, id in enumerate(ids, start=1):
        content = " ".join(str(rows.loc[id, "content"])[:80].split())
        assert f"row {number} of {len(ids)}: {id} {content}" in flat
    assert f"given label: {rows.loc[ids[0], 'label']}" in printed
    assert "the audit suggests" not in printed and "rates" not in printed
    assert f"Left to review: {len(ids)} of {len(ids)} rows. Decided: 0, of which" in printed


def test_what_the_audit_suggests_is_told_after_the_answer(animals: list[str], answer: Reviewed) -> None:
    printed = answer("k", "d")
    assert re.search(r">   kept; the audit suggests cow, and rates the given label 0\.12\n", printed)
    assert re.search(r">   dropped; the audit suggests cow, and rates the given label 0\.12\n", printed)


def test_a_long_text_is_cut_and_written_to_a_file(workplace: None, answer: Reviewed) -> None:
    text = "first line\n" + "word " * 195 + "end of it " + "much more"
    (id,) = queue_rows("text_category", [(text, "cat")], "cat")
    printed = answer("q")
    assert "  first line\n  word word" in printed
    assert "end of" in printed and "much more" not in printed
    path = Path(f"build/review/{id}.txt")
    assert f"… and {len(text) - 1_000} more characters: {path}" in printed
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("data", "shown", "ending", "start"),
    [("image_data", "image, 8 x 8, PNG", "png", b"\x89PNG"), ("audio_data", "audio, 0.", "flac", b"fLaC")],
)
def test_other_contents_are_written_to_files(
    data: str,
    shown: str,
    ending: str,
    start: bytes,
    request: pytest.FixtureRequest,
    answer: Reviewed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(shutil.copytree(request.getfixturevalue(data), tmp_path / "line"))
    printed = answer("s", "s")
    for id in queued_ids()[:2]:
        path = Path(f"build/review/{id}.{ending}")
        assert re.search(rf"  {shown}.*: {path}\n", printed)
        assert path.read_bytes().startswith(start)


def test_nothing_reaches_the_terminal_as_a_command(workplace: None, answer: Reviewed) -> None:
    hostile = "red \x1b[31m\u202e\n\rtext"
    queue_rows("text_category", [(hostile, "cat"), ("a dog", "d\x1b]0;title\x07og<b>")], "cat")
    for printed in (answer("\x1b[A", "s", "s"), answer(arguments=["--list"])):
        assert printed.replace("\n", "").isprintable()
        assert r"red \x1b[31m\u202e" in printed


def test_the_list_has_one_line_per_row_and_asks_nothing(animals: list[str], answer: Reviewed) -> None:
    paths.LEDGER.write_text(f"{HEADER}{animals[1]},keep,,\n")
    lines = answer(arguments=["--list"]).splitlines()
    assert lines[0].startswith("maybe out of date")  # there is no DVC here
    labels = {f"{text} {label}": id for id, (text, label) in zip(ids_of(ANIMALS), ANIMALS, strict=True)}
    wanted = {id: f"{id} {key.split()[-1]}: {key.rpartition(' ')[0]}" for key, id in labels.items()}
    assert lines[1:] == [wanted[id] for id in animals if id != animals[1]]


# --- answers ---


def test_answers_become_decisions(animals: list[str], answer: Reviewed) -> None:
    rows = {row["id"]: row["label"] for row in iter_rows(paths.CLEANED)}
    other = next(number for number, name in enumerate(("cat", "cow", "dog"), start=1) if name != rows[animals[1]])
    name = ("cat", "cow", "dog")[other - 1]
    printed = answer("", str(other), "d", "s")
    assert (
        ledger()
        == f"{HEADER}{animals[0]},keep,,review\n{animals[1]},relabel,{name},review\n{animals[2]},drop,,review\n"
    )
    assert f"relabelled as {name}; the audit" in printed
    assert "Left to review: 1 of 4 rows. Decided: 3, of which wrong label: 1, cannot be used: 1." in printed
    assert "Run `dvc repro label_audit`, then `dvc metrics diff`: metrics/label_audit.json" in printed
    again = answer("k")
    assert f"row 1 of 1: {animals[3]}" in again
    assert "Left to review: 0 of 4 rows. Decided: 4," in again
    assert "row 1" not in answer()


def test_a_name_or_k_is_an_answer_and_the_given_label_is_kept(animals: list[str], answer: Reviewed) -> None:
    rows = {row["id"]: row["label"] for row in iter_rows(paths.CLEANED)}
    answer("k", f" {rows[animals[1]]} ", "cow" if rows[animals[2]] == "dog" else "dog", "q")
    assert [line.split(",")[1] for line in ledger().splitlines()[1:]] == ["keep", "keep", "relabel"]


def test_what_is_no_answer_is_asked_again(animals: list[str], answer: Reviewed) -> None:
    printed = answer("dgo", "9", "0", "\ufffd", "u", "w" * 1_001)
    assert "no row of the source has the label 'dgo'; write a new label to" in printed
    assert "no row of the source has the label '9'; write a new label to data/ledger.csv by hand" in printed
    assert "there is nothing to undo" in printed
    assert "because its label is too long for the name of a class" in printed
    assert ledger() == HEADER
    assert printed.count("row 1 of 4") == 1


def test_a_slip_gets_the_nearest_class_and_an_unwanted_one_its_reason(workplace: None, answer: Reviewed) -> None:
    queue_rows("text_category", [("one", "negative"), ("two", "positive")], "positive", drop=["unsure"])
    printed = answer("negatve", "unsure")
    assert "no row of the source has the label 'negatve'; the nearest is 'negative'" in printed
    assert "'unsure' cannot be the label of a row, because its label is listed in clean.label.drop" in printed


def test_undo_takes_the_last_answer_back_and_asks_again(animals: list[str], answer: Reviewed) -> None:
    printed = answer("k", "s", "d", "u", "u", "s", "k")
    assert re.findall(r"row (\d) of 4", printed) == ["1", "2", "3", "4", "3", "1", "2", "3"]
    assert ledger() == f"{HEADER}{animals[1]},keep,,review\n"


def test_names_that_are_numbers_or_keys_can_be_typed(workplace: None, answer: Reviewed) -> None:
    rows = [("a one", "1"), ("a two", "2"), ("a zero", "0"), ("a letter", "d")]
    ids = queue_rows("text_category", rows, "0")
    given = dict(zip(ids_of(rows), rows, strict=True))
    printed = answer("=d", "2", "d", "q")
    wanted = [("relabel", "d") if given[ids[0]][1] != "d" else ("keep", "")]
    wanted.append(("relabel", "2") if given[ids[1]][1] != "2" else ("keep", ""))
    wanted.append(("drop", ""))
    assert [tuple(line.split(",")[1:3]) for line in ledger().splitlines()[1:]] == wanted
    assert "  0, 1, 2, d\n  type =d for the class d: d alone is a key\n" in printed


def test_a_class_can_be_chosen_whose_name_aliases_give_to_another(workplace: None, answer: Reviewed) -> None:
    rows = [("a dog", "cat"), ("a cat", "dog"), ("another cat", "dog")]
    ids = queue_rows("text_category", rows, "cat", aliases={"cat": "dog", "dog": "cat"})
    given = [dict(zip(ids_of(rows), ("dog", "cat", "cat"), strict=True))[id] for id in ids]
    printed = answer("1", "dog", "q")
    assert "  1 cat, 2 dog\n" in printed
    kept = [given[0] == "cat", given[1] == "dog"]
    actions = [",keep," if is_kept else f",relabel,{name}" for is_kept, name in zip(kept, ("dog", "cat"), strict=True)]
    assert ledger() == HEADER + "".join(f"{id}{action},review\n" for id, action in zip(ids, actions, strict=False))
    assert printed.count("relabelled as cat;") == (not kept[0])
    assert printed.count("relabelled as dog;") == (not kept[1])


def test_several_classes_can_be_chosen_whose_names_aliases_give_to_others(workplace: None, answer: Reviewed) -> None:
    rows = [("a dog", '["cat"]'), ("a cat", '["dog"]')]
    ids = queue_rows("text_categories", rows, "[]", aliases={"cat": "dog", "dog": "cat"})
    typed = ("1,2", '["cat", "dog"]')
    assert answer(*typed).count("relabelled as cat, dog;") == 2
    assert ledger() == HEADER + "".join(f'{id},relabel,"[""dog"", ""cat""]",review\n' for id in ids)


def test_classes_that_no_source_has_can_be_chosen_if_rows_have_them(animals: list[str], answer: Reviewed) -> None:
    """Those of several decisions, and that of merged rare labels."""
    (fox,) = ids_of(ANIMALS[3:])
    rows = [row | {"label": "fox"} if row["id"] == fox else row for row in iter_rows(paths.CLEANED)]
    write_tables(paths.CLEANED, [pa.Table.from_pylist(rows, schema=row_schema(pa.string(), pa.string()))])
    others = [id for id in animals if id != fox]
    keys = {others[0]: "fox", others[1]: "4"}
    printed = answer(*(keys.get(id, "s") for id in animals))
    assert "  1 cat, 2 cow, 3 dog, 4 fox\n" in printed
    assert ledger() == HEADER + "".join(f"{id},relabel,fox,review\n" for id in others[:2])


def test_answers_are_written_as_names(animals: list[str], answer: Reviewed) -> None:
    """What a terminal adds to them, such as the codes of arrow keys, is not part of any name."""
    labels = {row["id"]: row["label"] for row in iter_rows(paths.CLEANED)}
    other = "cow" if labels[animals[0]] != "cow" else "dog"
    printed = answer("9" * 5_000, f"{other[:1]}\x00\x1b[A{other[1:]}\u200b")
    assert "because its label is too long for the name of a class" in printed
    assert ledger() == f"{HEADER}{animals[0]},relabel,{other},review\n"


def test_many_classes_are_listed_when_they_are_asked_for(workplace: None, answer: Reviewed) -> None:
    rows = [(f"about {name}", f"class {name}") for name in map(chr, range(0x61, 0x61 + 31))]
    queue_rows("text_category", rows, "class a")
    assert "class b" not in answer("q").split("given label")[1].split("\n")[1]
    printed = answer("?", "q")
    assert "?: all classes" in printed
    assert re.search(r"\d+ class b, \d+ class c,", printed)


# --- other labels ---


def test_several_categories_are_typed_as_numbers_names_or_a_list(workplace: None, answer: Reviewed) -> None:
    ids = queue_rows("text_categories", [(f"text {n}", '["0"]') for n in range(4)] + [("other", '["1"]')], "[]")
    other = ids.index(ids_of([("other", '["1"]')])[0])
    typed = ["1,2", " tool ,fruit", "[]", '["1", "0"]']
    typed.insert(other, "stone")
    printed = answer(*typed[: other + 1], *(["s"] if other < 5 else []), *typed[other + 1 :])
    assert "  1 fruit, 2 tool\n" in printed
    assert "no row of the source has the label 'stone'" in printed
    assert relabelled() == ['["fruit", "tool"]', '["tool", "fruit"]', "[]", '["1", "0"]']
    assert "relabelled as fruit, tool;" in printed and "relabelled as (none);" in printed


def test_names_with_commas_and_brackets_are_names(workplace: None, answer: Reviewed) -> None:
    labels = ['["red, blue"]', '["red"]', '["blue"]', '["[x]"]', '["one, two"]']
    rows = [(f"text {number}", label) for number, label in enumerate(labels)]
    ids = queue_rows("text_categories", [*rows, ("the row", "[]")], "[]")
    (id,) = ids_of([("the row", "[]")])

    def typed(*lines: str) -> str:
        paths.LEDGER.write_text(HEADER)
        return answer(*["s"] * ids.index(id), *lines)

    assert "'red, blue' is the name of one class and of 2; type a list of names in []" in typed("red, blue")
    for line in ("red,,blue", ",", "1,"):
        assert f"'{line}' lacks a name at a comma" in typed(line)
    assert ledger() == HEADER
    for line, label in (
        ("one, two", '["one, two"]'),
        ("[x]", '["[x]"]'),
        ("5", '["red, blue"]'),
        ('["red, blue"]', '["red, blue"]'),
        ("red,blue", '["red", "blue"]'),
    ):
        typed(line)
        assert relabelled() == [label]


def test_labels_that_only_look_alike_are_not_the_given_one(workplace: None, answer: Reviewed) -> None:
    queue_rows("text_categories", [("two names", '["red", "blue"]'), ("one name", '["red, blue"]')], "[]")
    answer('["red, blue"]', '["red, blue"]')
    assert sorted(line.split(",", 2)[1] for line in ledger().splitlines()[1:]) == ["keep", "relabel"]
    ids = queue_rows("text_number", [("one", "1.00000001"), ("two", "1.00000001")], "2")
    answer("1", "1.0000001")  # the first as it is shown
    assert ledger() == f"{HEADER}{ids[0]},keep,,review\n{ids[1]},relabel,1.0000001,review\n"


def relabelled() -> list[str]:
    """The labels in the ledger, all of whose decisions give one."""
    decisions = list(csv.DictReader(io.StringIO(ledger())))
    assert {decision["action"] for decision in decisions} == {"relabel"}
    return [decision["label"] for decision in decisions]


def test_a_number_that_only_looks_like_the_given_one_is_another(workplace: None, answer: Reviewed) -> None:
    (id,) = queue_rows("text_number", [("one", "3.1415926")], "2")
    answer("3.1415930")
    assert paths.LEDGER.read_text().splitlines()[1:] == [f"{id},relabel,3.1415930,review"]


def test_numbers_are_typed_as_they_are(workplace: None, answer: Reviewed) -> None:
    ids = queue_rows("text_number", [("one", "1.5"), ("two", "1.5")], "2")
    printed = answer("many", "1.50", "2.25")
    assert "'many' cannot be the label of a row, because its label is not a number" in printed
    assert ledger() == f"{HEADER}{ids[0]},keep,,review\n{ids[1]},relabel,2.25,review\n"
    assert "relabelled as 2.25; the audit suggests 2," in printed


def test_tags_are_kept_or_dropped_but_not_typed(workplace: None, answer: Reviewed) -> None:
    ids = queue_rows("text_tags", [("an apple", "O B-fruit"), ("a file", "O B-tool")], "O O")
    printed = answer("O O", "k", "d")
    assert "'O O' is no key; to correct tags, edit data/ledger.csv by hand" in printed
    assert "right label" not in printed
    assert ledger() == f"{HEADER}{ids[0]},keep,,review\n{ids[1]},drop,,review\n"


# --- the ledger ---


@pytest.mark.parametrize(
    ("before", "ending"),
    [
        (HEADER + "0000,keep,,\"a note, with 'signs'\"\n", "\n"),
        (HEADER + "0000,keep,,no line break", "\n"),
        ("\ufeff" + HEADER.strip() + "\r\n0000,drop,,by a spreadsheet\r\n", "\r\n"),
        (HEADER.strip() + '\r\n0000,drop,,"two\nlines"', "\r\n"),
    ],
)
def test_what_the_ledger_holds_stays_byte_for_byte(
    animals: list[str], answer: Reviewed, before: str, ending: str
) -> None:
    paths.LEDGER.write_bytes(before.encode())
    answer("k", "d")
    start = before if before.endswith("\n") else before + ending
    assert ledger() == f"{start}{animals[0]},keep,,review{ending}{animals[1]},drop,,review{ending}"
    paths.LEDGER.write_bytes(before.encode())
    answer("k", "u")
    assert ledger() == before


def test_each_answer_is_saved_before_the_next_question(
    animals: list[str], answer: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def typed() -> Iterator[str | None]:
        for key in ("k", "d", None):
            seen.append(ledger().count("\n") - 1)
            yield key

    keys = typed()
    monkeypatch.setattr(review, "ask", lambda question: next(keys))
    answer()
    assert seen == [0, 1, 2]


def test_a_ledger_that_cannot_be_replaced_stays_as_it_is(
    animals: list[str], answer: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    error = "data/ledger.csv cannot be written (No space left on device); all answers but the last one are saved"
    assert answer("k") == f"review: error: {error}"
    assert ledger() == HEADER
    assert [path.name for path in paths.LEDGER.parent.glob("*ledger*")] == ["ledger.csv"]


def test_a_link_stays_a_link(animals: list[str], answer: Reviewed, tmp_path: Path) -> None:
    shared = paths.LEDGER.rename(tmp_path / "shared.csv")
    paths.LEDGER.symlink_to(shared)
    answer("k")
    assert paths.LEDGER.is_symlink() and shared.read_text().endswith(f"{animals[0]},keep,,review\n")


def test_a_read_only_ledger_is_named_before_the_first_question(animals: list[str], answer: Reviewed) -> None:
    paths.LEDGER.chmod(0o444)
    assert answer("k") == "review: error: data/ledger.csv is read-only; allow this user to write it and its folder"
    assert ledger() == HEADER


def test_a_second_review_is_refused(animals: list[str], answer: Reviewed) -> None:
    paths.RUN_LOCKS.mkdir(parents=True)
    with FileLock(paths.RUN_LOCKS / "review"):
        assert answer("k") == "review: error: another review is going on in this folder; end it first, with q"
        assert animals[0] in answer(arguments=["--list"])
    assert "kept" in answer("k")


def test_what_others_write_meanwhile_is_not_lost(
    animals: list[str], answer: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def typed() -> Iterator[str]:
        yield "k"
        paths.LEDGER.write_text(ledger() + f"{animals[1]},drop,,by hand\n")
        yield "u"

    keys = typed()
    monkeypatch.setattr(review, "ask", lambda question: next(keys))
    error = f"data/ledger.csv was changed meanwhile; remove this line by hand: {animals[0]},keep,,review"
    assert answer() == f"review: error: {error}"

    def again() -> Iterator[str]:
        paths.LEDGER.write_text(ledger() + f"{animals[2]},drop,,by hand\n")
        yield "k"

    keys = again()
    error = f"data/ledger.csv, line 4: a decision about row {animals[2]} was added meanwhile; start again"
    assert answer() == f"review: error: {error}"
    assert ledger() == f"{HEADER}{animals[0]},keep,,review\n" + "".join(f"{id},drop,,by hand\n" for id in animals[1:3])


# --- the queue ---


def test_a_queue_that_is_missing_or_old_is_named(
    animals: list[str], answer: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "outdated", lambda ignored: {"label_audit": f"lr modified, not {sorted(ignored)}"})
    assert answer("k") == "review: error: data/review_queue is out of date: lr modified, not ['data/ledger.csv']"
    monkeypatch.setattr(freshness, "outdated", lambda ignored: {"finetune": "lr modified"})
    assert "kept" in answer("k")
    table = pa.Table.from_pylist([row for row in iter_rows(paths.CLEANED) if row["id"] != animals[1]])
    write_tables(paths.CLEANED, [table])
    assert answer("k") == (
        f"review: error: data/review_queue is older than data/cleaned, which lacks its row {animals[1]}; "
        "run `dvc repro label_audit`"
    )
    paths.REVIEW_QUEUE.rename("gone")
    assert answer("k") == "review: error: data/review_queue: there is no queue yet; run `dvc repro label_audit`"


def test_the_audit_counts_what_people_decided(copy_of_text_data: Path, answer: Reviewed) -> None:
    """Twenty rows, of which every fourth gets the other label. None of them moves to another split."""
    ids = queued_ids()[:20]
    labels = read_frame(paths.CLEANED).set_index("id")["label"]
    wrong = set(ids[::4])
    typed = [("fruit" if labels[id] == LABEL else LABEL) if id in wrong else "" for id in ids]
    assert "Decided: 20, of which wrong label: 5, cannot be used: 0." in answer(*typed)
    for stage in (clean, dedupe, outliers, split):
        stage.main(load_params(stage.Params))
    metrics = label_audit.main(load_params(label_audit.Params)).more
    assert (metrics["noise_rate_rows"], metrics["noise_rate"]) == (20, pytest.approx(0.25))
    assert metrics["noise_rate_low"] < 0.25 < metrics["noise_rate_high"]
    # From now on these rows have the labels of people, and those of the source are counted as before.
    assert "of which wrong label: 5," in answer("q")
