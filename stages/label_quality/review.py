"""Which rows people should review, and what their decisions say about the audit and the labels.

A model cannot tell how often it is right about labels: wrong labels that are planted are found far more easily than
those of people. Two random samples tell, one of the doubtful rows and one of all. Rows whose source has no label are in
none: people gave them one, and it says nothing about the labels of others.
"""

import pandas as pd

SAMPLE = 50  # rows of each sample
IN_TURN = "review"  # the note in the ledger beside decisions that people make row by row, in the order of the samples


def review_samples(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows to review with `in_doubtful` and `in_all`, whether they are in the sample of doubtful rows and of all.

    Ids are hashes: the smallest are a random sample, and one that changes little when rows are added.

    Args:
        rows: `id`; `is_doubtful`, whether the audit doubts the label that the source gives; `has_source_label`.
    """
    by_id = in_turn(rows)
    in_doubtful = by_id["id"].isin(by_id.loc[by_id["is_doubtful"], "id"][:SAMPLE])
    in_all = by_id["id"].isin(by_id["id"][:SAMPLE])
    return by_id.assign(in_doubtful=in_doubtful, in_all=in_all)[in_doubtful | in_all]


def in_turn(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows that samples are taken from, in the order in which people review them."""
    return rows[rows["has_source_label"]].sort_values("id")


def review_metrics(samples: pd.DataFrame) -> dict[str, float | int]:
    """The precision of the audit and the share of wrong labels, with 95% intervals (Wilson 1927).

    Each is there if rows of its sample were reviewed.

    Args:
        samples: as of `review_samples`, with `reviewed`, the `note` in the ledger, and `was_wrong`, whether a person
            gave another label.
    """
    return {
        **_share("audit_precision", samples[samples["in_doubtful"]]),
        **_share("noise_rate", samples[samples["in_all"]]),
    }


def noise_limit(rows: pd.DataFrame) -> float:
    """The upper end of the interval of the share of wrong labels; 1 if no row of the sample of all was reviewed."""
    return float(_share("noise_rate", in_turn(rows)[:SAMPLE]).get("noise_rate_high", 1.0))


def reviewed_at_random(sample: pd.DataFrame) -> pd.DataFrame:
    """The reviewed rows up to the last one that was decided in turn; all of a sample without undecided rows.

    People also correct rows that they came upon, and these are more often wrong than others.
    """
    was_in_turn = sample["reviewed"] & ((sample["note"] == IN_TURN) | sample["reviewed"].all())
    is_reached = was_in_turn[::-1].cummax()[::-1]
    return sample[sample["reviewed"] & is_reached]


def _share(name: str, sample: pd.DataFrame) -> dict[str, float | int]:
    from scipy.stats import binomtest

    reviewed = reviewed_at_random(sample)
    if not len(reviewed):
        return {}
    result = binomtest(int(reviewed["was_wrong"].sum()), len(reviewed))
    interval = result.proportion_ci(0.95, method="wilson")
    return {
        f"{name}_rows": len(reviewed),
        name: float(result.statistic),
        f"{name}_low": float(interval.low),
        f"{name}_high": float(interval.high),
    }
