"""What samples each kind of variant needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stages.core.tables import Content, Label, Vectors


@dataclass(frozen=True)
class ModalitySamples:
    contents: Sequence[bytes]  # raw, all different, all of use
    same: Sequence[tuple[bytes, bytes]]  # pairs that say the same
    near: Sequence[tuple[bytes, bytes]]  # pairs that are alike to at least `threshold`
    threshold: float
    reasons: Mapping[str, bytes]  # reason -> a raw content that is dropped for it
    clean: Mapping[str, Any]  # CleanParams
    embedders: Sequence[Mapping[str, Any]]  # EmbedParams; where a model's name stands, {folder} is one with tiny models
    clean_reasons: Mapping[str, Any] = field(default_factory=dict)  # what of CleanParams is otherwise for `reasons`
    clean_copies: Mapping[str, Any] = field(
        default_factory=dict
    )  # what of CleanParams is otherwise for augmented copies


@dataclass(frozen=True)
class TargetSamples:
    labels: Sequence[Label]  # cleaned; as many of each kind
    vectors: Vectors  # of rows with these labels, from which a probe can learn them
    params: Mapping[str, Any]  # LabelParams
    cleaned: Mapping[str, Label]  # raw label -> what it becomes
    reasons: Mapping[str, str | None]  # reason -> a raw label that is dropped for it
    content: Content = None  # the cleaned content beside these raw labels


@dataclass(frozen=True)
class TaskSamples:
    augment: Mapping[str, Any]  # AugmentParams with everything on
    wildest: Mapping[str, Any]  # AugmentParams at the ends of their ranges
    write_model: Callable[[Path, Mapping[str, Any]], None]  # as finetune would, without training
    recipe: Mapping[str, Any]  # the objective's
    label_of: Callable[[Content], Label]  # a label that a row of this content may have
