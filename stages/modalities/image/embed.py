"""Images as vectors: HOG and colour, or a frozen vision model."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts.embed import Embedded
from stages.core.params import Strict
from stages.modalities.image.content import pixels

HOG = "hog"


class EmbedParams(Strict):
    model: str = Field(
        min_length=1,
        description="`hog` (gradients and colour, no download), or a vision model: a hub id or a local folder",
    )
    batch_size: int = Field(ge=1, le=256, description="rows at a time; a short last batch is filled up")


def embed(contents: Sequence[bytes], params: EmbedParams) -> Embedded:
    if params.model == HOG:
        from tqdm import tqdm

        return Embedded(
            np.stack(
                [
                    hog_and_colour(pixels(content))
                    for content in tqdm(contents, desc="embed", unit=" rows", disable=None)
                ]
            )
        )
    from stages.modalities.image.encode.images import ImageEncoder

    return Embedded(ImageEncoder.load(params.model).embed(contents, params.batch_size))


def hog_and_colour(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Shape and colour, half and half, at length 1: histograms of oriented gradients (Dalal & Triggs 2005) and of hue, saturation and value."""
    import cv2

    square = cv2.resize(
        image, (64, 64), interpolation=cv2.INTER_AREA if min(image.shape[:2]) > 64 else cv2.INTER_LINEAR
    )
    hog = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9).compute(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY))
    colour = cv2.calcHist(
        [cv2.cvtColor(square, cv2.COLOR_RGB2HSV)], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]
    ).reshape(-1)
    halves = [half / max(float(np.linalg.norm(half)), 1e-9) for half in (np.asarray(hog).reshape(-1), np.sqrt(colour))]
    vector = np.concatenate(halves)
    return np.asarray(
        vector / np.linalg.norm(vector), dtype=np.float32
    )  # an image of one colour has no shape: one half is nothing
