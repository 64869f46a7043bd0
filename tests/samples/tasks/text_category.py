"""Samples of text_category."""

from tests.samples.kinds import TaskSamples
from tests.samples.tasks._text_model import write_text_model

SAMPLES = TaskSamples(
    augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
    wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
    write_model=write_text_model,
    recipe={"columns": ["fruit", "tool"]},
    label_of=lambda content: "fruit" if "apple" in content else "tool",
)
