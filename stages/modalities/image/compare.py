"""Exact duplicates of images have equal pixels; near duplicates have similar low frequencies."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.duplicates.vector_index import cosine
from stages.modalities.image.content import decode, pixels

THUMBNAIL = 32  # pixels per side
FREQUENCIES = 8  # lowest frequencies per side and channel

signatures = None  # fingerprints are short vectors, which are compared directly


def exact_key(content: bytes) -> bytes:
    image = pixels(content)
    return blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """(n_frequencies,), of length 1: the low frequencies of a thumbnail's channels, without their means.

    A perceptual hash (Zauner 2010) keeps the signs of these numbers. Signed square roots keep some of their sizes,
    which differ between two pictures on similar backgrounds, without letting the largest dominate (as in Fisher
    vectors, Perronnin et al. 2010).
    """
    import cv2

    image = pixels(content)
    interpolation = cv2.INTER_AREA if min(image.shape[:2]) > THUMBNAIL else cv2.INTER_LINEAR
    thumbnail = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=interpolation).astype(np.float32)
    low = np.stack([cv2.dct(channel)[:FREQUENCIES, :FREQUENCIES] for channel in cv2.split(thumbnail)])
    low[:, 0, 0] = 0
    if not any(map(np.ptp, cv2.split(thumbnail))):  # one colour: all such images are alike
        low[:, 0, 0] = 1
    roots = (np.sign(low) * np.sqrt(np.abs(low))).reshape(-1)
    return np.asarray(roots / np.linalg.norm(roots), dtype=np.float32)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """The cosine of two fingerprints; 0 if it is negative."""
    return cosine(one, other)


def size(content: bytes) -> int:
    """The number of pixels."""
    width, height = decode(content).size
    return width * height
