"""How predictions are scored: stages/targets/<name>/score.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.core import variants
from stages.core.errors import one_line
from stages.core.tables import Predictions

if TYPE_CHECKING:
    import pandas as pd


QUOTED_CHARS = 60


@dataclass(frozen=True)
class RowSums:
    """A metric that follows from sums over rows, so that it is quickly computed for samples of the rows."""

    name: str  # the larger its value, the better
    of_rows: Any  # (n_sums, n_rows), dense or sparse: what each row adds
    metric: Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]  # of (n_sums, n_samples); (..., n_samples)

    def value(self) -> float:
        sums = np.asarray(self.of_rows.sum(axis=1)).reshape(-1, 1)
        return float(self.metric(sums)[0])


def quoted(label: str) -> str:
    """A label in a sentence, in one line of bounded length."""
    text = one_line(label)
    return f"`{text[: QUOTED_CHARS - 3]}...`" if len(text) > QUOTED_CHARS else f"`{text}`"


class Scorer(Protocol):
    """Metrics, plots, and the baseline that predicts the same for every row."""

    CONSTANT: str  # the name of that baseline: `majority`, `mean` or `prior`
    HEADLINE: tuple[str, ...]  # the most important metrics, the first above all

    def constant(self, labels: Sequence[Any], given: Sequence[Any], columns: Sequence[str]) -> Predictions:
        """The outputs of the baseline for rows with the labels `given`, when the training rows have `labels`."""

    def score(self, given: Sequence[Any], concluded: Conclusion, bins: int) -> dict[str, float]:
        """Metrics by name; NaN if one cannot be computed on these rows."""

    def judged_by(self, given: Sequence[Any], concluded: Conclusion) -> RowSums:
        """The metric by which a model is compared with baselines. Which metric it is depends on `given` alone."""

    def sameness(self, given: Sequence[Any], concluded: Conclusion) -> str:
        """How the predictions are nearly the same for every row, in words after "it"; empty if they are not."""

    def never_right(self, given: Sequence[Any], concluded: Conclusion) -> Mapping[str, int]:
        """The classes that rows have and that are predicted right for none of them, with their number of rows."""

    def plots(self, given: Sequence[Any], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
        """The tables `confusion` (`actual`, `predicted`) and `reliability` (`confidence`, `accuracy`, `rows`)."""


def load_scorer(target: str) -> Scorer:
    return cast(Scorer, variants.load("targets", target, "score"))
