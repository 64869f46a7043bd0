"""The two axes: what a row is made of (modality) and what is predicted (target), and the task where they meet.

A variant is a plain module that meets a Protocol of this file. It is found by its file name, from `modality:` and
`target:` in params.yaml; there is nothing to inherit from and no list to edit.
"""

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BaseModel

from stages.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import torch

Content = Any  # str for text, encoded bytes for images and sounds: only the modality looks inside
Label = Any  # what the target's LABEL type holds: str for a category, float for a number, a list of str for tags
Vectors = npt.NDArray[Any]  # float32, (n_rows, dim); of tokens: objects, one (n_tokens, dim) a row
Predictions = npt.NDArray[Any]  # float64, (n_rows, n_columns); of tokens: objects, one (n_tokens, n_columns) a row

NO_CLASS = "(none)"  # the stratum of rows that have none of the classes: not one that must be learned


@dataclass(frozen=True)
class Cleaned:
    """A content that can be used, and the repairs that made it so; or the reason why it cannot be used."""

    content: Content | None
    reason: str | None = None
    repairs: tuple[str, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)  # of what is measured, as far as it was


@dataclass(frozen=True)
class CleanedLabel:
    """A label in the target's own form, and the repairs that made it so; or the reason why the row has none."""

    label: Label | None
    reason: str | None = None
    repairs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Suggestion:
    """Something in the data that a person should decide about, in params."""

    key: str  # the param that would do it
    value: str  # what was found
    rows: int  # in how many rows
    proposal: str  # what could stand at `key`, and why


@dataclass(frozen=True)
class Among:
    """What can be said of rows only among the others, each (n_rows,)."""

    measured: Mapping[str, npt.NDArray[np.float64]]  # NaN where there is nothing to say
    reasons: Sequence[str | None]  # why a row is dropped


@dataclass(frozen=True)
class Piece:
    """A piece of a text that is shown."""

    text: str
    changed: bool = False  # whether the text beside it has something else here


@dataclass(frozen=True)
class Shown:
    """A content, raw or cleaned, for people: a line of it for a terminal, and what of it goes on a page."""

    line: str
    text: tuple[Piece, ...] = ()
    image: str = ""  # a `data:` URI
    sound: str = ""  # likewise


@dataclass(frozen=True)
class Embedded:
    rows: Vectors  # (n_rows, dim), each of length 1
    tokens: Vectors | None = None  # of rows that are tokenised, where params ask for them


@dataclass(frozen=True)
class Conclusion:
    """What a model, a probe or a constant says of rows."""

    labels: Sequence[Label]
    predictions: Predictions  # the numbers behind the labels
    columns: Sequence[str]  # what each of these numbers is


@dataclass(frozen=True)
class Judged:
    """What `audit` says of each row."""

    label_quality: npt.NDArray[np.float64]  # (n_rows,), 0 to 1
    is_label_issue: npt.NDArray[np.bool_]  # (n_rows,)
    suggested: Sequence[Label]  # what the policy `relabel` puts in the place of a label with an issue


class Modality(Protocol):
    """What a row is made of: stages/modalities/<name>/content.py; the other parts of it stand beside, each for the stages that need it."""

    CONTENT: pa.DataType  # how cleaned content is stored

    def preview(self, content: Content) -> str:
        """One short line for people."""


class Cleaner(Protocol):
    """stages/modalities/<name>/clean.py"""

    REASONS: tuple[str, ...]  # the closed list of reasons that `clean` gives
    REASONS_AMONG: tuple[str, ...]  # the closed list of reasons that `among` gives
    MEASURES: Mapping[str, pa.DataType]  # what `clean` and `among` measure of the raw content: each is a column of the verdicts
    CleanParams: type[BaseModel]

    def clean(self, content: bytes, params: Any) -> Cleaned:
        """Repairs and normalises one raw content."""

    def among(self, measured: Mapping[str, npt.NDArray[Any]], params: Any) -> Among | None:
        """From what `clean` measured of all rows what none of them says alone, None where that is nothing; what is served is cleaned without it."""

    def suggest(self, contents: Iterable[bytes], params: Any) -> list[Suggestion]:
        """What the raw contents together say that no row says alone; a modality that has nothing to say reads none of them."""


