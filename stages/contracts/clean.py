"""How raw content is cleaned: stages/modalities/<name>/clean."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel

from stages.contracts.label import Suggestion
from stages.core import variants
from stages.core.tables import Content


@dataclass(frozen=True)
class Cleaned:
    """A cleaned content and the repairs that were made, or the reason for which the row is dropped."""

    content: Content | None
    reason: str | None = None
    repairs: tuple[str, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)  # values of MEASURES, as far as they could be measured


@dataclass(frozen=True)
class JointMeasures:
    """Measures that need all rows, such as unusual size: each (n_rows,)."""

    measured: Mapping[str, npt.NDArray[np.float64]]  # NaN for rows without a value
    reasons: Sequence[str | None]  # the reason for which a row is dropped, if it is


class Cleaner(Protocol):
    """Cleans the content of one row at a time; measures that need all rows come after that."""

    REASONS: Mapping[str, str]  # every reason that `clean` can give, with the words for it
    REASONS_TOGETHER: Mapping[str, str]  # every reason that `measure_together` can give, with the words for it
    SEE: Mapping[str, str]  # by reason: the key of params.yaml to look at if many rows are dropped for it
    MEASURES: Mapping[str, pa.DataType]  # what `clean` and `measure_together` measure: columns of data/verdicts/clean
    CleanParams: type[BaseModel]  # the section clean.<modality> of params.yaml

    def clean(self, content: bytes, params: Any) -> Cleaned:
        """Repairs and normalises one raw content."""

    def measure_together(self, measured: Mapping[str, npt.NDArray[Any]], params: Any) -> JointMeasures | None:
        """Computes the measures that need all rows from those of `clean`; None if there are none.

        A served content is cleaned without it.
        """

    def suggest(self, contents: Iterable[bytes], params: Any) -> list[Suggestion]:
        """Suggestions that follow from all raw contents together. A modality without suggestions reads no content."""


def load_cleaner(modality: str) -> Cleaner:
    return cast(Cleaner, variants.load("modalities", modality, "clean"))
