"""Recordings are the same sample by sample, or have correlated spectrograms."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from stages.modalities.audio.content import FRAME, Span, above, decode, spectrogram

PRINT_BANDS, PRINT_PARTS, PRINT_DEPTH = 32, 24, 20.0
PRINT_BITS = 256
SAME_LENGTH = 0.8  # silence at the ends and noise change what a copy lasts by less


def exact_key(content: bytes) -> bytes:
    samples, rate = decode(content)
    return blake2b(f"{rate};".encode() + samples.tobytes(), digest_size=16).digest()


@dataclass(frozen=True)
class Print:
    """What is compared of a recording."""

    thumbnail: npt.NDArray[np.float32]  # flat, of length 1
    seconds: float  # that the sound lasts


def fingerprint(content: bytes) -> Print:
    bands = spectrogram(*decode(content), PRINT_BANDS, FRAME / 2)
    return Print(thumbnail(bands), Span.of(bands).reach * FRAME)


def thumbnail(bands: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """The spectrogram (n_frames, n_bands), small and without the means of its bands and of its moments, at length 1, flat."""
    small = Span.of(bands).means(above(bands, PRINT_DEPTH), PRINT_PARTS)
    small = (small - small.mean(axis=0) - small.mean(axis=1, keepdims=True) + small.mean()).reshape(-1)
    length = float(np.linalg.norm(small))
    if length < 1e-6:  # one sound that never changes: all such are alike
        return np.full(small.shape, small.size**-0.5, dtype=np.float32)
    return np.asarray(small / length, dtype=np.float32)


def similarity(one: Print, other: Print) -> float:
    """The correlation of two thumbnails; 0 where it is negative, and where one sound lasts longer: a dash is no long dot."""
    longer, shorter = max(one.seconds, other.seconds), min(one.seconds, other.seconds)
    return min(1.0, max(0.0, float(one.thumbnail @ other.thumbnail))) if shorter >= SAME_LENGTH * longer else 0.0


def signatures(contents: Sequence[bytes], threshold: float) -> npt.NDArray[np.uint64]:
    """On which side of random planes a thumbnail lies, in bands (Charikar 2002)."""
    planes = np.random.default_rng(0).standard_normal((PRINT_BANDS * PRINT_PARTS, PRINT_BITS))
    sides = np.stack([fingerprint(content).thumbnail.astype(np.float64) @ planes > 0 for content in contents])
    rows = band_rows(threshold)
    bands = sides[:, : PRINT_BITS // rows * rows].reshape(len(contents), -1, rows)
    keys = bands @ (np.uint64(1) << np.arange(rows, dtype=np.uint64))
    return np.asarray(keys + (np.arange(1, keys.shape[1] + 1, dtype=np.uint64) << np.uint64(32)))  # no two bands share a bucket, none is 0


def band_rows(threshold: float) -> int:
    """The most bits a band with which a pair at the threshold still meets in some band 99 times in 100."""
    same = 1 - np.arccos(threshold) / np.pi
    recalls = {rows: 1 - (1 - same**rows) ** (PRINT_BITS // rows) for rows in range(1, 33)}
    return max((rows for rows, recall in recalls.items() if recall >= 0.99), default=1)
