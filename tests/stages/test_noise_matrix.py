"""The audit with method noise_matrix: who is asked, how many rows the policy applies to, and what people review."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from stages import label_audit
from stages.contracts._coverage import Coverage
from stages.contracts.embed import Embedded
from stages.core import paths
from stages.core.errors import InputError
from stages.core.tables import read_frame, write_tables
from stages.label_quality.review import IN_TURN
from tests.conftest import Run
from tests.rows import audit_params, write_rows
from tests.stages.test_label_audit import HELD_OUT, PLANTED, TRUTH, WRONG, corners, write_vectors

pytestmark = pytest.mark.usefixtures("workplace")


def audited(
    run: Run,
    labels: Sequence[str],
    vectors: np.ndarray | None = None,
    source_labels: Sequence[str | None] = (),
    **values: Any,
) -> pd.DataFrame:
    """The verdicts; `attrs` has the warnings and the metrics."""
    known = list(source_labels) or [None] * len(labels)
    reviewed = [label is not None for label in known]
    splits = [HELD_OUT.get(row, "train") for row in range(len(labels))]
    notes = [IN_TURN if is_reviewed else None for is_reviewed in reviewed]
    write_rows(labels, split=splits, reviewed=reviewed, note=notes, source_label=known)
    write_vectors(corners(TRUTH) if vectors is None else vectors)
    settings = {"method": "noise_matrix", "folds": 3, "C": 10.0, "policy": "drop", "budget": "auto", "max_share": 0.2}
    counts = run(label_audit, audit_params(**{**settings, **values}))
    verdicts = read_frame(paths.LABEL_VERDICTS).set_index("id")
    verdicts = verdicts.set_index(verdicts.index.astype(int)).sort_index()
    verdicts.attrs.update(warnings=counts.warnings, more=counts.more)
    return verdicts


def test_planted_labels_are_dropped_and_no_others(run: Run) -> None:
    verdicts = audited(run, WRONG)
    assert verdicts.index[~verdicts["keep"]].tolist() == list(PLANTED)
    assert verdicts.loc[list(PLANTED), "suggested_label"].tolist() == [TRUTH[row] for row in PLANTED]
    assert verdicts["weight"].tolist() == [1.0] * len(WRONG)


def test_policy_relabel_gives_the_suggested_labels(run: Run) -> None:
    assert audited(run, WRONG, policy="relabel")["label"].tolist() == TRUTH


def test_policy_downweight_keeps_the_rows(run: Run) -> None:
    verdicts = audited(run, WRONG, policy="downweight")
    assert verdicts["keep"].all()
    assert verdicts["label"].tolist() == WRONG
    assert verdicts["weight"].to_dict() == {row: 0.25 if row in PLANTED else 1.0 for row in range(len(WRONG))}
    assert verdicts.attrs["more"]["downweighted"] == len(PLANTED)


def test_the_baseline_counts_the_rows_by_their_weights(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe that predicts held-out rows; those out of fold, from which the weights follow, count all alike."""
    counted: list[list[float] | None] = []
    predict = label_audit.predict_with_probe

    def spy(*given: object) -> object:
        weights = given[5] if len(given) > 5 else None
        counted.append(None if weights is None else weights.tolist())
        return predict(*given)

    monkeypatch.setattr(label_audit, "predict_with_probe", spy)
    verdicts = audited(run, WRONG, policy="downweight")
    assert counted == [None] * 3 + [verdicts.loc[verdicts["split"] == "train", "weight"].tolist()]


@pytest.mark.parametrize("policy", ["drop", "downweight"])
def test_a_budget_takes_the_worst_rows_whatever_is_suggested(run: Run, policy: str) -> None:
    verdicts = audited(run, WRONG, policy=policy, budget=0.15, max_share=1.0)
    train = verdicts[verdicts["split"] == "train"]
    worst = train["label_quality"].sort_values(kind="stable").index[:9].tolist()
    acted_on = train.index[~train["keep"] | (train["weight"] < 1)].tolist()
    assert acted_on == sorted(worst)
    assert set(PLANTED) < set(worst)
    assert train.loc[worst, "is_label_issue"].all()


