"""Images as the inputs of a network."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from stages.contracts._network import Encoded, Inputs
from stages.modalities.image.content import decode


@dataclass(frozen=True)
class ImageFrontend:
    """Reads an image as (1, channels, height, width) numbers; all images are resized to one size."""

    processor: Any  # an image processor of transformers

    def encode(self, contents: Sequence[bytes]) -> Iterator[Encoded]:
        for content in contents:
            yield Encoded([self.inputs(content)])

    def inputs(self, content: bytes) -> Inputs:
        return {"pixel_values": self.processor(decode(content), return_tensors="np")["pixel_values"]}
