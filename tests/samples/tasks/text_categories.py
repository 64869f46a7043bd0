"""Samples of text_categories."""

from tests.samples.kinds import TaskSamples
from tests.samples.tasks._text_model import write_text_model

SAMPLES = TaskSamples(
    augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
    wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
    write_model=write_text_model,
    recipe={"columns": ["fruit", "tool"], "thresholds": [0.4, 0.6]},
    label_of=lambda content: [name for name, word in (("fruit", "apple"), ("tool", "a ")) if word in content],
)
