"""Sounds that are made, not recorded: small, the same on every machine, in any format."""

import io
from typing import Any

import numpy as np
import numpy.typing as npt

RATE = 8_000


def tones(kind: str, seconds: float = 0.5, rate: int = RATE, seed: int = 0) -> npt.NDArray[np.float32]:
    """A tone with overtones that rises, falls or stays, swelling and fading, each seed with a beat and overtones of
    its own; or noise.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.3 * np.sin(np.pi * time / seconds) ** 2
    if kind == "noise":
        bands = np.convolve(rng.normal(size=len(time) + 7), rng.normal(size=8), "valid")
        return np.asarray(swell * bands / np.abs(bands).max(), dtype=np.float32)
    start, end = {"up": (200, 900), "down": (900, 200), "flat": (440, 440), "low": (150, 180)}[kind]
    beat = 0.6 + 0.4 * np.sin(2 * np.pi * (rng.uniform(1, 6) * time / seconds + rng.random()))
    pitch = (start + rng.uniform(-30, 30)) + (end - start) * time / seconds
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    wave = sum(weight * np.sin(number * phase) for number, weight in enumerate(rng.dirichlet(np.ones(4)), start=1))
    return np.asarray(swell * beat * wave * 2 + rng.normal(0, 0.001, len(time)), dtype=np.float32)


def sound(
    kind: str, format: str = "WAV", seconds: float = 0.5, rate: int = RATE, seed: int = 0, **options: Any
) -> bytes:
    return encoded(tones(kind, seconds, rate, seed), format, rate, **options)


def encoded(samples: npt.NDArray[Any], format: str = "WAV", rate: int = RATE, **options: Any) -> bytes:
    import soundfile

    file = io.BytesIO()
    pcm = (
        samples if options else np.rint(np.clip(samples, -1, 1) * 32_767).astype(np.int16)
    )  # formats round otherwise, each in its own way
    soundfile.write(file, pcm, rate, format=format, **options)
    return file.getvalue()
