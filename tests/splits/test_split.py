"""How rows are dealt out, and drawn into splits."""

import random
from collections import Counter
from typing import Any

import pandas as pd
import pytest

from stages import split
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import read_frame
from stages.splits.draw import by_fold, by_hash
from stages.splits.stratify import deal
from tests.rows import write_rows

SECTION = {"method": "stratified", "validation": 0.2, "test": 0.2, "gap": 0.0, "folds": 5, "fold": 0, "max_leaks": 0}


pytestmark = pytest.mark.usefixtures("workplace")


# --- dealing out ---

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}


def random_units(seed: int, rows: int = 60) -> pd.DataFrame:
    """Rows in units of one to three rows; a unit is of one stratum, of three."""
    rng = random.Random(seed)
    found: list[tuple[str, str]] = []
    while len(found) < rows:
        found += [(f"unit {len(found)}", rng.choice("aab"))] * rng.randint(1, 3)
    return pd.DataFrame(found, columns=["unit", "stratum"])


def dealt(rows: pd.DataFrame, seed: int = 1) -> pd.Series:
    return pd.Series(
        deal(rows["unit"].tolist(), [(stratum,) for stratum in rows["stratum"]], SHARES, seed), index=rows.index
    )


@pytest.mark.parametrize("seed", range(5))
def test_units_stay_whole_and_strata_have_their_shares(seed: int) -> None:
    rows = random_units(seed)
    rows["part"] = dealt(rows)
    assert (rows.groupby("unit")["part"].nunique() == 1).all()
    largest = rows.groupby("unit").size().max()
    for _, stratum in rows.groupby("stratum"):
        for part, share in SHARES.items():
            assert abs((stratum["part"] == part).sum() - share * len(stratum)) <= largest


def test_dealing_does_not_depend_on_the_order_of_rows() -> None:
    rows = random_units(1)
    shuffled = rows.sample(frac=1, random_state=3)
    assert dealt(shuffled).sort_index().tolist() == dealt(rows).tolist()


def test_another_seed_deals_otherwise() -> None:
    rows = random_units(1)
    assert dealt(rows, seed=1).tolist() == dealt(rows, seed=1).tolist()
    assert dealt(rows, seed=1).tolist() != dealt(rows, seed=2).tolist()


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_a_small_stratum_is_in_every_part(size: int, count: int) -> None:
    """`count` units of `size` rows, beside a large stratum."""
    small = pd.DataFrame(
        {"unit": [f"rare {number}" for number in range(count) for _ in range(size)], "stratum": "rare"}
    )
    rows = pd.concat([random_units(1), small], ignore_index=True)
    assert set(dealt(rows)[rows["stratum"] == "rare"]) == set(SHARES)


@pytest.mark.parametrize("count", [3, 4, 8])
@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("shares", [SHARES, dict.fromkeys("012", 1 / 3)])
def test_no_part_is_empty_though_every_unit_has_a_stratum_of_its_own(
    shares: dict[str, float], size: int, count: int
) -> None:
    units = [f"unit {number}" for number in range(count) for _ in range(size)]
    assert set(deal(units, [(unit,) for unit in units], shares, 1)) == set(shares)


def test_units_of_two_strata_are_dealt_too() -> None:
    rows = pd.DataFrame({"unit": [f"pair {number // 2}" for number in range(80)], "stratum": ["a", "b"] * 40})
    rows["part"] = dealt(rows)
    assert (rows.groupby("unit")["part"].nunique() == 1).all()
    assert rows.groupby(["stratum", "part"]).size().to_dict() == {
        (s, p): n for s in "ab" for p, n in (("train", 28), ("validation", 6), ("test", 6))
    }


@pytest.mark.parametrize("seed", range(5))
def test_rows_of_several_strata_are_spread_over_the_parts(seed: int) -> None:
    rng = random.Random(seed)
    strata = [tuple(sorted(rng.sample("abcdef", rng.randint(1, 3)))) for _ in range(300)]
    strata += [("a", "rare"), ("b", "c", "rare"), ("rare",)]
    parts = deal([f"row {number}" for number in range(len(strata))], strata, SHARES, seed)
    for name in (*"abcdef", "rare"):
        inside = [part for part, row in zip(parts, strata, strict=True) if name in row]
        assert set(inside) == set(SHARES), name
        assert name == "rare" or all(
            abs(inside.count(part) / len(inside) - share) < 0.05 for part, share in SHARES.items()
        ), name


