"""The training set: original rows and their copies, balanced as params say."""

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pytest

from stages import augment
from stages.core import paths, tables
from stages.core.tables import read_frame, write_frame
from stages.tasks.text_category import augment as text_category_augment
from tests.conftest import Run
from tests.rows import write_rows
from tests.tiny import phrase

pytestmark = pytest.mark.usefixtures("workplace")


BASKET = {"a1": "apple", "a2": "apple", "a3": "apple", "a4": "apple", "p1": "pear", "p2": "pear", "q1": "quince"}


@pytest.mark.parametrize(
    ("copies", "balance", "ratio", "expected"),
    [
        (0, "none", 1.0, {"apple": 4, "pear": 2, "quince": 1}),
        (2, "none", 1.0, {"apple": 12, "pear": 6, "quince": 3}),
        (0, "oversample", 1.0, {"apple": 4, "pear": 4, "quince": 4}),
        (0, "oversample", 0.5, {"apple": 4, "pear": 2, "quince": 2}),
        (1, "oversample", 1.0, {"apple": 8, "pear": 8, "quince": 8}),
    ],
)
def test_classes_are_balanced(copies: int, balance: str, ratio: float, expected: Mapping[str, int]) -> None:
    section = augment.Section.model_validate({"copies": copies, "balance": balance, "balance_ratio": ratio})
    strata = {row: (label,) for row, label in BASKET.items()}
    plan = augment.plan_copies(strata, section)
    assert min(plan.values()) >= copies
    assert Counter(label for row, label in BASKET.items() for _ in range(1 + plan[row])) == expected
    for label in expected:  # evenly over the rows of a class
        of_label = [plan[row] for row in BASKET if BASKET[row] == label]
        assert max(of_label) - min(of_label) <= 1
    assert augment.plan_copies(dict(reversed(strata.items())), section) == plan


def test_rows_of_several_strata_count_for_each_of_them() -> None:
    strata = {"a1": ("apple",), "a2": ("apple",), "a3": ("apple", "pear"), "a4": ("apple", "quince"), "p1": ("pear",)}
    plan = augment.plan_copies(
        strata, augment.Section.model_validate({"copies": 0, "balance": "oversample", "balance_ratio": 0.75})
    )
    assert plan == {"a1": 0, "a2": 0, "a3": 1, "a4": 2, "p1": 0}  # three quinces; then one pear more


class AugmentSection(augment.Section):
    text: text_category_augment.AugmentParams


def train_rows(run: Run, rows: Sequence[int], seed: int = 1) -> dict[tuple[str, int], tuple[str, str, float]]:
    """Content, label and weight of data/train, by id and copy, where label_audit kept these rows."""
    given = write_rows(["fruit"] * 8, [phrase(number) for number in range(8)])
    schema = pa.schema(
        [*tables.verdict_schema(("split", pa.string())), ("label", pa.string()), ("weight", pa.float64())]
    )
    kept, splits = [number in rows for number in range(8)], ["test" if number == 7 else "train" for number in range(8)]
    final = given.assign(label=["fruit", "tool"] * 4, keep=kept, split=splits, weight=[1.0, 0.25] * 4)
    write_frame(paths.LABEL_VERDICTS, final, schema)
    section = AugmentSection(
        copies=2,
        balance="none",
        balance_ratio=1.0,
        text=text_category_augment.AugmentParams(swap=0.3, delete=0.2, typo=0.2),
    )
    run(augment, augment.Params.model_construct(modality="text", target="category", seed=seed, augment=section))
    written = read_frame(paths.TRAIN).to_dict("records")
    return {(row["id"], row["copy"]): (row["content"], row["label"], row["weight"]) for row in written}


def test_training_rows_are_the_originals_and_their_copies(run: Run) -> None:
    found = train_rows(run, [0, 1, 4, 7])
    assert list(found) == [(row, copy) for row in ("000", "001", "004") for copy in range(3)]
    assert [found[row, 0][0] for row in ("000", "001", "004")] == [phrase(0), phrase(1), phrase(4)]
    assert len({content for content, _, _ in found.values()}) == 9
    assert [found[row, 2][1] for row in ("000", "001", "004")] == ["fruit", "tool", "fruit"]  # the final labels
    assert [weight for _, _, weight in found.values()] == [1.0] * 3 + [0.25] * 3 + [1.0] * 3


def test_a_copy_depends_on_its_own_row_and_the_seed(run: Run) -> None:
    some, more, other = train_rows(run, [1, 4]), train_rows(run, [0, 1, 2, 3, 4]), train_rows(run, [1, 4], seed=2)
    assert {key: more[key] for key in some} == some
    assert all((other[key] == some[key]) == (key[1] == 0) for key in some)


def test_every_copy_has_a_seed_of_its_own() -> None:
    seeds = [augment.copy_seed(seed, row, copy) for seed in (1, 2) for row in ("a1", "a11") for copy in range(1, 13)]
    assert len(set(seeds)) == len(seeds)


def test_many_copies_of_few_rows_give_a_warning() -> None:
    strata = {f"{number:02d}": ("fruit",) if number < 30 else ("tool",) for number in range(32)}

    def warnings(balance: str, copies: int = 0) -> list[tuple[str, str]]:
        section = augment.Section.model_construct(copies=copies, balance=balance, balance_ratio=1.0)
        found = augment.warnings(augment.plan_copies(strata, section), strata, section, closed=True)
        return [(one.message, one.see) for one in found]

    message = "oversampling copies rows with the label 'tool' 14 times; the model may learn these rows by heart"
    assert warnings("oversample") == [(message, "augment.balance_ratio")]
    assert warnings("none", copies=20) == []  # asked for
    assert "oversampling makes 56 copies of 32 training rows" in [text for text, _ in warnings("oversample", copies=1)]
