"""What is done about labels and contents that are missing, labels that are spelled in several ways, and labels of too
few rows.
"""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from stages import clean as stage
from stages.cleaning.missing import is_missing_content, is_missing_label, without_missing_names
from stages.contracts.label import Suggestion, load_target
from stages.core import paths
from stages.core.errors import InputError
from stages.core.run import Counts
from stages.core.tables import iter_rows, read_frame
from stages.labels.names import suggest_names
from stages.modalities.text.clean.cleaner import CleanParams
from stages.targets.category import label as category_label
from tests import tiny
from tests.collected import ids_of, write_collected

Clean = Callable[..., Counts]


class TextSection(stage.Section):
    text: CleanParams


@pytest.fixture
def clean(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Clean:
    """Cleans texts with their labels; keywords are of clean.label."""
    monkeypatch.chdir(tmp_path)
    paths.LEDGER.parent.mkdir()
    paths.LEDGER.write_text("id,action,label,note\n")

    def run(
        rows: Sequence[tuple[str, str | None]],
        target: str = "category",
        missing: Sequence[str] = (),
        groups: Sequence[str | None] = (),
        **label: Any,
    ) -> Counts:
        write_collected(rows, groups)
        names = {} if target == "number" else tiny.CLEAN_NAMES | ({"on_invalid": "repair"} if target == "tags" else {})
        params = load_target(target).LabelParams(**{**names, **label})
        section = TextSection(label=params, missing=list(missing), text=CleanParams(**tiny.CLEAN_TEXT))
        return stage.main(stage.Params.model_construct(modality="text", target=target, clean=section))

    return run


def labels() -> list[Any]:
    return [row["label"] for row in iter_rows(paths.CLEANED)]


def reasons() -> list[str | None]:
    return [row["reason"] for row in iter_rows(paths.CLEAN_VERDICTS)]


def suggested() -> list[tuple[str, str, int]]:
    return [(row["key"], row["value"], row["rows"]) for row in iter_rows(paths.SUGGESTIONS)]


def warning_of(counts: Counts, see: str) -> str:
    """The message of the one warning that names `see`."""
    (message,) = [warning.message for warning in counts.warnings if warning.see == see]
    return message


# --- missing ---


@pytest.mark.parametrize("raw", ["NA", " n a ", "na\n", '["NA"]', '["na", "N A"]'])
def test_spellings_are_compared_without_case_and_space(raw: str) -> None:
    assert is_missing_label(raw, {"na"})
    assert not is_missing_label(raw, set())


@pytest.mark.parametrize("raw", ["Nan", "banana", "[]", '["NA", "pear"]', '[" "]', "[NA", "", None])
def test_what_is_not_listed_is_not_missing(raw: str | None) -> None:
    assert not is_missing_label(raw, {"na"})


@pytest.mark.parametrize(
    ("raw", "present"),
    [
        ('["NA", "pear"]', '["pear"]'),
        ('["pear", "n a", "fig"]', '["pear", "fig"]'),
        ('["pear"]', '["pear"]'),
        ("[]", "[]"),
        ('["NA"]', None),
        ("NA", None),
        ("[NA", "[NA"),  # no list
        (None, None),
    ],
)
def test_missing_names_leave_lists(raw: str | None, present: str | None) -> None:
    assert without_missing_names(raw, {"na"}) == present


def test_a_number_names_a_group_unless_most_rows_have_it(clean: Clean) -> None:
    rows = rows_of(["fruit", "tool"] * 10)
    clean(rows, groups=[str(number // 2) for number in range(20)])
    assert suggested() == []
    counts = clean(rows, groups=["0"] * 10 + [str(number) for number in range(10)])
    assert "11 of 20 rows are in the group '0'" in warning_of(counts, "clean.missing")


def test_a_rare_class_of_minus_1_may_be_none(clean: Clean) -> None:
    clean(rows_of(["0", "1", "2"] * 10 + ["-1"] * 2))
    assert ("clean.missing", "-1", 2) in suggested()
    clean(rows_of(["0", "1", "-1"] * 10))
    assert ("clean.missing", "-1", 10) not in suggested()


def test_numbers_of_yaml_are_spellings() -> None:
    section = TextSection(
        label=load_target("category").LabelParams(**tiny.CLEAN_NAMES),
        missing=[-1, 0, "NA"],
        text=CleanParams(**tiny.CLEAN_TEXT),
    )
    assert section.missing == ["-1", "0", "NA"]


def test_a_pair_needs_both_sides() -> None:
    assert is_missing_content(b"a pear\x1eN/A", {"n/a"})
    assert not is_missing_content(b"n/a pears", {"n/a"})
    assert not is_missing_content(b"\xff\xfena", {"na"})


def test_listed_spellings_are_missing_and_others_are_suggested(clean: Clean) -> None:
    rows = [
        ("a pear", "None"),
        ("a fig", " n/a "),
        ("N/A", "fruit"),
        ("-", "fruit"),
        ("a plum", "none"),
        ("a spade", "tool"),
        ("an apple", ""),
    ]
    clean(rows)
    assert labels() == ["None", "n/a", "fruit", "fruit", "none", "tool"]  # nothing is eaten unasked
    assert suggested()[:3] == [("clean.missing", "-", 1), ("clean.missing", "n/a", 2), ("clean.missing", "none", 2)]
    clean(rows, missing=["N/A", "-"])
    assert reasons() == [None, "missing_label", "empty", "empty", None, None, "missing_label"]
    assert labels() == ["None", "none", "tool"]
    assert [one for one in suggested() if one[0] == "clean.missing"] == [("clean.missing", "none", 2)]


def test_a_label_that_somebody_gave_is_not_missing(clean: Clean) -> None:
    ids = write_collected(rows := [("a pear", "fruit"), ("a stone", "None"), ("a fig", "None")])
    paths.LEDGER.write_text(f"id,action,label,note\n{ids[0]},relabel,None,\n{ids[1]},keep,,\n")
    clean(rows, missing=["None"])
    assert labels() == ["None", "None"]
    assert reasons() == [None, None, "missing_label"]


def test_missing_numbers_are_told_from_what_is_no_number(clean: Clean) -> None:
    clean(
        [("a pear", "nan"), ("a fig", "-999"), ("a plum", "two"), ("a stone", "2")],
        "number",
        ["NaN", "-999"],
        minimum=None,
        maximum=None,
    )
    assert reasons() == ["missing_label", "missing_label", "not_a_number", None]


def test_missing_groups_and_times_stand_for_nothing(clean: Clean) -> None:
    rows = [(f"pear {number}", "fruit") for number in range(10)]
    groups = ["N/A"] * 6 + [" n/a", "tree 1", "tree 1", None]
    message = warning_of(clean(rows, groups=groups), "clean.missing")
    assert "6 of 10 rows are in the group 'N/A'" in message
    assert "list it in clean.missing" in message
    assert ("clean.missing", "n/a", 14) in suggested()  # 7 groups and 7 times
    counts = clean(rows, missing=["n/a"], groups=groups)
    cleaned = read_frame(paths.CLEANED, ["group", "time"])
    assert cleaned["group"].dropna().tolist() == cleaned["time"].dropna().tolist() == ["tree 1", "tree 1"]
    assert not [warning for warning in counts.warnings if warning.see == "clean.missing"]


def test_a_large_group_that_is_also_a_label_is_not_for_clean_missing(clean: Clean) -> None:
    rows = [(f"pear {number}", str(number % 2)) for number in range(10)]
    message = warning_of(clean(rows, groups=["0"] * 10), "clean.missing")
    assert message.endswith("leave it out in the source")
    message = warning_of(clean(rows, groups=["orchard"] * 6 + ["field"] * 4), "collect.columns.group")
    assert message == "6 of 10 rows are in the group 'orchard', so all of them are in one split"


def test_a_long_pair_with_a_missing_side(clean: Clean) -> None:
    long = "a pear that hangs in a tree beside the house in which we lived in those years"
    clean(
        [(f"{long}\x1e N/A ", "fruit"), (f"N/A\x1e{long}", "fruit"), (f"{long}\x1eN/A pears", "fruit")], missing=["N/A"]
    )
    assert reasons() == ["empty", "empty", None]
    text = "This review was removed by its author, who no longer has an account with this shop."
    clean([(text, "fruit"), (long, "fruit")], missing=[text])
    assert reasons() == ["empty", None]


@pytest.mark.parametrize("raw", [b"\x89PNG \x1e?\xff\xd8", b"a\x1e?\x1eb", b"\xff\x1e?", b"\xff" * 99 + b"\x1e?"])
def test_bytes_of_an_image_are_no_missing_side(raw: bytes) -> None:
    assert not is_missing_content(raw, {"?"})


# --- suggestions ---


def meaning_of(suggestion: Suggestion) -> str:
    """What the alias of a suggestion means, as params.yaml would be read; empty if it is no alias."""
    if "`" not in suggestion.proposal:
        return ""
    ((name, meant),) = yaml.safe_load(suggestion.proposal.split("`")[1]).items()
    assert name == suggestion.value
    assert isinstance(meant, str)
    return meant


def names(*given: tuple[str, int], **changes: Any) -> list[tuple[str, str, str]]:
    """Key, value, and what is proposed in the place of the value."""
    found = suggest_names(dict(given), category_label.LabelParams(**tiny.CLEAN_NAMES | changes))
    return [
        (
            one.key.removeprefix("clean.label."),
            one.value,
            meaning_of(one),
        )
        for one in found
    ]


@pytest.mark.parametrize(
    ("rarer", "commoner"),
    [
        ("Tshirt", "T-Shirt"),
        ("t shirt", "T-Shirt"),
        ("NEGATIVE", "negative"),
        ("Cafe", "café"),
        ("pos.", "pos"),
        ("covid19", "covid-19"),
        ("card_fee", "card fee"),
        ("Dresses", "Dress"),
        ("Shoe", "Shoes"),
        ("category", "categories"),
        ("Longsleve", "Longsleeve"),
        ("Longsleevve", "Longsleeve"),
        ("Longslevee", "Longsleeve"),
        ("Longslexve", "Longsleeve"),
        ("1.0", "1"),
        ("01", "1"),
        ("2.50", "2.5"),
        ("ｆｒｕｉｔ", "fruit"),
        ("fru\u0456t", "fruit"),  # a Cyrillic letter
        ("\u0391pple", "Apple"),  # a Greek one
        ("ﬁg", "fig"),
        ("covid\u201119", "covid-19"),
    ],
)
def test_spellings_of_one_name_are_suggested(rarer: str, commoner: str) -> None:
    assert names((rarer, 3), (commoner, 200), ("other things", 9)) == [("aliases", rarer, commoner)]
    assert names((rarer, 3), (commoner, 200), aliases={rarer: commoner}) == []
    assert names((rarer, 3), (commoner, 200), drop=[rarer]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Shirt", "T-Shirt"),
        ("Pants", "Panty"),
        ("typical", "atypical"),
        ("version1", "version2"),
        ("1-2", "12"),
        ("-1", "1"),
        ("1.0", "10"),
        ("A-", "A"),
        ("C", "C++"),
        ("a", "A"),
        ("new", "news"),
        ("1", "1s"),
        ("が", "か"),
        ("1.0", "1.5"),
        ("-1.0", "1"),
        ("0", "O"),
        ("вино", "вода"),
    ],
)
def test_two_classes_are_not_taken_for_one(one: str, other: str) -> None:
    assert names((one, 3), (other, 200)) == names((other, 3), (one, 200)) == []


def test_words_that_are_both_common_are_no_typos() -> None:
    assert names(("complement", 30), ("compliment", 200)) == []
    assert names(("complement", 20), ("compliment", 200)) == [("aliases", "complement", "compliment")]


def test_the_commonest_spelling_is_the_one_that_is_meant() -> None:
    found = names(("T-Shirt", 200), ("Tshirt", 3), ("t-shirts", 2), ("T shirt", 1))
    assert found == [
        ("aliases", "Tshirt", "T-Shirt"),
        ("aliases", "T shirt", "T-Shirt"),
        ("aliases", "t-shirts", "T-Shirt"),
    ]


def test_names_of_no_class_are_suggested_for_dropping() -> None:
    given = [
        ("Shirt", 78),
        ("Not sure", 46),
        ("not_clear", 2),
        ("Don't know", 4),
        ("Other", 15),
        ("Skip", 5),
        ("Otherworldly", 2),
    ]
    assert names(*given) == [("drop", name, "") for name in ("Don't know", "Not sure", "Other", "Skip", "not_clear")]
    assert names(*given, drop=["Not sure", "Other", "Skip", "not_clear", "Don't know"]) == []


@pytest.mark.parametrize("name", ["Yes", "1", "a: b", "#1", "it's", "null", "- a", "y", "[x]", "a b", "Größe"])
def test_a_suggested_alias_can_be_written_into_params(name: str) -> None:
    ((_, value, meant),) = names((f"{name}.", 1), (f"{name}", 5)) or [("", "", name)]
    assert (value, meant) in [(f"{name}.", name), ("", name)]


def test_long_names_are_not_searched_for_typos() -> None:
    start = "fruit " * 2_000
    assert names(*((f"{start}{number:05}x", 1) for number in range(500))) == []


def test_many_names_are_compared_in_time() -> None:
    many = [
        (f"{''.join(chr(97 + number // 26**place % 26) * 4 for place in range(4))} name", 1) for number in range(20_000)
    ]
    assert len(names(*many)) == 0


@pytest.mark.parametrize(
    ("target", "rows"),
    [
        ("categories", [(json.dumps(["fruits", "tool"]), 2), (json.dumps(["fruit"]), 5), ("no list", 1)]),
        ("tags", [("B-fruits I-fruits O", 2), ("B-fruit O B-fruit", 5), ("?", 1)]),
    ],
)
def test_names_are_found_in_labels_of_several(target: str, rows: list[tuple[str, int]]) -> None:
    found = load_target(target).suggest(
        dict(rows),
        load_target(target).LabelParams(**tiny.CLEAN_NAMES, **({"on_invalid": "repair"} if target == "tags" else {})),
    )
    assert [(one.value, one.rows) for one in found] == [("fruits", 2)]


# --- labels that look like something else ---


def rows_of(labels: Sequence[str]) -> list[tuple[str, str | None]]:
    return [(f"thing {number}", label) for number, label in enumerate(labels)]


def test_labels_that_hardly_repeat_are_no_classes(clean: Clean) -> None:
    labels = [f"item {number}" for number in range(40)] + ["fruit"] * 20
    message = r"data/collected: 40 of 60 rows have a label that no other row has, such as 'item 0', 'item 1', 'item 10'"
    with pytest.raises(InputError, match=message):
        clean(rows_of(labels))
    assert not Path("data/cleaned").exists()
    assert clean(rows_of(labels), min_rows=2, on_rare="drop").rows_kept == 20
    with pytest.raises(InputError, match="set target: number"):
        clean(rows_of([f"{number}.5" for number in range(60)]))
    assert clean(rows_of([f"{number}.5" for number in range(60)]), "number", minimum=None, maximum=None).rows_kept == 60


@pytest.mark.parametrize(
    ("labels", "see", "message"),
    [
        (
            ["a.jpg", "b.PNG", "c.jpg"],
            "collect.columns.label",
            "3 of 3 labels look like names of files, such as 'a.jpg'",
        ),
        (["train", "Test"], "collect.splits", "the labels look like names of splits: 'Test', 'train'"),
        (["fruit"], "collect.columns.label", "all 20 rows have the label 'fruit': there is little to learn"),
        (
            ["fruit"] * 39 + ["tool"],
            "collect.columns.label",
            "97.5% of the 40 rows have the label 'fruit': there is little to learn",
        ),
    ],
)
def test_labels_that_are_hardly_classes(clean: Clean, labels: list[str], see: str, message: str) -> None:
    labels = labels * max(1, 20 // len(labels))
    assert warning_of(clean(rows_of(labels)), see) == message


def test_contents_that_are_equal(clean: Clean) -> None:
    counts = clean([("not available", "fruit"), ("not available", "tool")] * 6 + rows_of(["fruit", "tool"] * 5))
    assert warning_of(counts, "collect.columns.content") == "12 of 22 rows have the same content"
    assert clean(rows_of(["fruit", "tool"] * 10)).warnings == []


def test_names_in_params_that_no_row_has(clean: Clean) -> None:
    rows = rows_of(["fruit", "Tool", "junk"] * 7)
    counts = clean(rows, aliases={"Tol": "tool"}, drop=["Junk", "rubbish"], missing=["n/a"])
    assert warning_of(counts, "clean.label.aliases") == "no row has the label 'Tol' (but 'Tool')"
    assert warning_of(counts, "clean.label.drop") == "no row has the label 'Junk' (but 'junk'), nor 1 more"
    assert warning_of(counts, "clean.missing") == "no label, content, group or time is 'n/a'"
    assert clean(rows, aliases={"Tool": "tool", "junk": "other"}, drop=["other"]).warnings == []
    counts = clean(rows_of(["fruit", "Fruit", "tool"] * 7), aliases={"Fruit": "fruut"})
    assert (
        warning_of(counts, "clean.label.aliases") == "the label 'fruut' is made by an alias only, and is like 'fruit'"
    )
    assert clean(rows_of(["1", "2"] * 7), aliases={"1": "approval", "2": "disapproval"}).warnings == []


@pytest.mark.parametrize(("target", "form"), [("category", "{}"), ("categories", '["{}", "tool"]')])
def test_a_class_whose_contents_are_all_dropped(clean: Clean, target: str, form: str) -> None:
    rows = rows_of([form.format(name) for name in ["fruit", "tool"] * 7])
    rows += [("", form.format("Stone")), ("", form.format("stone")), ("", form.format("junk"))]
    names = {"aliases": {"stone": "Stone"}, "drop": ["junk"]}
    message = "no row with the label 'Stone' is kept: 2 are dropped, 2 as empty"
    counts = clean(rows, target, **names)
    assert [warning.message for warning in counts.warnings if "is kept" in warning.message] == [message]
    assert clean([*rows, ("a stone on the table", form.format("stone"))], target, **names).warnings == []


# --- numbers as people write them ---


@pytest.mark.parametrize("error", ["#DIV/0!", "-1.#IND", "#N/A", "\\N", "-nan"])
def test_errors_of_spreadsheets_are_missing_numbers(clean: Clean, error: str) -> None:
    rows = rows_of(["1", "2", error])
    assert clean(rows, "number", minimum=None, maximum=None).warnings == []
    assert suggested() == [("clean.missing", error.casefold(), 1)]
    clean(rows, "number", missing=[error], minimum=None, maximum=None)
    assert (reasons()[-1], suggested()) == ("missing_label", [])


@pytest.mark.parametrize(
    ("odd", "see"),
    [
        ("3,5", "collect.decimal"),
        ("1.500,50", "collect.decimal"),
        ("0,125", "collect.decimal"),
        ("-2,25", "collect.decimal"),
        ("1.234.567", "collect.decimal"),
        ("1,200", "collect.decimal"),
        ("1,200.50", "collect.columns.label"),
        ("1,234,567", "collect.columns.label"),
        *((text, "collect.columns.label") for text in ("12 %", "€ 12", "12 kg", "1 200", "½", "1/2", "3-5", "٣٫٥")),
    ],
)
def test_numbers_in_other_forms_are_told(clean: Clean, odd: str, see: str) -> None:
    plain = [str(number) for number in range(18)]
    counts = clean(rows_of([*plain, odd]), "number", minimum=None, maximum=None)
    assert reasons()[-1] == "not_a_number"
    assert "1 of 19 labels " in (message := warning_of(counts, see))
    assert repr(odd) in message
    assert suggested() == [(see, odd, 1)]
    with pytest.raises(InputError, match=r"data/collected: 9 of 27 labels .*" + re.escape(repr(odd))):
        clean(rows_of([*plain, *[odd] * 9]), "number", minimum=None, maximum=None)


@pytest.mark.parametrize(
    ("odd", "number"),
    [("1e3", 1000.0), ("\u22125", -5.0), ("+7", 7.0), ("٣", 3.0), ("12\u200e", 12.0), ("\u202a8\u202c", 8.0)],
)
def test_numbers_that_can_be_read_in_one_way_only(clean: Clean, odd: str, number: float) -> None:
    assert clean(rows_of([odd, "1"]), "number", minimum=None, maximum=None).warnings == []
    assert labels() == [number, 1.0]


def test_words_are_no_numbers(clean: Clean) -> None:
    """The wrong column is a likelier mistake than a decimal comma."""
    with pytest.raises(InputError, match=r"its label is 'fruit'; see collect\.columns\.label and collect\.decimal$"):
        clean(rows_of(["fruit", "tool"]), "number", minimum=None, maximum=None)


def test_thousands_are_not_read_as_fractions(clean: Clean) -> None:
    """One label that can only be 1500.5 says that 1.200 is not 1.2."""
    with pytest.raises(InputError, match=r"a dot separates thousands, so '1\.200' is not 1\.2; set collect\.decimal"):
        clean(rows_of([*["870"] * 50, "1.200", "1.500,50"]), "number", minimum=None, maximum=None)
    clean(rows_of(["1.200", "2.555", "870"]), "number", minimum=None, maximum=None)
    assert labels() == [1.2, 2.555, 870.0]


# --- rare labels ---

FRUIT = [
    ("a pear", "fruit"),
    ("a fig", "fruit"),
    ("a plum", "fruit"),
    ("an anvil", "tool"),
    ("a spade", "tool"),
    (" ", "tool"),
    ("a moth", "insect"),
]


def test_rare_labels_stop_the_run(clean: Clean) -> None:
    with pytest.raises(
        InputError,
        match=r"clean\.label\.min_rows: 2 labels have fewer than 3 rows: 'insect' \(1\), 'tool' \(2\); set "
        r"clean\.label\.on_rare",
    ):
        clean(FRUIT, min_rows=3)  # a row that is dropped does not count
    assert sorted(path.name for path in Path("data").iterdir()) == ["collected", "ledger.csv"]  # nothing was written
    assert clean(FRUIT, min_rows=1).rows_kept == 6


def test_rare_labels_are_dropped(clean: Clean) -> None:
    counts = clean(FRUIT, min_rows=2, on_rare="drop")
    assert counts.metrics()["dropped_rare_label"] == 1
    assert counts.rows_in == counts.rows_kept + sum(counts.dropped.values()) == 7
    assert labels() == ["fruit"] * 3 + ["tool"] * 2
    assert reasons() == [None] * 5 + ["empty", "rare_label"]
    before = {path: path.read_bytes() for path in Path("data").rglob("*.parquet")}
    with pytest.raises(InputError, match="none of 7 rows can be used"):
        clean(FRUIT, min_rows=9, on_rare="drop")
    assert {path: path.read_bytes() for path in Path("data").rglob("*.parquet")} == before


def test_the_name_that_rare_labels_become_may_be_rare_only_where_they_are_merged(clean: Clean) -> None:
    rows = [*FRUIT, ("a box of things", "other")]
    assert clean(rows, min_rows=2, on_rare="drop", merge_into="other").metrics()["dropped_rare_label"] == 2
    assert "dropped_rare_label" not in clean(rows, min_rows=2, on_rare="merge", merge_into="other").metrics()


def test_names_in_params_are_read_as_labels_are(clean: Clean) -> None:
    clean(
        [("an apple", "fruit"), ("a pear", "Fruit"), ("a nail", "tool")],
        aliases={" Fruit ": "fruit\u200b"},
        drop=[" tool"],
    )
    assert [row["label"] for row in iter_rows(paths.CLEANED)] == ["fruit", "fruit"]
    with pytest.raises(ValidationError, match="the name must not be blank"):
        clean(FRUIT, merge_into=" ")


def test_rare_labels_are_merged(clean: Clean) -> None:
    counts = clean(FRUIT, min_rows=3, on_rare="merge", merge_into="thing", aliases={"insect": "bug"})
    assert labels() == ["fruit"] * 3 + ["thing"] * 3
    assert counts.metrics()["repaired_rare_label"] == 3
    assert [row["repairs"] for row in iter_rows(paths.CLEAN_VERDICTS)][-1] == ["rare_label"]
    assert read_frame(paths.CLEANED, ["content"])["content"].tolist() == [
        "a pear",
        "a fig",
        "a plum",
        "an anvil",
        "a spade",
        "a moth",
    ]


def test_one_row_may_get_the_label_of_merged_ones(clean: Clean) -> None:
    """It is no slip of the pen, though the source does not have it."""
    (id,) = ids_of(FRUIT[:1])
    paths.LEDGER.write_text(f"id,action,label,note\n{id},relabel,thing,\n")
    message = "no row of the source has the label 'thing'"
    with pytest.raises(InputError, match=message):
        clean(FRUIT, min_rows=2, on_rare="drop", merge_into="thing")
    counts = clean(FRUIT, min_rows=2, on_rare="merge", merge_into="thing")
    assert labels()[0] == "thing"
    assert not any(message in warning.message for warning in counts.warnings)


def test_rare_names_among_several(clean: Clean) -> None:
    rows = [("a pear", '["fruit"]'), ("a fig", '["fruit", "wood"]'), ("a moth", '["insect"]'), ("a stone", "[]")]
    clean(rows, "categories", min_rows=2, on_rare="drop")
    assert (labels(), reasons()) == ([["fruit"], ["fruit"], []], [None, None, "rare_label", None])
    clean(rows, "categories", min_rows=2, on_rare="merge")
    assert labels() == [["fruit"], ["fruit", "other"], ["other"], []]


def test_rare_entities(clean: Clean) -> None:
    rows = [("a\x1fpear\x1f", "O B-fruit"), ("a\x1ffig\x1f", "O B-fruit"), ("a\x1fmoth\x1f", "O B-insect")]
    clean(rows, "tags", min_rows=2, on_rare="drop")
    assert (labels()[2], reasons()) == (["O", "O"], [None] * 3)
    clean(rows, "tags", min_rows=2, on_rare="merge")
    assert labels()[2] == ["O", "B-other"]
