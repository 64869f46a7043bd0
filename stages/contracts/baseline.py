"""How contents become features without a model: stages/modalities/<name>/baseline.py."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

from stages.core import variants
from stages.core.tables import Content

Features = Any  # sparse, (n_rows, n_features)


class Baseline(Protocol):
    """Features for a linear model that needs no encoder."""

    features: Callable[[Sequence[Content], Sequence[Content], int], tuple[Features, Features]] | None
    """The features of training contents and of other contents; None if the modality has none that are worth it.

    What is learned about the contents, such as a vocabulary, is learned from the training contents alone.
    The number after them is the largest number of features of one kind.
    """


def load_baseline(modality: str) -> Baseline:
    return cast(Baseline, variants.load("modalities", modality, "baseline"))
