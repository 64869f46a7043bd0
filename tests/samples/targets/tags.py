"""Samples of tags."""

from collections.abc import Sequence

import numpy as np

from stages.core import tables
from stages.core.tables import Vectors
from tests import tiny
from tests.samples.kinds import TargetSamples
from tests.samples.targets._vectors import separated


def separated_tokens(labels: Sequence[Sequence[str]]) -> Vectors:
    """Of each row (n_tokens, dim): a vector for every tag."""
    vectors = separated([tag for tags in labels for tag in tags])
    return tables.ragged(np.split(vectors, np.cumsum([len(tags) for tags in labels])[:-1]))


TAGS = [
    ["O", "B-fruit"],
    ["B-fruit", "I-fruit", "O"],
    ["O", "O", "B-tool", "I-tool"],
    ["B-tool", "O", "B-fruit"],
    ["O", "O", "O"],
    ["B-fruit", "B-fruit"],
] * 6


SAMPLES = TargetSamples(
    labels=TAGS,
    vectors=separated_tokens(TAGS),
    params=tiny.CLEAN_NAMES
    | {"aliases": {"Obst": "fruit", "hand tool": "tool"}, "drop": ["shop"], "on_invalid": "repair"},
    cleaned={
        "O O B-fruit": ["O", "O", "B-fruit"],
        '["O", "B-hand tool", "I-tool"]': ["O", "B-tool", "I-tool"],
        " B-Obst\u200b I-Obst B-shop\n": ["B-fruit", "I-fruit", "O"],
        "I-tool I-fruit I-fruit": ["B-tool", "B-fruit", "I-fruit"],
        "B-shop I-shop O": ["O", "O", "O"],
    },
    reasons={"missing_label": " \t", "unaligned_tags": "O O", "invalid_tags": "O E-fruit O"},
    content="one ripe apple",
)