def test_the_stage_tells_what_only_the_budget_doubts(run: Run) -> None:
    n_more = 9 - len(PLANTED)
    verdicts = audited(run, WRONG, budget=0.15, max_share=1.0)
    (of_training, _) = label_audit.sentences(verdicts)
    assert f"doubted 9 of 60 training labels, {n_more} of them as label_audit.budget takes so many, and" in of_training
    assert "label_audit.budget" not in label_audit.sentences(audited(run, WRONG))[0]


def test_labels_that_stay_take_no_share_of_their_class(run: Run) -> None:
    verdicts = audited(run, WRONG, policy="relabel", budget=0.5)
    assert verdicts["label"].tolist() == TRUTH
    assert set(verdicts["spared"].dropna()) == {"no_other_label"}
    assert not verdicts.attrs["warnings"]


@pytest.mark.parametrize(("n_rows", "worst"), [(1, 0.1), (2, 0.1), (3, 0.2), (4, 0.9), (5, 0.9)])
def test_labels_of_one_quality_are_all_doubted_or_none_is(n_rows: int, worst: float) -> None:
    assert label_audit.quality_of_worst(np.array([0.9, 0.2, 0.1, 0.2]), n_rows) == worst
    assert label_audit.quality_of_worst(np.full(n_rows + 1, 0.3), n_rows) < 0


def test_equal_rows_are_not_all_doubted_for_one_that_is(run: Run) -> None:
    vectors = np.eye(8)[[sorted(set(TRUTH)).index(label) for label in TRUTH]]
    vectors[5] = 0
    verdicts = audited(run, TRUTH, vectors, policy="downweight", budget=0.1, max_share=1.0)
    assert verdicts.index[verdicts["is_label_issue"]].tolist() == [5]
    assert verdicts.index[verdicts["weight"] < 1].tolist() == [5]


