"""Labels that are ids, texts or a whole file, as the column is the wrong one: refused in one line, and not compared."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from stages.cleaning.ledger import NAMED, Decision, check_classes
from stages.contracts.label import load_target
from stages.core.errors import InputError
from stages.labels.names import LONGEST_NAME, as_name, spellings, suggest_names, without_rare
from stages.targets.category.label import LabelParams
from tests import tiny
from tests.steps import grows_linearly

COLUMN = {"tags": "collect.columns.label (or collect.tag_column)"}


def params_of(target: str, **changes: Any) -> Any:
    more = {"on_invalid": "repair"} if target == "tags" else {}
    return load_target(target).LabelParams(**{**tiny.CLEAN_NAMES, **more, **changes})


def raw(target: str, name: str) -> str:
    return {"category": name, "categories": json.dumps([name]), "tags": f"O B-{name}"}[target]


def check(target: str, rows_of: Mapping[str, int], **changes: Any) -> None:
    given = {raw(target, name): n_rows for name, n_rows in rows_of.items()}
    load_target(target).check(given, params_of(target, **changes))


@pytest.mark.parametrize("target", ["category", "categories", "tags"])
def test_labels_that_hardly_repeat_are_not_the_label(target: str) -> None:
    question = f"is {COLUMN.get(target, 'collect.columns.label')} the column of the label?"
    unique = "100 of 120 rows have a label that no other row has"
    if target != "category":
        unique = "100 of 101 labels are those of a single row"
    with pytest.raises(InputError) as error:
        check(target, {"fruit": 20, **{f"id{n:03}x": 1 for n in range(100)}})
    assert str(error.value) == f"data/collected: {unique}, such as 'id000x', 'id001x', 'id002x'; {question}"

    few_each = {f"id{n:04}x": 2 for n in range(1_001)}
    advice = f"{question} If these are classes, leave out or merge those of few rows: see clean.label.min_rows"
    with pytest.raises(InputError) as error:
        check(target, few_each)
    start = "data/collected: 1,001 different labels in 2,002 rows, such as 'id0000x', 'id0001x', 'id0002x'"
    assert str(error.value) == f"{start}; {advice}"
    with pytest.raises(InputError, match="1,001 different labels with at least 2 rows in 2,002 rows"):
        check(target, few_each, min_rows=2, on_rare="drop")
    check(target, few_each, min_rows=3, on_rare="drop")
    check(target, few_each, min_rows=3, on_rare="merge")

    with pytest.raises(InputError, match="10,001 different labels in 50,005 rows"):
        check(target, {f"id{n}x": 5 for n in range(10_001)})
    check(target, {f"class{n}x": 5 for n in range(1_001)})


@pytest.mark.parametrize(
    ("target", "reason"), [("category", "not_a_name"), ("categories", "not_a_name"), ("tags", "invalid_tags")]
)
def test_what_is_far_too_long_is_no_name(target: str, reason: str) -> None:
    clean_label = load_target(target).clean_label
    for name in ("x" * 100_000, "word " * 20_000):
        assert clean_label(raw(target, name.strip().replace(" ", "_")), None, params_of(target)).reason == reason
    assert clean_label(raw(target, "x" * (LONGEST_NAME - 2)), None, params_of(target)).reason is None
    assert load_target(target).SEE[reason].startswith("collect.")


def test_brackets_inside_each_other_are_no_list_of_names() -> None:
    assert load_target("categories").clean_label("[" * 100_000, None, params_of("categories")).reason == "not_a_list"


# --- comparing names ---


@pytest.mark.parametrize("name", ["{}", "category {}"])
def test_names_that_differ_in_one_sign_are_not_all_compared(name: str) -> None:
    """As the characters that a model of handwriting learns."""

    def work_of(size: int) -> Callable[[], object]:
        rows_of = {name.format(chr(0x4E00 + number)): 10 for number in range(size)}
        return lambda: spellings(rows_of)

    assert grows_linearly(work_of, 60)


def test_names_that_are_too_long_are_not_compared() -> None:
    rows_of = {
        "other" + "\u0301" * 2 * LONGEST_NAME: 5,
        "Fruit" * LONGEST_NAME: 1,
        "fruit" * LONGEST_NAME: 5,
        "tool": 5,
    }
    assert suggest_names(rows_of, params_of("category")) == []


def test_rare_labels_are_dropped_though_the_others_were_looked_up_before() -> None:
    params = LabelParams(**{**tiny.CLEAN_NAMES, "drop": ["tool"], "min_rows": 2, "on_rare": "drop"})
    assert params.dropped == {"", "tool"}
    changed = without_rare({"fruit": 2, "Rare": 1}, params)
    assert changed is not None
    assert changed.dropped == {"", "tool", "Rare"}
    assert isinstance(changed.dropped, frozenset)  # rows are compared with it: a list of many rare names takes long


def test_not_all_new_classes_of_the_ledger_are_compared_and_named() -> None:
    decisions = {str(n): Decision("relabel", f"new {n // 2}", n) for n in range(100)}
    warnings = check_classes(decisions, {"fruit": 5}, load_target("category"), params_of("category"), Path("ledger"))
    assert len(warnings) == NAMED + 1
    assert warnings[-1] == "40 more labels are those of decisions, but of no row of the source"


def test_names_have_no_control_characters() -> None:
    """They become names of metrics, which `dvc metrics show` reads as YAML and prints."""
    codes = [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x202A, 0x202E, 0x2066, 0x2028, 0x2029, 0xFEFF]
    assert {as_name(f"a{chr(code)}é") for code in codes} == {"aé", "a é"}
    assert as_name("\x1b[31mfruit\x1b[0m \x9b2J \x1b]0;title\x07") == "fruit"
