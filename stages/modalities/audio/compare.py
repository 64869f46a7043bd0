"""Recordings are the same sample by sample, or have correlated spectrograms."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.duplicates.neighbours import cosine
from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram

PRINT_BANDS, PRINT_PARTS, PRINT_DEPTH = 32, 24, 20.0
DURATION = 0.1  # its share of the similarity: with lengths that differ by a third no two sounds come to more than 0.96
OCTAVES = np.array([1.0, 2.0, 4.0])

signatures = None  # thumbnails are few enough numbers to be compared themselves


def exact_key(content: bytes) -> bytes:
    samples, rate = decode(content)
    return blake2b(f"{rate};".encode() + samples.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """A thumbnail of the spectrogram and how long the sound is, at length 1, flat."""
    bands = spectrogram(*decode(content), PRINT_BANDS, FRAME / 2)
    span = Span.of(bands)
    parts = (1 - DURATION) ** 0.5 * thumbnail(bands, span), DURATION**0.5 * duration(span.reach)
    return np.concatenate(parts).astype(np.float32)


def duration(length: float) -> npt.NDArray[np.float64]:
    """Numbers whose products fall with the ratio of two lengths, and do not rise again within eight octaves: a dash is no long dot."""
    angles = np.pi * np.log2(length) / OCTAVES
    return np.asarray(np.concatenate([np.cos(angles), np.sin(angles)]) / len(OCTAVES) ** 0.5)


def thumbnail(bands: npt.NDArray[np.float64], span: Span) -> npt.NDArray[np.float64]:
    """The spectrogram (n_frames, n_bands) in few parts, without the means of its bands and of its moments, at length 1, flat."""
    small = span.means(above(bands, PRINT_DEPTH), PRINT_PARTS)
    small = (small - small.mean(axis=0) - small.mean(axis=1, keepdims=True) + small.mean()).reshape(-1)
    length = float(np.linalg.norm(small))
    if length < 1e-6:  # one sound that never changes: all such are alike
        return np.full(small.shape, small.size**-0.5)
    return np.asarray(small / length)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Nine tenths of it the correlation of two thumbnails, one tenth how near their lengths are; 0 where it is negative."""
    return cosine(one, other)


def size(content: bytes) -> int:
    """In samples."""
    return len(decode(content)[0])
