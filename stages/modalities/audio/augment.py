"""Augmented copies of recordings."""

from collections.abc import Callable, Iterable

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.core.tables import Content, Label
from stages.modalities.audio.content import Samples, decode, encode, resample

LOWEST = 100.0  # Hz: where the octaves of `band` begin


class AugmentParams(Strict):
    speed: float = Field(
        ge=0, le=0.5, description="the largest change of speed, and of pitch with it, as a share; 0: none"
    )
    shift: float = Field(
        ge=0, le=10, description="the longest silence that is put before the sound, in seconds; 0: none"
    )
    gain: float = Field(ge=0, le=20, description="the largest change of loudness, in dB; 0: none")
    noise: float | None = Field(
        ge=0,
        le=40,
        description="the loudest noise: the smallest distance of the sound from it, in dB (the largest is 40); null: none",
    )
    gap: float = Field(ge=0, lt=1, description="the longest gap of silence, as a share of the sound; 0: none")
    band: float = Field(
        ge=0,
        lt=1,
        description="the widest band of frequencies that is left out, as a share of the octaves above 100 Hz; 0: none",
    )


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]
) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Copies changed by every switch that is on."""

    def augment(content: bytes, label: Label, seed: int) -> tuple[bytes, Label]:
        samples, rate = decode(content)
        return encode(changed(samples, rate, params, np.random.default_rng(seed)), rate), label

    return augment


def changed(samples: Samples, rate: int, params: AugmentParams, rng: np.random.Generator) -> Samples:
    """Gaps in time and in frequency are those of SpecAugment (Park et al. 2019), cut into the sound itself, so that data/train holds what is learned from."""
    speed, gain = 1 + rng.uniform(-params.speed, params.speed), rng.uniform(-params.gain, params.gain)
    samples = resample(samples, rate, rate / speed)
    level = float(np.sqrt(np.mean(samples**2)))
    samples = with_gap(samples, params.gap, rng)
    if params.band:
        samples = without_band(samples, rate, params.band, rng)
    samples = np.pad(samples, (round(rng.uniform(0, params.shift) * rate), 0))
    if params.noise is not None:
        samples += (rng.normal(size=len(samples)) * level * 10 ** (-rng.uniform(params.noise, 40) / 20)).astype(
            np.float32
        )
    highest = float(np.abs(samples).max())
    return np.asarray(
        samples * min(10 ** (gain / 20), 1 / max(highest, 1e-9)), dtype=np.float32
    )  # louder, but never clipped


def with_gap(samples: Samples, longest: float, rng: np.random.Generator) -> Samples:
    length = int(rng.uniform(0, longest) * len(samples))
    start = int(rng.integers(len(samples) - length + 1))
    return np.concatenate([samples[:start], np.zeros(length, np.float32), samples[start + length :]])


def without_band(samples: Samples, rate: int, widest: float, rng: np.random.Generator) -> Samples:
    octaves = np.log2(rate / 2 / LOWEST)
    width = rng.uniform(0, widest) * octaves
    low = LOWEST * 2 ** rng.uniform(0, octaves - width)
    spectrum, frequencies = np.fft.rfft(samples), np.fft.rfftfreq(len(samples), 1 / rate)
    spectrum[(frequencies >= low) & (frequencies < low * 2**width)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), dtype=np.float32)
