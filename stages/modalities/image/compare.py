"""Images are the same pixel by pixel, or have much the same low frequencies."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.duplicates.neighbours import cosine
from stages.modalities.image.content import decode, pixels

THUMBNAIL = 32  # pixels a side
FREQUENCIES = 8  # a side and channel, of the lowest

signatures = None  # fingerprints are few enough numbers to be compared themselves


def exact_key(content: bytes) -> bytes:
    image = pixels(content)
    return blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """The low frequencies of a thumbnail's channels, without their means, at length 1, flat.

    A perceptual hash (Zauner 2010) takes the signs of these numbers; square roots keep something of their sizes, which two pictures on like grounds
    differ in, and do not leave the word to the largest alone (as with Fisher vectors, Perronnin et al. 2010).
    """
    import cv2

    image = pixels(content)
    way = cv2.INTER_AREA if min(image.shape[:2]) > THUMBNAIL else cv2.INTER_LINEAR
    thumbnail = cv2.resize(image, (THUMBNAIL, THUMBNAIL), interpolation=way).astype(np.float32)
    low = np.stack([cv2.dct(channel)[:FREQUENCIES, :FREQUENCIES] for channel in cv2.split(thumbnail)])
    low[:, 0, 0] = 0
    if not any(map(np.ptp, cv2.split(thumbnail))):  # nothing but one colour: all such images are alike
        low[:, 0, 0] = 1
    roots = (np.sign(low) * np.sqrt(np.abs(low))).reshape(-1)
    return np.asarray(roots / np.linalg.norm(roots), dtype=np.float32)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """The cosine of two fingerprints; 0 where it is negative."""
    return cosine(one, other)


def size(content: bytes) -> int:
    """In pixels."""
    width, height = decode(content).size
    return width * height
