"""How cleaned content becomes vectors: stages/modalities/<name>/embed.py."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel

from stages.contracts._coverage import Coverage
from stages.core import variants
from stages.core.tables import Content, Vectors


@dataclass(frozen=True)
class Embedded:
    """The vectors of rows, and of their tokens if params ask for them."""

    rows: Vectors  # (n_rows, dim), each of length 1
    tokens: Vectors | None = None  # one (n_tokens, dim) per row


class Embedder(Protocol):
    """A frozen encoder."""

    EmbedParams: type[BaseModel]  # the section embed.<modality> of params.yaml

    def embed(self, contents: Sequence[Content], params: Any) -> Embedded:
        """One vector of length 1 per row. The bits of a vector do not depend on the other rows."""

    def measure(self, contents: Iterable[Content], params: Any) -> Coverage:
        """How much of the contents the encoder reads; whether their vectors were cached makes no difference."""


def load_embedder(modality: str) -> Embedder:
    return cast(Embedder, variants.load("modalities", modality, "embed"))
