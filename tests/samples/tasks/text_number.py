"""Samples of text_number."""

from tests.samples.kinds import TaskSamples
from tests.samples.tasks._text_model import write_text_model

SAMPLES = TaskSamples(
    augment={"swap": 0.2, "delete": 0.2, "typo": 0.2},
    wildest={"swap": 1.0, "delete": 1.0, "typo": 1.0},
    write_model=write_text_model,
    recipe={"columns": ["predicted"], "mean": 2.5, "std": 1.5, "errors": [-1.0, -0.5, 0.0, 0.5, 1.0]},
    label_of=lambda content: len(content) / 4,
)