# --- split ---


def split_verdicts(rows: pd.DataFrame, method: str = "stratified", seed: int = 1, **more: Any) -> pd.DataFrame:
    """The verdicts beside the rows; holds that the tables of content have the rows that are kept, and no unit is in
    two splits.
    """
    section = split.Section.model_validate(SECTION | {"method": method, **more})
    counts = split.main(split.Params(target="category", seed=seed, split=section))
    assert counts.rows_in == counts.rows_kept + sum(counts.dropped.values())
    verdicts = read_frame(paths.SPLIT_VERDICTS)
    assert verdicts["id"].tolist() == rows["id"].tolist()
    kept = verdicts[verdicts["keep"]]
    assert (kept.groupby("unit")["split"].nunique() == 1).all()
    for name, folder in paths.HELD_OUT.items():
        assert read_frame(folder)["id"].tolist() == kept.loc[kept["split"] == name, "id"].tolist()
    found = rows.drop(columns=["split", "unit", "keep", "reason"]).merge(verdicts, on="id")
    assert found["keep"].tolist() == found["reason"].isna().tolist()
    return found.astype(object).where(found.notna(), None)


def test_units_join_clusters_and_groups_through_others() -> None:
    clusters = pd.Series(["a", "b", "b", "c", "d", "e", "f"])
    groups = pd.Series(["g1", "g1", "g2", "g2", None, None, "g3"])
    assert split.units(clusters, groups).tolist() == ["#g1", "#g1", "#g1", "#g1", "d", "e", "#g3"]
    assert split.units(clusters[::-1], groups[::-1]).tolist() == ["#g3", "e", "d", "#g1", "#g1", "#g1", "#g1"]


def test_rows_of_one_group_stay_together() -> None:
    groups = [f"farm {number % 12}" for number in range(60)]
    rows = write_rows(["fruit", "fruit", "tool"] * 20, group=groups)
    found = split_verdicts(rows)
    assert (found.groupby("group")["split"].nunique() == 1).all()
    assert set(found["split"]) == {"train", "validation", "test"}
    assert found["keep"].all()


def test_split_has_its_shares_for_every_label() -> None:
    found = split_verdicts(write_rows(["fruit"] * 50 + ["tool"] * 20))
    sizes = found.groupby(["label", "split"]).size().to_dict()
    assert sizes == {
        ("fruit", "train"): 30,
        ("fruit", "validation"): 10,
        ("fruit", "test"): 10,
        ("tool", "train"): 12,
        ("tool", "validation"): 4,
        ("tool", "test"): 4,
    }


def test_split_depends_on_the_seed() -> None:
    rows = write_rows(["fruit", "tool"] * 20)
    assert split_verdicts(rows, seed=1)["split"].tolist() != split_verdicts(rows, seed=2)["split"].tolist()


def test_duplicates_leave_and_outliers_leave_training_alone() -> None:
    unique, typical = [True] * 40, [True] * 40
    unique[3] = False
    typical[4:40] = [False] * 36
    rows = write_rows(
        ["fruit", "tool"] * 20,
        unique=unique,
        typical=typical,
        cluster=["002" if number == 3 else f"{number:03d}" for number in range(40)],
    )
    with pytest.MonkeyPatch.context() as patch:  # nearly every row is an outlier here: let few rows be enough
        patch.setattr(split, "check_labels", lambda *_: None)
        found = split_verdicts(rows).set_index("id")
    assert (found.loc["003", "reason"], found.loc["003", "split"]) == ("duplicate", None)
    far = found[4:]
    assert set(far.loc[far["split"] == "train", "reason"]) == {"outlier"}
    assert set(far.loc[far["split"] != "train", "reason"]) == {None}
    assert found.loc[["000", "001", "002"], "reason"].tolist() == [None] * 3


