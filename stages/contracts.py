"""The two axes: what a row is made of (modality) and what is predicted (target), and the task where they meet.

A variant is a plain module that meets a Protocol of this file. It is found by its file name, from `modality:` and
`target:` in params.yaml; there is nothing to inherit from and no list to edit.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel

from stages.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Content = Any  # str for text, encoded bytes for images and sounds: only the modality looks inside
Label = Any  # what the target's LABEL type holds: str for categories
Vectors = npt.NDArray[np.float32]  # (n_rows, dim)
Predictions = npt.NDArray[np.float64]  # (n_rows, n_columns)


@dataclass(frozen=True)
class Cleaned:
    """A content that can be used, and the repairs that made it so; or the reason why it cannot be used."""

    content: Content | None
    reason: str | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class CleanedLabel:
    """A label in the target's own form, or the reason why the row has none."""

    label: Label | None
    reason: str | None = None


class Modality(Protocol):
    """What a row is made of: stages/modalities/<name>.py."""

    CONTENT: pa.DataType  # how cleaned content is stored
    REASONS: tuple[str, ...]  # the closed list of reasons that `clean` gives
    CleanParams: type[BaseModel]
    EmbedParams: type[BaseModel]

    def clean(self, content: Content, params: Any) -> Cleaned:
        """Repairs and normalises one raw content."""

    def exact_key(self, content: Content) -> bytes:
        """16 bytes that two cleaned contents share if and only if they say the same."""

    def signatures(self, contents: Sequence[Content], threshold: float) -> npt.NDArray[np.uint64]:
        """(n_rows, n_bands): near-duplicates at `threshold` very likely share a value in some column."""

    def fingerprint(self, content: Content) -> Any:
        """What `similarity` compares."""

    def similarity(self, one: Any, other: Any) -> float:
        """0 to 1, computed exactly from two fingerprints."""

    def embed(self, contents: Sequence[Content], params: Any) -> Vectors:
        """One vector of length 1 a row; its bits do not depend on the other rows."""

    def preview(self, content: Content) -> str:
        """One short line for people."""


class Target(Protocol):
    """What is predicted: stages/targets/<name>.py. Predictions are numbers, (n_rows, n_columns): probabilities of categories."""

    LABEL: pa.DataType  # how a cleaned label is stored
    REASONS: tuple[str, ...]  # the closed list of reasons that `clean_label` gives

    def clean_label(self, raw: str | None, aliases: Mapping[str, str], unwanted: Sequence[str]) -> CleanedLabel:
        """The label in its own form."""

    def strata(self, labels: "pd.Series[Any]") -> npt.NDArray[np.str_]:
        """(n_rows,): rows of one stratum are spread evenly over splits and folds."""

    def classes(self, labels: "pd.Series[Any]") -> list[str]:
        """The names of the columns of predictions, out of the training labels."""

    def fit_predict(self, labels: "pd.Series[Any]", vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> Predictions:
        """What a probe that is fitted on `vectors` predicts for `others`."""

    def majority(self, labels: "pd.Series[Any]", n_rows: int, columns: Sequence[str]) -> Predictions:
        """What one predicts who has seen the training labels and no row."""

    def audit(self, labels: "pd.Series[Any]", predictions: Predictions, columns: Sequence[str]) -> "pd.DataFrame":
        """`label_quality` (0 to 1), `is_label_issue` and `predicted_label`, from predictions that never saw the row's label."""

    def score(self, given: "pd.Series[Any]", predictions: Predictions, columns: Sequence[str], bins: int) -> dict[str, float]:
        """Flat metrics."""

    def plots(self, given: "pd.Series[Any]", predictions: Predictions, columns: Sequence[str], bins: int) -> dict[str, "pd.DataFrame"]:
        """Tables for `dvc plots`, by file name."""


class Task(Protocol):
    """A modality and a target together: stages/tasks/<modality>_<target>.py."""

    AugmentParams: type[BaseModel]
    FinetuneParams: type[BaseModel]

    def augment(self, content: Content, params: Any, seed: int) -> Content:
        """A changed copy of one content; `seed` decides all of its chances."""

    def finetune(self, train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
        """Writes a model that loads with plain transformers, and its recipe, into `folder`; gives what it measured."""

    def predict(self, folder: Path, contents: Sequence[Content], batch_size: int) -> pa.Table:
        """`predicted_label` and `predictions` of cleaned contents; a row's bits do not depend on the other rows."""


_STAGES = Path(__file__).parent


def modality_names() -> list[str]:
    return _variants("modalities")


def load_modality(name: str) -> Modality:
    return cast(Modality, _load("modality", "modalities", name))


def load_target(name: str) -> Target:
    return cast(Target, _load("target", "targets", name))


def load_task(modality: str, target: str) -> Task:
    return cast(Task, _load("modality and target", "tasks", f"{modality}_{target}"))


def check_variants(modality: Any, target: Any) -> None:
    """
    Raises:
        InputError: both are names, and there is no task for them.
    """
    if isinstance(modality, str) and isinstance(target, str):
        load_modality(modality)
        load_target(target)
        load_task(modality, target)


def _load(what: str, folder: str, name: str) -> Any:
    if name not in _variants(folder):
        raise InputError(f"params.yaml: {what}: no such file stages/{folder}/{name}.py; there are {', '.join(_variants(folder))}")
    return importlib.import_module(f"stages.{folder}.{name}")


def _variants(folder: str) -> list[str]:
    return sorted(path.stem for path in (_STAGES / folder).glob("[!_]*.py"))
