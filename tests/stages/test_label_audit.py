"""Wrong training labels are found; held-out labels are judged and never changed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from stages import label_audit
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import read_frame, vector_column, write_tables
from stages.label_quality.policy import check_classes
from stages.targets.category import label as category_label
from tests.conftest import Run
from tests.rows import audit_params, write_rows

pytestmark = pytest.mark.usefixtures("workplace")


def write_vectors(vectors: np.ndarray) -> None:
    ids = [f"{number:03d}" for number in range(len(vectors))]
    write_tables(paths.EMBEDDINGS, [pa.table({"id": ids, "vector": vector_column(vectors.astype(np.float32))})])


def corners(labels: Sequence[str]) -> np.ndarray:
    """(n_rows, dim): a vector of length 1 for every label, each label in its own corner."""
    names = sorted(set(labels))
    vectors = np.random.default_rng(0).normal(0, 0.05, (len(labels), 8))
    vectors[np.arange(len(labels)), [names.index(label) for label in labels]] += 1
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


TRUTH = ["apple", "hammer", "plum"] * 30
PLANTED = {4: "apple", 9: "plum", 20: "hammer", 31: "plum", 44: "apple"}  # training rows whose label is wrong
HELD_OUT = {row: "validation" if row < 75 else "test" for row in range(60, 90)}
WRONG = [PLANTED.get(row, label) for row, label in enumerate(TRUTH)]


def audited(
    run: Run, labels: Sequence[str], policy: str = "drop", reviewed: Sequence[int] = (), **limits: float | str
) -> pd.DataFrame:
    splits = [HELD_OUT.get(row, "train") for row in range(len(TRUTH))]
    write_rows(labels, split=splits, reviewed=[row in reviewed for row in range(len(TRUTH))])
    write_vectors(corners(TRUTH))
    section = {"folds": 3, "C": 10.0, "policy": policy, **limits}
    counts = run(label_audit, audit_params(**section))
    found = read_frame(paths.LABEL_VERDICTS).set_index("id")
    found = found.set_index(found.index.astype(int)).sort_index()
    found.attrs["warnings"] = counts.warnings
    return found


def test_no_class_may_lose_all_of_its_training_rows() -> None:
    judged = pd.DataFrame(
        {"given_label": ["fig", "plum", "plum"], "label": ["fig", "plum", "plum"], "keep": [True, True, False]}
    )
    check_classes(judged, category_label)
    with pytest.raises(InputError, match=r"no training row with the label 'fig'; set label_audit\.policy: keep"):
        check_classes(judged.assign(keep=[False, True, True]), category_label)


def test_planted_labels_are_found_and_dropped(run: Run) -> None:
    found = audited(run, WRONG)
    assert found.index[~found["keep"]].tolist() == list(PLANTED)
    assert found["reason"].dropna().to_dict() == dict.fromkeys(PLANTED, "label_issue")
    assert found.index[found["is_label_issue"]].tolist() == list(PLANTED)
    assert found.loc[list(PLANTED), "predicted_label"].tolist() == [TRUTH[row] for row in PLANTED]
    assert found.loc[list(PLANTED), "label_quality"].max() < found.drop(list(PLANTED))["label_quality"].min()
    assert found["given_label"].tolist() == WRONG


def test_more_folds_than_rows_are_as_many_as_rows(run: Run) -> None:
    """No work is done for empty folds."""
    found = audited(run, WRONG, folds=100)
    assert found["label_quality"].notna().sum() == len(WRONG)


def test_policy_relabel_corrects(run: Run) -> None:
    found = audited(run, WRONG, "relabel")
    assert found["keep"].all()
    assert found["label"].tolist() == TRUTH
    assert found["given_label"].tolist() == WRONG


def test_policy_keep_changes_nothing(run: Run) -> None:
    found = audited(run, WRONG, "keep")
    assert found["keep"].all()
    assert found["label"].tolist() == WRONG
    assert found.index[found["is_label_issue"]].tolist() == list(PLANTED)


def test_only_the_worst_labels_are_acted_on(run: Run) -> None:
    found = audited(run, WRONG, budget=2 / 60)
    worst = found.loc[list(PLANTED), "label_quality"].nsmallest(2).index
    assert found.index[~found["keep"]].tolist() == sorted(worst)
    assert found["spared"].dropna().to_dict() == dict.fromkeys(PLANTED.keys() - set(worst), "budget")
    assert found.index[found["is_label_issue"]].tolist() == list(PLANTED)


def touched(found: pd.DataFrame) -> list[int]:
    return found.index[~found["keep"] | (found["label"] != found["given_label"])].tolist()


def warnings_of(found: pd.DataFrame) -> list[tuple[str, str]]:
    return [(warning.message, warning.see) for warning in found.attrs["warnings"]]


MISSPELT = ["plum" if row in range(0, 30, 3) else label for row, label in enumerate(TRUTH)]  # a third of the plums


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_a_class_loses_a_share_of_its_rows_at_most(run: Run, policy: str) -> None:
    """The worst leave."""
    found = audited(run, MISSPELT, policy, max_share=0.1)
    issues = found.loc[found["is_label_issue"], "label_quality"].sort_values().index.tolist()
    assert len(issues) > 3
    assert touched(found) == sorted(issues[:3])  # of 30
    assert found["spared"].dropna().to_dict() == dict.fromkeys(issues[3:], "max_share")
    message = f"{len(issues) - 3} more labels are so doubtful that the policy would apply, but it may apply to "
    assert warnings_of(found) == [(f"{message}10% of the training rows of a class at most", "label_audit.max_share")]


def test_no_class_loses_a_row_if_params_say_so(run: Run) -> None:
    found = audited(run, MISSPELT, max_share=0.0)
    assert touched(found) == []
    (message, key), *others = warnings_of(found)
    n_issues = int(found["is_label_issue"].sum())
    assert message == (
        f"{n_issues} labels are so doubtful that the policy would apply, but it may apply to 0% of the training rows "
        "of a class at most"
    )
    assert key == "label_audit.max_share" and not others


def test_a_class_that_loses_many_rows_is_named(run: Run) -> None:
    found = audited(run, MISSPELT, max_share=0.5)
    n_left = 30 - len(touched(found))
    assert n_left < 24
    message = f"the policy leaves {n_left} of 30 training rows with the label 'plum'"
    assert warnings_of(found) == [(message, "label_audit.max_share")]


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_a_class_that_the_probe_does_not_know_is_left_alone(run: Run, policy: str) -> None:
    """The few figs look like apples: without this rule, nearly all of them would leave."""
    figs = list(range(0, 18, 3))
    labels = ["fig" if row in figs else label for row, label in enumerate(WRONG)]
    found = audited(run, labels, policy, max_share=1.0)
    assert touched(found) == sorted({*PLANTED} - {*figs})
    assert found.loc[figs, "label"].tolist() == ["fig"] * 6
    assert set(found.loc[figs, "spared"].dropna()) == {"weak_probe"}
    (warning,) = warnings_of(found)
    assert warning[0].startswith("the probe cannot judge the labels 'fig' (0.")
    assert warning[1] == "embed"


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_a_probe_that_knows_nothing_changes_nothing(run: Run, policy: str) -> None:
    labels = np.random.default_rng(3).permutation(["cough"] * 80 + ["sneeze"] * 10).tolist()
    found = audited(run, labels, policy, max_share=1.0)
    assert found["is_label_issue"].any()
    assert touched(found) == []
    message = "the probe predicts labels hardly better than a constant answer, so the policy changes none"
    assert warnings_of(found) == [(message, "embed")]
    assert warnings_of(audited(run, labels, "keep")) == []


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_what_people_reviewed_stays(run: Run, policy: str) -> None:
    found = audited(run, WRONG, policy, reviewed=[4, 9])
    assert found.loc[[4, 9], "keep"].all()
    assert found.loc[[4, 9], "label"].tolist() == [PLANTED[4], PLANTED[9]]
    assert found.index[~found["keep"] | (found["label"] != found["given_label"])].tolist() == [20, 31, 44]


@pytest.mark.parametrize("policy", ["drop", "relabel"])
def test_held_out_labels_are_judged_and_never_changed(run: Run, policy: str) -> None:
    labels = list(WRONG)
    labels[62], labels[80] = "apple", "hammer"
    assert [TRUTH[62], TRUTH[80]] == ["plum", "plum"]
    found = audited(run, labels, policy)
    held_out = found.loc[list(HELD_OUT)]
    assert held_out["keep"].all()
    assert held_out["label"].tolist() == [labels[row] for row in HELD_OUT]
    assert sorted(held_out["label_quality"].nsmallest(2).index) == [62, 80]
    assert held_out.loc[[62, 80], "predicted_label"].tolist() == ["plum", "plum"]


@pytest.mark.parametrize("policy", ["drop", "relabel", "keep"])
def test_no_held_out_label_matters_to_a_training_row(run: Run, policy: str) -> None:
    """Every held-out label is turned into another one: what happens to training rows is the same, to the bit."""
    before = audited(run, WRONG, policy)
    other = {"apple": "hammer", "hammer": "plum", "plum": "apple"}
    after = audited(run, [other[label] if row in HELD_OUT else label for row, label in enumerate(WRONG)], policy)
    pd.testing.assert_frame_equal(
        before[before["split"] == "train"], after[after["split"] == "train"], check_exact=True
    )
    assert (
        before["predictions"].tolist() == after["predictions"].tolist()
    )  # of the probe, on held-out rows too: it is a baseline of the test


@pytest.mark.parametrize("method", ["probe", "noise_matrix"])
def test_a_held_out_class_that_no_training_row_has_is_named(run: Run, method: str) -> None:
    """Such as one that is called as rows without labels are, which split lets pass."""
    labels = [*WRONG[:-1], "(none)"]
    with pytest.raises(InputError, match=r"the label '\(none\)' occurs in validation or test but not in training"):
        audited(run, labels, method=method)


def test_rows_of_a_unit_do_not_vouch_for_each_other(run: Run) -> None:
    """Five copies of one wrong label, in one group: no fold learns the mistake from another copy."""
    copies = [1, 7, 13, 19, 25]
    labels = ["plum" if row in copies else label for row, label in enumerate(TRUTH)]
    vectors = corners(TRUTH)
    vectors[copies] = vectors[1]
    write_rows(
        labels,
        split=[HELD_OUT.get(row, "train") for row in range(90)],
        cluster=["001" if row in copies else f"{row:03d}" for row in range(90)],
    )
    write_vectors(vectors)
    run(label_audit, audit_params(C=1000.0))
    found = read_frame(paths.LABEL_VERDICTS)
    assert sorted(found.loc[~found["keep"], "id"].astype(int)) == copies


@pytest.mark.parametrize("method", ["probe", "noise_matrix"])
def test_groups_of_one_class_each_are_judged_and_left_alone(run: Run, method: str) -> None:
    """No other group knows the class."""
    labels = sorted(TRUTH[:60]) + TRUTH[60:]
    units = [labels[row] if row < 60 else f"{row:03d}" for row in range(90)]
    write_rows(labels, split=[HELD_OUT.get(row, "train") for row in range(90)], cluster=units)
    write_vectors(corners(labels))
    counts = run(label_audit, audit_params(method=method))
    message = "the probe predicts labels hardly better than a constant answer, so the policy changes none"
    assert message in [warning.message for warning in counts.warnings]
    assert read_frame(paths.LABEL_VERDICTS)["keep"].all()


def test_rows_of_one_group_cannot_judge_each_other(run: Run) -> None:
    write_rows(TRUTH, split=[HELD_OUT.get(row, "train") for row in range(90)], cluster=["000"] * 90)
    write_vectors(corners(TRUTH))
    with pytest.raises(
        InputError,
        match=r"all .* training rows are in the same group or cluster, but .*; see collect\.columns\.group",
    ):
        run(label_audit, audit_params())
