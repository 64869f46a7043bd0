"""How cleaned recordings (mono FLAC, 16 bits per sample) are stored, read and shown; and their spectrograms."""

import io
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Samples = npt.NDArray[np.float32]  # (n_samples,), mono, full scale at -1 and 1
FULL_SCALE = 32768  # 16 bits per sample
CONTENT = pa.binary()
FRAME = 0.01  # seconds from one frame of a spectrogram to the next
FRAME_LENGTH = 0.025  # seconds
SPAN_DEPTH = 20.0  # dB below the highest energy; quieter sound does not count for the span


def decode(content: bytes) -> tuple[Samples, int]:
    """The samples and the sample rate of a cleaned content."""
    import soundfile

    samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    return samples, rate


def encode(samples: Samples, rate: int) -> bytes:
    """FLAC with 16 bits per sample; samples beyond full scale are clipped."""
    import soundfile

    flac = io.BytesIO()
    pcm = np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)
    soundfile.write(flac, pcm, rate, format="FLAC", subtype="PCM_16")
    return flac.getvalue()


def resample(samples: Samples, rate: float, wanted: float) -> Samples:
    import soxr

    return samples if rate == wanted else np.asarray(soxr.resample(samples, rate, wanted), dtype=np.float32)


def peak(samples: Samples) -> float:
    """The largest distance from the mean, as a constant offset is no sound."""
    return float(np.abs(samples - samples.mean()).max(initial=0))


def db(amplitude: float) -> float:
    """Decibels of full scale; -200 for zero."""
    return float(20 * np.log10(max(amplitude, 1e-10)))


@lru_cache
def mel_bands(rate: int, n_fft: int, n_bands: int) -> npt.NDArray[np.float64]:
    """(n_fft / 2 + 1, n_bands): the weights of triangular mel filters."""
    from transformers.audio_utils import mel_filter_bank

    return np.asarray(mel_filter_bank(n_fft // 2 + 1, n_bands, 20.0, rate / 2, rate, norm=None, mel_scale="htk"))


def spectrogram(samples: Samples, rate: int, n_bands: int, frame: float) -> npt.NDArray[np.float64]:
    """(n_frames, n_bands): log-mel energies in dB; `frame`: seconds from one frame to the next.

    Not transformers.audio_utils.spectrogram, which loops over frames and takes twice the time. It also rounds to
    complex64: energies differ by 4e-7 dB, so all fingerprints and vectors would change.
    """
    length, step = round(FRAME_LENGTH * rate), round(frame * rate)
    n_fft = 1 << (length - 1).bit_length()
    padded = np.pad(samples, (0, max(0, length - len(samples)))).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::step] * np.hanning(length + 1)[:-1]
    power = np.abs(np.fft.rfft(frames, n_fft)) ** 2
    return np.asarray(10 * np.log10(power @ mel_bands(rate, n_fft, n_bands) + 1e-10))


@dataclass(frozen=True)
class Span:
    """The time span of a sound: the mean time of its energy, plus and minus two standard deviations.

    Silence at the ends, a shift and faint noise change the span little.
    They would change the first and the last loud frame.
    """

    centre: float  # in frames
    reach: float  # two standard deviations, in frames

    @classmethod
    def of(cls, bands: npt.NDArray[np.float64]) -> "Span":
        energy = above(bands, SPAN_DEPTH).sum(axis=1)
        times, weights = np.arange(len(bands)) + 0.5, energy / energy.sum()
        centre = float(weights @ times)
        return cls(centre, 2 * max(0.5, float(np.sqrt(weights @ (times - centre) ** 2))))

    def means(self, bands: npt.NDArray[np.float64], n_parts: int) -> npt.NDArray[np.float64]:
        """(n_parts, n_bands): the means of equal parts of the span; zero outside of the recording."""
        edges = np.linspace(self.centre - self.reach, self.centre + self.reach, n_parts + 1)
        total = np.concatenate([np.zeros((1, bands.shape[1])), np.cumsum(bands, axis=0)])
        total_at_edges = np.stack([np.interp(edges, np.arange(len(total)), band) for band in total.T], axis=1)
        return np.asarray(np.diff(total_at_edges, axis=0) / (edges[1] - edges[0]))

    def inside(self, bands: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The frames in the span."""
        return bands[max(0, int(self.centre - self.reach)) : int(self.centre + self.reach) + 1]


def above(bands: npt.NDArray[np.float64], depth: float) -> npt.NDArray[np.float64]:
    """The dB by which each energy exceeds the highest energy minus `depth`; 0 if it does not."""
    return np.asarray(np.maximum(bands - (bands.max() - depth), 0))


def preview(content: bytes) -> str:
    samples, rate = decode(content)
    return f"audio, {len(samples) / rate:.2f} s at {rate} Hz, peak {db(peak(samples)):.0f} dB"