class Comparer(Protocol):
    """stages/modalities/<name>/compare.py"""

    signatures: Callable[[Sequence[Content], float], npt.NDArray[np.uint64]] | None
    """Where fingerprints are sets of strings and `similarity` is Jaccard's coefficient: (n_rows, n_buckets), and near-duplicates at a threshold very
    likely share a value in some column. None where fingerprints are vectors of length 1 and `similarity` is the cosine: the nearest are searched for.
    """

    def exact_key(self, content: Content) -> bytes:
        """16 bytes that two cleaned contents share if and only if they say the same."""

    def size(self, content: Content) -> int:
        """How long it is: what `keep: longest` goes by."""

    def fingerprint(self, content: Content) -> Any:
        """What `similarity` compares."""

    def similarity(self, one: Any, other: Any) -> float:
        """0 to 1, computed exactly from two fingerprints."""


class Reporter(Protocol):
    """stages/modalities/<name>/report.py; what is raw may be broken, or made to do harm"""

    SIZES: tuple[str, ...]  # what `sizes` gives, with the unit

    def sizes(self, raw: bytes) -> tuple[float, ...]:
        """How large a raw content is; empty where that cannot be told."""

    def show(self, content: Content) -> Shown:
        """A content, raw or cleaned, of a bounded size."""

    def show_pair(self, one: Content, other: Content) -> tuple[Shown, Shown]:
        """Two contents that stand side by side; of texts, where they differ."""


class Embedder(Protocol):
    """stages/modalities/<name>/embed.py"""

    EmbedParams: type[BaseModel]

    def embed(self, contents: Sequence[Content], params: Any) -> Embedded:
        """One vector of length 1 a row; its bits do not depend on the other rows."""


class Target(Protocol):
    """What is predicted: stages/targets/<name>.py; how its labels are cleaned, spread, judged and scored."""

    LABEL: pa.DataType  # how a cleaned label is stored
    REASONS: tuple[str, ...]  # the closed list of reasons that `clean_label` gives
    LabelParams: type[BaseModel]  # `clean.label`
    VECTORS: str  # the column of data/embeddings that `fit_predict` takes: `vector`, or `token_vectors`
    CLOSED: bool  # whether `strata` are of a closed set, each of which (but NO_CLASS) must be learned from
    CONSTANT: str  # what `constant` says of every row: `majority`, `mean`, `prior`
    HEADLINE: tuple[str, ...]  # the metrics that matter most, the first of them above all

    def clean_label(self, raw: str | None, content: Content | None, params: Any) -> CleanedLabel:
        """The label in its own form; `content` is the cleaned one, None where it cannot be used."""

    def suggest(self, given: Mapping[str, int], params: Any) -> list[Suggestion]:
        """What the source's own labels, each with its number of rows, say together."""

    def without_rare_labels(self, labels: Iterable[Label], params: Any) -> Any:
        """The LabelParams under which none of the cleaned labels, one a row, is of too few rows; None where none is.

        Raises:
            InputError: some are, and `params` do not say what to do.
        """

    def preview(self, label: Label, content: Content) -> str:
        """A cleaned label, beside its cleaned content, in one line for people."""

    def strata(self, labels: Sequence[Any]) -> list[tuple[str, ...]]:
        """The strata of each row: each is spread evenly over splits and folds."""

    def names(self, labels: Sequence[Any]) -> list[tuple[str, ...]]:
        """What each label, cleaned or still raw, counts as in the balance of classes."""

    def fit_predict(self, labels: Sequence[Any], vectors: Vectors, others: Vectors, columns: Sequence[str], C: float) -> Predictions:
        """The outputs, for `others`, of a probe that is fitted on `vectors`; C is the inverse strength of its regularisation."""

    def constant(self, labels: Sequence[Any], given: Sequence[Any], columns: Sequence[str]) -> Predictions:
        """The outputs, for rows with the labels `given`, of one who knows the training labels and has seen no row."""

    def audit(self, labels: Sequence[Any], concluded: Conclusion) -> Judged:
        """What the labels are worth, from predictions that never saw them."""

    def score(self, given: Sequence[Any], concluded: Conclusion, bins: int) -> dict[str, float]:
        """Flat metrics."""

    def plots(self, given: Sequence[Any], concluded: Conclusion, bins: int) -> dict[str, "pd.DataFrame"]:
        """`confusion` (`actual`, `predicted`) and `reliability` (`confidence`, `accuracy`, `rows`)."""


