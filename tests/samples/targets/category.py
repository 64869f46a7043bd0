"""Samples of category."""

from tests import tiny
from tests.samples.kinds import TargetSamples
from tests.samples.targets._vectors import separated

CATEGORIES = ["apple"] * 6 + ["pear"] * 6 + ["plum"] * 6


SAMPLES = TargetSamples(
    labels=CATEGORIES,
    vectors=separated(CATEGORIES),
    params=tiny.CLEAN_NAMES | {"aliases": {"apfelsine": "orange", "birne": "pear"}, "drop": ["orange"]},
    cleaned={" apple\n": "apple", "pear": "pear", "birne": "pear", "plum\u200b": "plum"},
    reasons={"missing_label": " \t", "unwanted_label": "apfelsine", "not_a_name": "a" * 1_001},
)