def test_rows_that_people_reviewed_are_no_outliers() -> None:
    rows = write_rows(
        ["fruit", "tool"] * 20,
        typical=[number % 4 > 1 for number in range(40)],
        reviewed=[number < 20 for number in range(40)],
    )
    found = split_verdicts(rows)
    assert set(found.loc[found["reviewed"].astype(bool), "reason"]) == {None}
    assert "outlier" in set(found["reason"])


def corrected(changes: dict[int, str]) -> pd.Series:
    """The splits of 40 rows, of which a person corrected some."""
    collected = ["fruit", "tool"] * 20
    source_labels = [collected[row] if row in changes else None for row in range(40)]
    labels = [changes.get(row, label) for row, label in enumerate(collected)]
    return split_verdicts(write_rows(labels, source_label=source_labels))["split"]


def test_no_row_moves_when_a_person_corrects_labels() -> None:
    assert corrected(dict.fromkeys(range(0, 20, 2), "tool")).tolist() == corrected({}).tolist()


def test_a_class_that_only_corrected_rows_have_is_in_every_split() -> None:
    splits = corrected(dict.fromkeys(range(5), "toy"))
    assert set(splits[:5]) == {"train", "validation", "test"}


def test_split_by_time_is_in_the_order_of_time() -> None:
    days = random.Random(0).sample(range(1, 31), 30)
    rows = write_rows(["fruit", "tool"] * 15, time=[f"2024-06-{day:02d}" for day in days])
    found = split_verdicts(rows, method="time")
    days_of = {
        name: sorted(days[int(row)] for row in found.loc[found["split"] == name, "id"])
        for name in ("train", "validation", "test")
    }
    assert days_of == {"train": [*range(1, 19)], "validation": [*range(19, 25)], "test": [*range(25, 31)]}


def test_split_by_time_puts_a_group_where_its_latest_row_falls() -> None:
    groups: list[str | None] = [None] * 30
    groups[0] = groups[29] = "farm"
    rows = write_rows(["fruit", "tool"] * 15, time=[f"2024-06-{day:02d}" for day in range(1, 31)], group=groups)
    found = split_verdicts(rows, method="time").set_index("id")
    assert found.loc[["000", "029"], "split"].tolist() == ["test", "test"]
    assert found.loc["001", "split"] == "train"


def test_given_splits_are_honoured_and_the_missing_one_is_drawn() -> None:
    given = ["test" if number < 10 else "train" for number in range(60)]
    found = split_verdicts(write_rows(["fruit", "tool"] * 30, given_split=given))
    assert found.groupby(["given_split", "split"]).size().to_dict() == {
        ("test", "test"): 10,
        ("train", "train"): 40,
        ("train", "validation"): 10,
    }


def test_training_rows_of_a_held_out_group_go() -> None:
    given = ["test"] * 10 + ["validation"] * 10 + ["train"] * 40
    groups: list[str | None] = [None] * 60
    groups[0] = groups[10] = groups[20] = groups[21] = "farm"
    groups[11] = groups[30] = "shop"
    found = split_verdicts(write_rows(["fruit", "tool"] * 30, given_split=given, group=groups)).set_index("id")
    assert found.index[found["reason"] == "group_of_held_out"].tolist() == ["010", "020", "021", "030"]
    assert found.loc[["000", "011"], "keep"].tolist() == [True, True]
    assert [name for name, one in zip(given, found["split"], strict=True) if name != one] == []


@pytest.mark.parametrize("seed", range(3))
def test_large_units_are_not_all_for_training(seed: int) -> None:
    """Units of 20 rows are 60% of the rows: each part has its share of them, not the small ones only."""
    rows = pd.DataFrame(
        {
            "unit": [f"large {number // 20}" for number in range(1_200)] + [f"small {number}" for number in range(800)],
            "stratum": "a",
        }
    )
    rows["part"] = dealt(rows, seed)
    large = rows[rows["unit"].str.startswith("large")]["part"].value_counts(normalize=True)
    assert all(abs(large[part] - share) < 0.05 for part, share in SHARES.items())
    assert all(abs(rows["part"].value_counts(normalize=True)[part] - share) < 0.005 for part, share in SHARES.items())