class Objective(Protocol):
    """What a model is trained towards: the class `Objective` of stages/objectives/<target>.py.

    It turns labels into what a loss takes, and outputs into labels. It knows no metric, so that editing one trains nothing.
    """

    @property
    def columns(self) -> Sequence[str]:
        """The names of the outputs."""

    @classmethod
    def of(cls, labels: Sequence[Any]) -> Self:
        """The objective that these training labels set."""

    def tuned(self, labels: Sequence[Any], outputs: Predictions) -> Self:
        """With all that `conclude` needs, out of rows whose labels are known and that the model was not fitted on."""

    def conclude(self, outputs: Predictions) -> Conclusion:
        """Labels, and the numbers behind them, out of outputs."""


class Learnable(Objective, Protocol):
    """An objective that a model can be fine-tuned towards."""

    @property
    def metric(self) -> str:
        """The name of what `measure` gives."""

    @property
    def tunable(self) -> bool:
        """Whether `tuned` finds anything."""

    @property
    def label_smoothing(self) -> float:
        """How much of a label's weight the Trainer spreads over all classes."""

    @property
    def loss(self) -> "Callable[..., torch.Tensor] | None":
        """Of the model's output and the targets, as the Trainer calls it (with `num_items_in_batch`); None: the cross-entropy of transformers."""

    def config(self) -> dict[str, Any]:
        """What transformers calls the outputs."""

    def targets(self, labels: Sequence[Any]) -> list[Any]:
        """What the loss compares the logits of each row with."""

    def measure(self, logits: npt.NDArray[np.float32], targets: npt.NDArray[Any]) -> float:
        """How good the model is on the validation rows, for the curves."""

    def first_head(self, vectors: Vectors, targets: Sequence[Any], C: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weights (n_outputs, dim) and bias (n_outputs,) of a probe, where a head may start."""

    def outputs(self, logits: npt.NDArray[np.float32]) -> Predictions:
        """(n_rows, n_outputs)"""

    def recipe(self) -> dict[str, Any]:
        """All that `from_recipe` needs, for the model's folder."""

    @classmethod
    def from_recipe(cls, recipe: Mapping[str, Any]) -> Self:
        """The objective again."""


class Task(Protocol):
    """A modality and a target together: stages/tasks/<modality>_<target>.py."""

    AugmentParams: type[BaseModel]
    FinetuneParams: type[BaseModel]

    def augmenter(self, params: Any, train: Callable[[], Iterable[tuple[Content, Label]]]) -> Callable[[Content, Label, int], tuple[Content, Label]]:
        """What makes a changed copy of a content and its label, with a seed that decides all of its chances; `train` reads the training rows."""

    def finetune(self, train: pa.Table, validation: pa.Table, params: Any, recipe: Mapping[str, Any], folder: Path) -> dict[str, float | int]:
        """Writes a model that loads with plain transformers, and its recipe, into `folder`; gives what it measured."""

    def predict(self, folder: Path, contents: Sequence[Content], batch_size: int) -> Conclusion:
        """What the model says of cleaned contents; a row's bits do not depend on the other rows."""


_STAGES = Path(__file__).parent


def modality_names() -> list[str]:
    return _variants("modalities")


def load_modality(name: str) -> Modality:
    return cast(Modality, _load("modality", "modalities", name, "content"))


def load_cleaner(modality: str) -> Cleaner:
    return cast(Cleaner, _load("modality", "modalities", modality, "clean"))


def load_comparer(modality: str) -> Comparer:
    return cast(Comparer, _load("modality", "modalities", modality, "compare"))


def load_reporter(modality: str) -> Reporter:
    return cast(Reporter, _load("modality", "modalities", modality, "report"))


def load_embedder(modality: str) -> Embedder:
    return cast(Embedder, _load("modality", "modalities", modality, "embed"))


def load_target(name: str) -> Target:
    return cast(Target, _load("target", "targets", name))


def load_objective(target: str) -> type[Objective]:
    return cast(type[Objective], _load("target", "objectives", target).Objective)


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


def _load(what: str, folder: str, name: str, part: str = "") -> Any:
    if name not in _variants(folder):
        raise InputError(f"params.yaml: {what}: {name!r} is none of stages/{folder}; there are {', '.join(_variants(folder))}")
    return importlib.import_module(".".join(filter(None, ["stages", folder, name, part])))


def _variants(folder: str) -> list[str]:
    return sorted(path.stem for path in (_STAGES / folder).glob("[!_.]*"))
