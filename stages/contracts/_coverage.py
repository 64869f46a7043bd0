"""How much of the contents a model reads: a part of the Protocols of embedders and tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stages.core.run import DataWarning
from stages.core.words import counted


@dataclass(frozen=True)
class Coverage:
    """What a model does not read of the contents, or cannot know: nothing by default."""

    metrics: Mapping[str, float] = field(default_factory=dict)  # shares, such as `cut_rows` and `unknown_tokens`
    warnings: Sequence[DataWarning] = ()  # about shares that are out of the ordinary

    def found(self, n_rows: int) -> list[str]:
        """How many of the rows are cut, in words; empty if none is."""
        n_cut = round(self.metrics.get("cut_rows", 0) * n_rows)
        return [f"cut {n_cut:,} of {counted(n_rows, 'row')} to the length that the model reads"] if n_cut else []
