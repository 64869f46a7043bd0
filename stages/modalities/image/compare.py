"""Images are the same pixel by pixel, or have correlated thumbnails."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.modalities.image.content import pixels

THUMBNAIL = 32  # pixels a side
HASH_SIDE = 8  # 64 bits
HASH_BANDS = 4  # of 16 bits: two hashes that differ in at most 3 bits share a band for sure


def exact_key(content: bytes) -> bytes:
    image = pixels(content)
    return blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """A thumbnail without its mean brightness, at length 1, flat."""
    import cv2

    thumbnail = cv2.resize(pixels(content), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32).reshape(-1)
    centred = thumbnail - thumbnail.mean()
    if np.ptp(thumbnail) == 0:  # nothing but one grey: all such images are alike
        centred = np.ones_like(thumbnail)
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-9), dtype=np.float32)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """The correlation of two thumbnails; 0 where it is negative."""
    return min(1.0, max(0.0, float(one @ other)))


def signatures(contents: Sequence[bytes], threshold: float) -> npt.NDArray[np.uint64]:
    """The perceptual hash in bands (Zauner 2010: signs of the low frequencies); the threshold is left to `similarity`."""
    import cv2

    bits = np.empty((len(contents), HASH_SIDE * HASH_SIDE), dtype=np.uint8)
    for row, content in enumerate(contents):
        grey = cv2.resize(cv2.cvtColor(pixels(content), cv2.COLOR_RGB2GRAY), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        low = cv2.dct(grey.astype(np.float32))[:HASH_SIDE, :HASH_SIDE].reshape(-1)
        bits[row] = low > np.median(low)
    bands = np.packbits(bits, axis=1).view(np.uint16).astype(np.uint64)
    return bands + (np.arange(1, HASH_BANDS + 1, dtype=np.uint64) << np.uint64(16))  # no two bands share a bucket, none is 0
