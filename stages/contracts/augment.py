"""How training rows are augmented: stages/tasks/<modality>_<target>/augment.py."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from pydantic import BaseModel

from stages.core import variants
from stages.core.tables import Content, Label

Rows = Callable[[], Iterable[tuple[Content, Label]]]  # reads the training rows
Augment = Callable[[Content, Label, int], tuple[Content, Label]]  # a changed copy of a content and its label, by a seed


class Augmentation(Protocol):
    """Makes changed copies of training rows."""

    AugmentParams: type[BaseModel]  # the section augment.<modality> of params.yaml

    def augmenter(self, params: Any, train: Rows) -> Augment:
        """The function that makes a copy. All random choices follow from its seed."""


def load_augmentation(modality: str, target: str) -> Augmentation:
    return cast(Augmentation, variants.load("tasks", f"{modality}_{target}", "augment"))
