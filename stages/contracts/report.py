"""How content is shown to people: stages/modalities/<name>/report.py."""

from dataclasses import dataclass
from typing import Protocol, cast

from stages.core import variants
from stages.core.tables import Content


@dataclass(frozen=True)
class Piece:
    """A part of a shown text."""

    text: str
    changed: bool = False  # whether the other text of the pair differs here


@dataclass(frozen=True)
class Shown:
    """A content, raw or cleaned, as a line for a terminal and as text, image or sound for a page."""

    line: str
    text: tuple[Piece, ...] = ()
    image: str = ""  # a `data:` URI
    sound: str = ""  # a `data:` URI


class Reporter(Protocol):
    """Shows content. Raw content may be broken or hostile."""

    SIZES: tuple[str, ...]  # the names of the values of `sizes`, with their units

    def sizes(self, raw: bytes) -> tuple[float, ...]:
        """The sizes of a raw content; empty if it cannot be read."""

    def show(self, content: Content) -> Shown:
        """A content, cut to a bounded size."""

    def show_pair(self, one: Content, other: Content) -> tuple[Shown, Shown]:
        """Two contents side by side; for texts, with their differences marked."""


def load_reporter(modality: str) -> Reporter:
    return cast(Reporter, variants.load("modalities", modality, "report"))
