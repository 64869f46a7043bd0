"""How labels are cleaned, stratified and shown: stages/targets/<name>/label.py."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import pyarrow as pa
from pydantic import BaseModel

from stages.core import variants
from stages.core.run import DataWarning
from stages.core.tables import Content, Label

NO_CLASS = "(none)"  # the stratum of rows that have none of the classes: no class that must be learned


@dataclass(frozen=True)
class CleanedLabel:
    """A cleaned label and the repairs that were made, or the reason for which the row is dropped."""

    label: Label | None
    reason: str | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """A change of params that a person should decide about."""

    key: str  # the key in params.yaml
    value: str  # what was found in the data
    rows: int  # the number of rows that have it
    proposal: str  # what to write at `key`, and why


class Target(Protocol):
    """The kind of label that is predicted."""

    LABEL: pa.DataType  # the Parquet type of a cleaned label
    REASONS: Mapping[str, str]  # every reason that `clean_label` can give, with the words for it
    SEE: Mapping[str, str]  # by reason: the key of params.yaml to look at if many rows are dropped for it
    LabelParams: type[BaseModel]  # the section clean.label of params.yaml
    CLOSED: bool  # whether the strata are a closed set, each of which (except NO_CLASS) must have training rows

    def clean_label(self, raw: str | None, content: Content | None, params: Any) -> CleanedLabel:
        """Converts a raw label into the form of LABEL; `content` is the cleaned content, None if the row has none."""

    def suggest(self, given: Mapping[str, int], params: Any) -> list[Suggestion]:
        """Suggestions that follow from all raw labels, given with their numbers of rows."""

    def check(self, given: Mapping[str, int], params: Any) -> list[DataWarning]:
        """What is out of the ordinary in all raw labels, given with their numbers of rows.

        Raises:
            InputError: these cannot be the labels.
        """

    def without_rare_labels(self, labels: Iterable[Label], params: Any) -> Any:
        """The LabelParams that drop or merge the rare ones of the cleaned labels; None if no label is rare.

        Raises:
            InputError: there are rare labels, and `params` say that this is an error.
        """

    def preview(self, label: Label, content: Content) -> str:
        """A cleaned label in one line, for the given cleaned content."""

    def strata(self, labels: Sequence[Any]) -> list[tuple[str, ...]]:
        """The strata of each row. Splits and folds have about equal shares of every stratum."""

    def names(self, labels: Sequence[Any]) -> list[tuple[str, ...]]:
        """The names under which each label, raw or cleaned, is counted in the class balance."""


def load_target(name: str) -> Target:
    return cast(Target, variants.load("targets", name, "label"))
