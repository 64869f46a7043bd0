"""Two random samples for people, and what their decisions say."""

import pandas as pd
import pytest

from stages.label_quality.review import noise_limit, review_metrics, review_samples


def rows(n_rows: int = 400, n_doubtful: int = 100) -> pd.DataFrame:
    """Ids in another order than the doubts."""
    ids = [f"{(7 * row) % n_rows:04d}" for row in range(n_rows)]
    frame = pd.DataFrame({"id": ids, "is_doubtful": [row < n_doubtful for row in range(n_rows)]})
    return frame.assign(reviewed=False, was_wrong=False)


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
    everything = everything.assign(reviewed=reviewed, was_wrong=reviewed & everything["id"].isin(wrong))
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
