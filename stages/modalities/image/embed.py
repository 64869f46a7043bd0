"""Vectors of images: HOG and a colour histogram, or a frozen vision model."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from stages.contracts._coverage import Coverage
from stages.contracts.embed import Embedded
from stages.core.params import Strict
from stages.modalities.image.content import pixels

HOG = "hog"


class EmbedParams(Strict):
    model: str = Field(
        min_length=1,
        description="`hog` (gradients and colours), or a frozen vision model: google/efficientnet-lite0, which is "
        "installed as a package, a local folder, or `owner/name@commit` on the hub",
    )
    batch_size: int = Field(ge=1, le=256, description="rows per batch; a short last batch is padded with copies")


def embed(contents: Sequence[bytes], params: EmbedParams) -> Embedded:
    if params.model == HOG:
        from tqdm import tqdm

        progress = tqdm(contents, desc="embed", unit=" rows", disable=None)
        return Embedded(np.stack([hog_and_colour(pixels(content)) for content in progress]))
    from stages.modalities.image.encode.images import ImageEncoder

    return Embedded(ImageEncoder.load(params.model).embed(contents, params.batch_size))


def measure(contents: Iterable[bytes], params: EmbedParams) -> Coverage:
    """Nothing: an image is scaled, not cut."""
    return Coverage()


def hog_and_colour(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """HOG (Dalal & Triggs 2005) and a histogram of HSV colours, weighted equally, as a vector of length 1."""
    import cv2

    interpolation = cv2.INTER_AREA if min(image.shape[:2]) > 64 else cv2.INTER_LINEAR
    square = cv2.resize(image, (64, 64), interpolation=interpolation)
    descriptor = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9)
    hog = np.asarray(descriptor.compute(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY))).reshape(-1)
    hsv = cv2.cvtColor(square, cv2.COLOR_RGB2HSV)
    colours = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).reshape(-1)
    halves = [half / max(float(np.linalg.norm(half)), 1e-9) for half in (hog, np.sqrt(colours))]
    vector = np.concatenate(halves)  # the HOG of an image of one colour is zero
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)
