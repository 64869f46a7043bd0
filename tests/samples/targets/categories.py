"""Samples of categories."""

from tests import tiny
from tests.samples.kinds import TargetSamples
from tests.samples.targets._vectors import separated

LISTS = [["apple"], ["apple", "pear"], ["plum"], []] * 6


SAMPLES = TargetSamples(
    labels=LISTS,
    vectors=separated([str(names) for names in LISTS]),
    params=tiny.CLEAN_NAMES | {"aliases": {"birne": "pear"}, "drop": ["orange"]},
    cleaned={
        '["pear", " apple\\n"]': ["apple", "pear"],
        '["birne", "pear", "plum\u200b"]': ["pear", "plum"],
        '["orange", "plum"]': ["plum"],
        "[]": [],
        '[" "]': [],
    },
    reasons={
        "missing_label": " \t",
        "not_a_list": "apple",
        "unwanted_label": '["orange"]',
        "not_a_name": f'["{"a" * 1_001}"]',
    },
)