def test_labels_that_are_hard_to_predict_are_left_alone_and_the_stage_says_why(run: Run) -> None:
    rng = np.random.default_rng(0)
    vectors = corners(TRUTH) + rng.normal(0, 0.6, (len(TRUTH), 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    verdicts = audited(run, WRONG, vectors)
    assert verdicts["keep"].all()
    assert verdicts["is_label_issue"].any()
    (warning,) = [warning for warning in verdicts.attrs["warnings"] if warning.see == "label_audit.budget"]
    assert warning.message.startswith("the probe agrees with the given labels too seldom (0.")
    assert audited(run, WRONG, vectors, policy="keep").attrs["warnings"] == []


def test_held_out_labels_are_judged_by_training_rows(run: Run) -> None:
    labels = list(WRONG)
    labels[62] = "apple"
    verdicts = audited(run, labels)
    held_out = verdicts.loc[list(HELD_OUT)]
    assert held_out["keep"].all()
    assert held_out["label_quality"].idxmin() == 62
    assert held_out.loc[62, "suggested_label"] == "plum"
    assert held_out.index[held_out["is_label_issue"]].tolist() == [62]


def test_no_held_out_label_matters_to_a_training_row(run: Run) -> None:
    before = audited(run, WRONG)
    other = {"apple": "hammer", "hammer": "plum", "plum": "apple"}
    after = audited(run, [other[label] if row in HELD_OUT else label for row, label in enumerate(WRONG)])
    for verdicts in (before, after):
        verdicts.attrs.clear()
    in_train = before["split"] == "train"
    pd.testing.assert_frame_equal(before[in_train], after[in_train], check_exact=True)


def test_verdicts_are_in_the_order_of_ids(run: Run) -> None:
    """So rows are judged in this order, and that of the source changes no bit."""
    audited(run, WRONG)
    ids = read_frame(paths.LABEL_VERDICTS)["id"].tolist()
    assert ids == sorted(ids, key=lambda row: (int(row) in HELD_OUT, row))


# --- the review ---


def test_people_are_asked_about_doubtful_rows_and_about_any_of_training(run: Run) -> None:
    audited(run, WRONG)
    queue = read_frame(paths.REVIEW_QUEUE)
    assert queue.loc[queue["in_doubtful"], "id"].astype(int).tolist() == list(PLANTED)
    assert queue["in_all"].sum() == 50
    assert not queue["id"].astype(int).isin(list(HELD_OUT)).any()
    assert not queue["reviewed"].any()


def test_reviewed_rows_tell_how_often_the_audit_is_right(run: Run) -> None:
    """The labels that people corrected are judged as the source gave them, and stay doubtful."""
    corrected = [TRUTH[row] if row in (4, 9) else label for row, label in enumerate(WRONG)]
    source_labels = [WRONG[row] if row in (4, 9, 10) else None for row in range(len(WRONG))]
    verdicts = audited(run, corrected, source_labels=source_labels)
    more = verdicts.attrs["more"]
    assert (more["audit_precision_rows"], more["audit_precision"]) == (2, 1.0)
    assert (more["noise_rate_rows"], more["noise_rate"]) == (3, pytest.approx(2 / 3))
    assert not verdicts.loc[[4, 9], "is_label_issue"].any()


def test_answers_do_not_change_who_was_asked(run: Run) -> None:
    """Else the audit seems better than it was: it has learned from the answers which of its doubts were false."""
    audited(run, WRONG, budget=0.15)
    before = read_frame(paths.REVIEW_QUEUE)
    asked = before.loc[before["in_doubtful"], "id"].astype(int).tolist()
    assert set(PLANTED) < set(asked)
    source_labels = [WRONG[row] if row in asked else None for row in range(len(WRONG))]
    more = audited(run, TRUTH, source_labels=source_labels, budget=0.15).attrs["more"]
    after = read_frame(paths.REVIEW_QUEUE)
    assert after.loc[after["in_doubtful"], "id"].astype(int).tolist() == asked
    assert (more["audit_precision_rows"], more["audit_precision"]) == (len(asked), len(PLANTED) / len(asked))


@pytest.mark.parametrize(
    ("labels", "source_label", "kind"),
    [(["b", "a"], "a", pa.string()), ([2.0, 1.0], 1.0, pa.float64()), ([["b"], ["a"]], ["a"], pa.list_(pa.string()))],
    ids=["category", "number", "tags"],
)
def test_a_label_that_people_kept_was_not_wrong(labels: list[object], source_label: object, kind: pa.DataType) -> None:
    """One of two reviewed rows was relabelled; the source has no label of the other, so it tells nothing."""
    columns = {"id": ["1", "2"], "keep": [True, True], "split": ["train"] * 2, "unit": ["1", "2"]}
    write_tables(paths.CLEANED, [pa.table({"id": columns["id"], "label": pa.array(labels, kind)})])
    write_tables(paths.SPLIT_VERDICTS, [pa.table(columns)])
    source_labels = pa.array([source_label, None], kind)
    reviewed = {"id": columns["id"], "reviewed": [True, True], "note": [None, ""], "source_label": source_labels}
    write_tables(paths.CLEAN_VERDICTS, [pa.table(reviewed)])
    rows = label_audit.read_rows()
    assert rows["was_wrong"].tolist() == [True, False]
    assert rows["has_source_label"].tolist() == [True, False]
    assert rows["collected_label"].tolist() == [source_label, labels[1]]


def test_a_class_that_people_abolished_is_no_error(run: Run) -> None:
    source_labels = ["pear" if row == 3 else None for row in range(len(WRONG))]
    assert audited(run, WRONG, source_labels=source_labels).attrs["more"]["noise_rate"] == 1.0


def test_people_who_find_no_wrong_label_lower_the_budget(run: Run) -> None:
    """Fifty right ones allow 7% of wrong ones at most: 4 of 60 rows."""
    source_labels = [label if row < 50 else None for row, label in enumerate(TRUTH)]
    labels = list(TRUTH)
    for row in range(50, 60):
        labels[row] = {"apple": "hammer", "hammer": "plum", "plum": "apple"}[TRUTH[row]]
    assert (~audited(run, labels, source_labels=source_labels, max_share=1.0)["keep"]).sum() == 4


# --- descriptions ---


DESCRIBED = {"plum": "plum, a fruit", "apple": "apple,\n a fruit\n", "hammer": "hammer, a tool"}


class Encoder:
    """Puts a description into the corner of its first word."""

    def __init__(self, dim: int) -> None:
        self.dim = dim
        self.contents: list[str] = []

    def embed(self, contents: Sequence[str], params: object) -> Embedded:
        self.contents += contents
        classes = [sorted(set(TRUTH)).index(text.split(",")[0]) for text in contents]
        return Embedded(np.eye(self.dim, dtype=np.float32)[classes])

    def measure(self, contents: Sequence[str], params: object) -> Coverage:
        return Coverage({"cut_rows": float(np.mean([len(text) > 100 for text in contents]))})


def audited_with(
    monkeypatch: pytest.MonkeyPatch, run: Run, descriptions: dict[str, str], modality: str = "text", dim: int = 8
) -> Encoder:
    encoder = Encoder(dim)
    monkeypatch.setattr(label_audit, "load_embedder", lambda _: encoder)
    monkeypatch.setattr(label_audit.EmbedSection, "of", lambda *_: None)
    audited(run, WRONG, modality=modality, descriptions=descriptions)
    return encoder


def test_descriptions_are_embedded_in_the_order_of_classes_each_as_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = audited_with(monkeypatch, run, DESCRIBED)
    assert encoder.contents == ["apple, a fruit", "hammer, a tool", "plum, a fruit"]
    described = read_frame(paths.LABEL_VERDICTS)
    audited(run, WRONG)
    without = read_frame(paths.LABEL_VERDICTS)
    for split in ("train", "test"):
        assert (described["label_quality"] != without["label_quality"])[described["split"] == split].any()
    assert described["keep"].tolist() == without["keep"].tolist()


def test_names_that_look_alike_have_one_description() -> None:
    descriptions = {" caf\u0065\u0301 ": "places to drink coffee"}
    section = audit_params(method="noise_matrix", descriptions=descriptions).label_audit
    assert section.descriptions == {"caf\u00e9": "places to drink coffee"}


@pytest.mark.parametrize(
    ("descriptions", "more", "message"),
    [
        (DESCRIBED | {"fig": "fig"}, {}, "no training row has the label 'fig'; describe apple, hammer, plum, or set"),
        ({"plum": "plum"}, {}, "the label 'apple' has none; describe every label, or set label_audit.descriptions: {}"),
        (DESCRIBED | {"plum": " "}, {}, "the label 'plum' has none"),
        (DESCRIBED | {"plum": "plum, " * 20}, {}, "at least one is longer than the encoder reads, and would be cut;"),
        (DESCRIBED, {"modality": "image"}, "only the encoder of texts reads them, not that of image; set"),
        (DESCRIBED, {"dim": 9}, "the vectors of descriptions have 9 numbers and those of rows 8, as rows are pairs"),
    ],
)
def test_descriptions_that_fit_no_rows(
    descriptions: dict[str, str], more: dict[str, str], message: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=re.escape(f"label_audit.descriptions: {message}")):
        audited_with(monkeypatch, run, descriptions, **more)
    assert not paths.LABEL_VERDICTS.exists()


# --- params ---


@pytest.mark.parametrize(
    ("target", "values", "message"),
    [
        ("number", {"method": "noise_matrix"}, "label_audit.method: noise_matrix needs one category per row"),
        ("number", {"policy": "downweight"}, "label_audit.policy: downweight needs one category per row"),
    ],
)
def test_methods_for_one_class_are_refused_for_others(target: str, values: dict[str, str], message: str) -> None:
    section = audit_params(target, **{"policy": "keep", **values}).label_audit
    with pytest.raises(InputError, match=message):
        label_audit.TargetParts.load(target).check(section)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"descriptions": {"fig": "a fruit"}, "method": "probe"}, "descriptions need method: noise_matrix"),
        ({"descriptions": {"fig": "a fruit", " fig\u200b": "a tree"}}, "'fig' is described twice; keep one"),
        ({"method": "probe"}, "budget: auto needs method: noise_matrix"),
        ({"budget": 1.5}, "give auto, or a share from 0 to 1"),
        ({"budget": -0.1}, "give auto, or a share from 0 to 1"),
        ({"budget": True}, "give auto, or a share from 0 to 1"),
        ({"budget": "many"}, "give auto, or a share from 0 to 1"),
    ],
)
def test_params_that_cannot_be(values: dict[str, object], message: str) -> None:
    settings = {"method": "noise_matrix", "policy": "keep", "budget": "auto"}
    with pytest.raises(ValueError, match=message):
        audit_params(**{**settings, **values})
