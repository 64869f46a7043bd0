"""Recordings are the same sample by sample, or have correlated spectrograms."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram
from stages.neighbours import cosine

PRINT_BANDS, PRINT_PARTS, PRINT_DEPTH = 32, 24, 20.0

signatures = None  # thumbnails are few enough numbers to be compared themselves


def exact_key(content: bytes) -> bytes:
    samples, rate = decode(content)
    return blake2b(f"{rate};".encode() + samples.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """A thumbnail of the spectrogram, without the means of its bands and of its moments, at length 1, flat."""
    bands = spectrogram(*decode(content), PRINT_BANDS, FRAME / 2)
    thumbnail = Span.of(bands).means(above(bands, PRINT_DEPTH), PRINT_PARTS)
    thumbnail = (thumbnail - thumbnail.mean(axis=0) - thumbnail.mean(axis=1, keepdims=True) + thumbnail.mean()).reshape(-1)
    length = float(np.linalg.norm(thumbnail))
    if length < 1e-6:  # one sound that never changes: all such are alike
        return np.full(thumbnail.shape, thumbnail.size**-0.5, dtype=np.float32)
    return np.asarray(thumbnail / length, dtype=np.float32)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """The correlation of two thumbnails; 0 where it is negative."""
    return cosine(one, other)


def size(content: bytes) -> int:
    """In samples."""
    return len(decode(content)[0])
