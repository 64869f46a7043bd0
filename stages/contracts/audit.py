"""How given labels are judged by the predictions of a probe: stages/targets/<name>/audit.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.core import variants
from stages.core.tables import Label, Predictions, Vectors


@dataclass(frozen=True)
class Judged:
    """The quality of each given label."""

    label_quality: npt.NDArray[np.float64]  # (n_rows,), 0 to 1
    is_label_issue: npt.NDArray[np.bool_]  # (n_rows,)
    suggested: Sequence[Label]  # the label that the policy `relabel` uses if there is an issue


class Auditor(Protocol):
    """Fits a probe, and compares its predictions with the given labels."""

    VECTORS: str  # the column of data/embeddings that the probe reads: `vector` or `token_vectors`

    def fit_predict(
        self, labels: Sequence[Any], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float
    ) -> Predictions:
        """The outputs for `others` of a probe that is fitted on `vectors`; C is the inverse strength of its regularisation."""

    def audit(self, labels: Sequence[Any], concluded: Conclusion) -> Judged:
        """Judges labels by predictions of a probe that was fitted on other rows."""


def load_auditor(target: str) -> Auditor:
    return cast(Auditor, variants.load("targets", target, "audit"))
