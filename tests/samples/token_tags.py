"""The tags of the tests, and what is valid in BIO."""

from collections.abc import Sequence

from stages.targets.tags import label as tags_label

COLUMNS = ["O", "B-fruit", "I-fruit", "B-tool", "I-tool"]


def is_valid(row: Sequence[str]) -> bool:
    return tags_label.as_valid(row) == list(row)
