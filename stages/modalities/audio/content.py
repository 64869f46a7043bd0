"""How cleaned recordings are stored, read and shown: mono, as FLAC of 16 bits; and their spectrograms."""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Samples = npt.NDArray[np.float32]  # (n_samples,), mono, full scale at -1 and 1
FULL_SCALE = 32768  # 16 bits a sample
CONTENT = pa.binary()
FRAME = 0.01  # seconds between two frames of a spectrogram, each 2.5 times as long
SPAN_DEPTH = 20.0  # dB below the highest energy, from which on a sound counts in time


def decode(content: bytes) -> tuple[Samples, int]:
    """The samples of a cleaned content, and how many of them are a second."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    return samples, rate


def encode(samples: Samples, rate: int) -> bytes:
    """FLAC of 16 bits; what is louder than full scale is cut off."""
    import soundfile

    flac = io.BytesIO()
    pcm = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    soundfile.write(flac, pcm, rate, format="FLAC", subtype="PCM_16")
    return flac.getvalue()


def resample(samples: Samples, rate: float, wanted: float) -> Samples:
    import soxr

    return samples if rate == wanted else np.asarray(soxr.resample(samples, rate, wanted), dtype=np.float32)


def peak(samples: Samples) -> float:
    """Of what moves: a constant is no sound."""
    return float(np.abs(samples - samples.mean()).max(initial=0))


def db(amplitude: float) -> float:
    """Of full scale; nothing at all counts as -200."""
    return float(20 * np.log10(max(amplitude, 1e-10)))


@lru_cache
def mel_bands(rate: int, n_fft: int, n_bands: int) -> npt.NDArray[np.float64]:
    """(n_fft / 2 + 1, n_bands)"""
    from transformers.audio_utils import mel_filter_bank

    return np.asarray(mel_filter_bank(n_fft // 2 + 1, n_bands, 20.0, rate / 2, rate, norm=None, mel_scale="htk"))


def spectrogram(samples: Samples, rate: int, n_bands: int, frame: float) -> npt.NDArray[np.float64]:
    """(n_frames, n_bands): log-mel energies in dB."""
    length, step = round(0.025 * rate), round(frame * rate)
    n_fft = 1 << (length - 1).bit_length()
    padded = np.pad(samples, (0, max(0, length - len(samples)))).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::step] * np.hanning(length + 1)[:-1]
    power = np.abs(np.fft.rfft(frames, n_fft)) ** 2
    return np.asarray(10 * np.log10(power @ mel_bands(rate, n_fft, n_bands) + 1e-10))


@dataclass(frozen=True)
class Span:
    """Where in time the sound is: two standard deviations of its energy about its centre.

    Silence at the ends, a shift or faint noise hardly move these, as they would move a first and a last loud frame.
    """

    centre: float  # in frames
    reach: float

    @classmethod
    def of(cls, bands: npt.NDArray[np.float64]) -> "Span":
        energy = above(bands, SPAN_DEPTH).sum(axis=1)
        times, weights = np.arange(len(bands)) + 0.5, energy / energy.sum()
        centre = float(weights @ times)
        return cls(centre, 2 * max(0.5, float(np.sqrt(weights @ (times - centre) ** 2))))

    def means(self, bands: npt.NDArray[np.float64], n_parts: int) -> npt.NDArray[np.float64]:
        """(n_parts, n_bands): the means of equal parts of the span; there is nothing before the first and after the last frame."""
        edges = np.linspace(self.centre - self.reach, self.centre + self.reach, n_parts + 1)
        total = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0)])
        until = np.stack([np.interp(edges, np.arange(len(total)), band) for band in total.T], axis=1)
        return np.asarray(np.diff(until, axis=0) / (edges[1] - edges[0]))

    def inside(self, bands: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return bands[max(0, int(self.centre - self.reach)) : int(self.centre + self.reach) + 1]


def above(bands: npt.NDArray[np.float64], depth: float) -> npt.NDArray[np.float64]:
    """How far each energy rises above what is `depth` dB below the highest."""
    return np.asarray(np.maximum(bands - (bands.max() - depth), 0))


def preview(content: bytes) -> str:
    samples, rate = decode(content)
    return f"audio, {len(samples) / rate:.2f} s at {rate} Hz, peak {db(peak(samples)):.0f} dB"
