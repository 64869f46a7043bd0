"""Exact duplicates of recordings have equal samples; near duplicates have correlated spectrograms."""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.duplicates.vector_index import cosine
from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram

BANDS, PARTS = 32, 24  # of a thumbnail, in frequency and in time
DEPTH = 20.0  # dB below the loudest energy that a thumbnail shows
DURATION = 0.1  # share of the length in the similarity: at most 0.96 for two sounds whose lengths differ by a third
OCTAVES = np.array([1.0, 2.0, 4.0])  # half periods of the cosines that encode the length

signatures = None  # fingerprints are short vectors, which are compared directly


def exact_key(content: bytes) -> bytes:
    samples, rate = decode(content)
    return blake2b(f"{rate};".encode() + samples.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """A thumbnail of the spectrogram and the encoded length of the sound, as one vector of length 1."""
    bands = spectrogram(*decode(content), BANDS, FRAME / 2)
    span = Span.of(bands)
    parts = (1 - DURATION) ** 0.5 * thumbnail(bands, span), DURATION**0.5 * duration(span.reach)
    return np.concatenate(parts).astype(np.float32)


def duration(length: float) -> npt.NDArray[np.float64]:
    """Encodes a length as (6,) numbers of length 1.

    The dot product of two codes falls with the ratio of the lengths, up to eight octaves: a dash is no long dot.
    """
    angles = np.pi * np.log2(length) / OCTAVES
    return np.asarray(np.concatenate([np.cos(angles), np.sin(angles)]) / len(OCTAVES) ** 0.5)


def thumbnail(bands: npt.NDArray[np.float64], span: Span) -> npt.NDArray[np.float64]:
    """(PARTS * BANDS,), of length 1: a small spectrogram, without the means of its rows and columns."""
    small = span.means(above(bands, DEPTH), PARTS)
    small = (small - small.mean(axis=0) - small.mean(axis=1, keepdims=True) + small.mean()).reshape(-1)
    length = float(np.linalg.norm(small))
    if length < 1e-6:  # a sound that never changes: all such are alike
        return np.full(small.shape, small.size**-0.5)
    return np.asarray(small / length)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """0.9 times the correlation of the thumbnails plus 0.1 times the similarity of the lengths, at least 0."""
    return cosine(one, other)


def size(content: bytes) -> int:
    """The number of samples."""
    return len(decode(content)[0])
