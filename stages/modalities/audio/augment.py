"""Augmented copies of recordings."""

from collections.abc import Callable, Iterable

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.core.tables import Content, Label
from stages.modalities.audio.content import Samples, decode, encode, resample

LOWEST = 100.0  # Hz: the lower end of the octaves of `band`


class AugmentParams(Strict):
    speed: float = Field(ge=0, le=0.5, description="the largest relative change of speed and pitch; 0: none")
    shift: float = Field(
        ge=0, le=10, description="the longest silence that is inserted before the recording, in seconds; 0: none"
    )
    gain: float = Field(ge=0, le=20, description="the largest change of volume, in dB; 0: none")
    noise: float | None = Field(
        ge=0,
        le=40,
        description="the lowest signal-to-noise ratio of added noise, in dB; the highest is 40; null: none",
    )
    gap: float = Field(
        ge=0, lt=1, description="the longest part that is silenced, as a share of the recording; 0: none"
    )
    band: float = Field(
        ge=0,
        lt=1,
        description="the widest frequency band that is removed, as a share of the octaves above 100 Hz; 0: none",
    )


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]
) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Applies every change whose param is set."""

    def augment(content: bytes, label: Label, seed: int) -> tuple[bytes, Label]:
        samples, rate = decode(content)
        rng = np.random.default_rng(seed)
        return encode(changed(samples, rate, params, rng), rate), label

    return augment


def changed(samples: Samples, rate: int, params: AugmentParams, rng: np.random.Generator) -> Samples:
    """A changed copy of the samples.

    Gaps in time and in frequency are those of SpecAugment (Park et al. 2019). They are cut from the samples,
    not from a spectrogram, so that data/train has the inputs that the model learns from.
    """
    speed = 1 + rng.uniform(-params.speed, params.speed)
    gain = rng.uniform(-params.gain, params.gain)
    samples = resample(samples, rate, rate / speed)
    level = float(np.sqrt(np.mean(samples**2)))
    samples = with_gap(samples, params.gap, rng)
    if params.band:
        samples = without_band(samples, rate, params.band, rng)
    samples = np.pad(samples, (round(rng.uniform(0, params.shift) * rate), 0))
    if params.noise is not None:
        noise = rng.normal(size=len(samples)) * level
        ratio = rng.uniform(params.noise, 40)  # dB
        samples += (noise * 10 ** (-ratio / 20)).astype(np.float32)
    return amplified(samples, gain)


def amplified(samples: Samples, gain: float) -> Samples:
    """Louder or quieter by `gain` in dB, but never clipped."""
    peak = float(np.abs(samples).max())
    return np.asarray(samples * min(10 ** (gain / 20), 1 / max(peak, 1e-9)), dtype=np.float32)


def with_gap(samples: Samples, longest: float, rng: np.random.Generator) -> Samples:
    """The samples with one silent part; `longest` is a share of their number."""
    length = int(rng.uniform(0, longest) * len(samples))
    start = int(rng.integers(len(samples) - length + 1))
    return np.concatenate([samples[:start], np.zeros(length, np.float32), samples[start + length :]])


def without_band(samples: Samples, rate: int, widest: float, rng: np.random.Generator) -> Samples:
    """The samples without one frequency band; `widest` is a share of the octaves above LOWEST."""
    octaves = np.log2(rate / 2 / LOWEST)
    width = rng.uniform(0, widest) * octaves
    low = LOWEST * 2 ** rng.uniform(0, octaves - width)
    high = low * 2**width
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
    spectrum[(frequencies >= low) & (frequencies < high)] = 0
    return np.asarray(np.fft.irfft(spectrum, len(samples)), dtype=np.float32)
