"""How predictions are scored: stages/targets/<name>/score.py."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from stages.contracts.objective import Conclusion
from stages.core import variants
from stages.core.tables import Predictions

if TYPE_CHECKING:
    import pandas as pd


class Scorer(Protocol):
    """Metrics, plots, and the baseline that predicts the same for every row."""

    CONSTANT: str  # the name of that baseline: `majority`, `mean` or `prior`
    HEADLINE: tuple[str, ...]  # the most important metrics, the first above all

    def constant(self, labels: Sequence[Any], given: Sequence[Any], columns: Sequence[str]) -> Predictions:
        """The outputs of the baseline for rows with the labels `given`, when the training rows have `labels`."""

    def score(self, given: Sequence[Any], concluded: Conclusion, bins: int) -> dict[str, float]:
        """Metrics by name."""

    def plots(self, given: Sequence[Any], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
        """The tables `confusion` (`actual`, `predicted`) and `reliability` (`confidence`, `accuracy`, `rows`)."""


def load_scorer(target: str) -> Scorer:
    return cast(Scorer, variants.load("targets", target, "score"))
