"""How much of the contents a model reads: a part of the Protocols of embedders and tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stages.core.run import DataWarning


@dataclass(frozen=True)
class Coverage:
    """What a model does not read of the contents, or cannot know: nothing by default."""

    metrics: Mapping[str, float] = field(default_factory=dict)  # shares, such as `cut_rows` and `unknown_tokens`
    warnings: Sequence[DataWarning] = ()  # about shares that are out of the ordinary
