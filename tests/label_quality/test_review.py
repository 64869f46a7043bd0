"""Two random samples for people, and what their decisions say."""

import pandas as pd
import pytest

from stages.label_quality.review import IN_TURN, noise_limit, review_metrics, review_samples


def rows(n_rows: int = 400, n_doubtful: int = 100) -> pd.DataFrame:
    """Ids in another order than the doubts."""
    ids = [f"{(7 * row) % n_rows:04d}" for row in range(n_rows)]
    frame = pd.DataFrame({"id": ids, "is_doubtful": [row < n_doubtful for row in range(n_rows)]})
    return frame.assign(reviewed=False, note=None, was_wrong=False, has_source_label=True)


def test_fifty_of_the_doubtful_and_fifty_of_all_are_asked_for() -> None:
    everything = rows()
    samples = review_samples(everything)
    assert samples["in_doubtful"].sum() == samples["in_all"].sum() == 50
    assert samples.loc[samples["in_doubtful"], "is_doubtful"].all()
    assert samples.loc[samples["in_all"], "id"].tolist() == sorted(everything["id"])[:50]
    assert samples["id"].is_unique


def test_the_samples_do_not_depend_on_the_order_of_rows() -> None:
    everything = rows()
    shuffled = everything.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(review_samples(everything), review_samples(shuffled), check_names=True)


def test_few_rows_are_all_asked_for() -> None:
    assert len(review_samples(rows(20, 0))) == 20


def test_nothing_is_said_before_people_have_reviewed() -> None:
    assert review_metrics(review_samples(rows())) == {}
    assert noise_limit(rows()) == 1.0


def test_decisions_give_shares_with_intervals() -> None:
    everything = rows()
    samples = review_samples(everything)
    doubtful, sampled = samples.loc[samples["in_doubtful"], "id"], samples.loc[samples["in_all"], "id"]
    wrong = {*doubtful[:30], *sampled[:5]}
    reviewed = everything["id"].isin({*doubtful[:40], *sampled})
    everything = everything.assign(reviewed=reviewed, was_wrong=reviewed & everything["id"].isin(wrong), note=IN_TURN)
    metrics = review_metrics(review_samples(everything))
    in_doubtful = everything[everything["id"].isin(doubtful) & reviewed]
    assert metrics["audit_precision_rows"] == len(in_doubtful)
    assert metrics["audit_precision"] == pytest.approx(in_doubtful["was_wrong"].mean())
    assert metrics["audit_precision_low"] < metrics["audit_precision"] < metrics["audit_precision_high"]
    assert metrics["noise_rate_rows"] == 50
    assert noise_limit(everything) == metrics["noise_rate_high"]


def test_the_interval_is_that_of_wilson() -> None:
    """10 of 50: 11.2% to 33.0% (Brown, Cai & DasGupta 2001, the formula)."""
    everything = rows(50, 0).assign(reviewed=True)
    everything["was_wrong"] = everything["id"] < "0010"
    metrics = review_metrics(review_samples(everything))
    assert (metrics["noise_rate_low"], metrics["noise_rate_high"]) == pytest.approx((0.1124, 0.3304), abs=1e-4)


def test_what_people_came_upon_is_no_random_sample() -> None:
    """They correct what they see: one wrong row would be a noise rate of 100%, until all rows are decided."""
    everything = rows().sort_values("id", ignore_index=True)
    corrected = everything.index == 20
    assert review_metrics(review_samples(everything.assign(reviewed=corrected, was_wrong=corrected, note=""))) == {}
    in_turn = everything.index < 10
    both = everything.assign(
        reviewed=in_turn | corrected, was_wrong=corrected, note=pd.Series(in_turn).map({True: IN_TURN, False: ""})
    )
    assert review_metrics(review_samples(both))["noise_rate"] == 0
    assert review_metrics(review_samples(both))["noise_rate_rows"] == 10
    whole = both.assign(reviewed=True)
    assert (review_metrics(review_samples(whole))["noise_rate_rows"], noise_limit(whole)) == (
        50,
        review_metrics(review_samples(whole))["noise_rate_high"],
    )
    assert review_metrics(review_samples(whole))["noise_rate"] == 1 / 50


def test_rows_whose_source_has_no_label_are_not_asked_for() -> None:
    """People labelled them: that says nothing about the labels of the source."""
    everything = rows(60, 0).sort_values("id", ignore_index=True)
    labelled = everything.index < 20
    everything = everything.assign(reviewed=labelled, has_source_label=~labelled, note=IN_TURN)
    assert len(review_samples(everything)) == 40
    assert noise_limit(everything) == 1.0
