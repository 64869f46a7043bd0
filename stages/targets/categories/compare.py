"""Whether the labels of two duplicates agree: a label is a set of names."""

from collections.abc import Callable, Sequence
from operator import eq
from typing import Any


def agreement(labels: Sequence[Any]) -> Callable[[Any, Any], bool]:
    return eq
