"""Recordings are the same sample by sample, or have correlated spectrograms."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram

PRINT_BANDS, PRINT_PARTS, PRINT_DEPTH = 32, 24, 20.0
PRINT_BITS = 256


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
    return min(1.0, max(0.0, float(one @ other)))


def signatures(contents: Sequence[bytes], threshold: float) -> npt.NDArray[np.uint64]:
    """On which side of random planes a thumbnail lies, in bands (Charikar 2002)."""
    planes = np.random.default_rng(0).standard_normal((PRINT_BANDS * PRINT_PARTS, PRINT_BITS))
    sides = np.stack([fingerprint(content).astype(np.float64) @ planes > 0 for content in contents])
    rows = band_rows(threshold)
    bands = sides[:, : PRINT_BITS // rows * rows].reshape(len(contents), -1, rows)
    keys = bands @ (np.uint64(1) << np.arange(rows, dtype=np.uint64))
    return np.asarray(keys + (np.arange(1, keys.shape[1] + 1, dtype=np.uint64) << np.uint64(32)))  # no two bands share a bucket, none is 0


def band_rows(threshold: float) -> int:
    """The most bits a band with which a pair at the threshold still meets in some band 99 times in 100."""
    same = 1 - np.arccos(threshold) / np.pi
    recalls = {rows: 1 - (1 - same**rows) ** (PRINT_BITS // rows) for rows in range(1, 33)}
    return max((rows for rows, recall in recalls.items() if recall >= 0.99), default=1)
