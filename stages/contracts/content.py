"""How cleaned content is stored and shown: stages/modalities/<name>/content.py."""

from typing import Protocol, cast

import pyarrow as pa

from stages.core import variants
from stages.core.tables import Content


class Modality(Protocol):
    """The kind of content that a row holds."""

    CONTENT: pa.DataType  # the Parquet type of cleaned content

    def preview(self, content: Content) -> str:
        """The content in one short line."""


def load_modality(name: str) -> Modality:
    return cast(Modality, variants.load("modalities", name, "content"))
