"""How given labels are judged by predictions: stages/targets/<name>/audit.py."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from stages.contracts.objective import Conclusion
from stages.core import variants
from stages.core.tables import Label


@dataclass(frozen=True)
class Judged:
    """The quality of each given label."""

    label_quality: npt.NDArray[np.float64]  # (n_rows,), 0 to 1
    is_label_issue: npt.NDArray[np.bool_]  # (n_rows,)
    suggested: Sequence[Label]  # the labels that the policy `relabel` uses
    doubted: Sequence[Collection[str]]  # the classes that each row's issue is about, named as strata are


@dataclass(frozen=True)
class Reliability:
    """How well predictions for rows that the probe has not seen agree with the given labels."""

    of_all: float  # beyond what a constant answer reaches: 0 or less is no better than that, 1 is perfect
    of_class: Mapping[str, float]  # the F1 of each class, named as strata are


class Auditor(Protocol):
    """Compares predicted labels with the given ones."""

    VECTORS: str  # the column of data/embeddings that the probe reads: `vector` or `token_vectors`
    ONE_CLASS: bool  # whether each label is one of a closed set of classes

    def audit(self, labels: Sequence[Any], concluded: Conclusion) -> Judged:
        """Judges labels by the predictions of a probe fitted on other rows."""

    def reliability(self, labels: Sequence[Any], concluded: Conclusion) -> Reliability:
        """How far these predictions can judge labels."""


def load_auditor(target: str) -> Auditor:
    return cast(Auditor, variants.load("targets", target, "audit"))