# --- the gap between splits by time ---


def test_rows_in_the_gap_before_held_out_rows_leave() -> None:
    rows = write_rows(["fruit", "tool"] * 15, time=[f"2024-06-{day:02d}T12:00" for day in range(1, 31)])
    found = split_verdicts(rows, method="time", gap=2.0)
    day = found["id"].astype(int) + 1
    assert day[found["reason"] == "gap"].tolist() == [18, 24]  # validation starts on the 19th, test on the 25th
    assert [
        day[(found["split"] == name) & found["reason"].isna()].agg(["min", "max"]).tolist()
        for name in ("train", "validation", "test")
    ] == [
        [1, 17],
        [19, 23],
        [25, 30],
    ]


# --- stable ---


def test_no_row_moves_when_others_come() -> None:
    """Rows of known groups and of new ones are added, and copies of a row."""
    groups: list[str | None] = [None] * 200 + [f"farm {number % 9}" for number in range(100)]
    before = split_verdicts(write_rows(["fruit", "tool"] * 150, group=groups), method="stable").set_index("id")["split"]
    more = [f"farm {number % 12}" if number < 40 else None for number in range(60)]
    rows = write_rows(
        ["fruit", "tool"] * 180,
        group=groups + more,
        cluster=[f"{number:03d}" if number < 340 else "007" for number in range(360)],
    )
    after = split_verdicts(rows, method="stable").set_index("id")["split"]
    assert after[before.index].tolist() == before.tolist()
    assert set(after.loc["340":]) == {before["007"]}
    shares = before.value_counts(normalize=True)
    assert all(abs(shares[name] - share) < 0.08 for name, share in (("train", 0.6), ("validation", 0.2), ("test", 0.2)))


def test_another_share_of_validation_leaves_the_test_rows_alone() -> None:
    units = pd.Series([f"{number:04d}" for number in range(2_000)])
    one, other = (by_hash(units, {"validation": share, "test": 0.15}, seed=1) for share in (0.1, 0.2))
    assert ((one == "test") == (other == "test")).all()
    assert Counter(other)["validation"] > Counter(one)["validation"]


# --- folds ---


def test_every_row_is_tested_once() -> None:
    rows = write_rows(["fruit", "fruit", "tool"] * 40, group=[f"farm {number // 2}" for number in range(120)])
    folds = [split_verdicts(rows, method="kfold", folds=4, fold=fold) for fold in range(4)]
    tested = [row for found in folds for row in found.loc[found["split"] == "test", "id"]]
    assert sorted(tested) == sorted(rows["id"])
    for found in folds:
        sizes = found["split"].value_counts().to_dict()
        assert abs(sizes["test"] - 30) <= 2
        assert abs(sizes["validation"] - 24) <= 2


def test_folds_rotate_the_validation_rows_where_the_test_rows_are_given() -> None:
    rows = write_rows(["fruit", "tool"] * 30, given_split=["test" if number < 20 else "train" for number in range(60)])
    folds = [split_verdicts(rows, method="kfold", folds=4, fold=fold) for fold in range(4)]
    assert all(found.loc[found["split"] == "test", "id"].tolist() == rows["id"].tolist()[:20] for found in folds)
    assert (
        sorted(row for found in folds for row in found.loc[found["split"] == "validation", "id"])
        == rows["id"].tolist()[20:]
    )


def test_there_must_be_something_to_rotate() -> None:
    rows = write_rows(["fruit", "tool"] * 30, given_split=["test"] * 10 + ["validation"] * 10 + ["train"] * 40)
    with pytest.raises(InputError, match="kfold, but the source gives both"):
        split_verdicts(rows, method="kfold")
    with pytest.raises(ValueError, match="fold is 5, but folds is 5; give a fold from 0 to 4"):
        split.Section.model_validate(SECTION | {"fold": 5})


def test_more_folds_than_groups_are_refused() -> None:
    with pytest.raises(InputError, match=r"split.folds is 1000000000000, more than the 3 groups or clusters"):
        by_fold(["a", "a", "b", "c"], [("x",)] * 4, {"test": 0.2}, 10**12, 0, 1)
