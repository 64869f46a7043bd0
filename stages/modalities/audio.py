"""Recordings: decoded with care, kept as mono FLAC of one rate, compared by spectrogram, embedded by log-mel statistics or by an audio model."""

import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import Cleaned, Embedded, Suggestion
from stages.encoders.audio import FULL_SCALE, Samples, decode, encode, resample
from stages.params import Strict

CONTENT = pa.binary()
REASONS = ("empty", "unreadable", "implausible_header", "truncated", "too_long", "clipped", "silent", "too_short")
MEASURES = dict.fromkeys(("seconds", "peak_db", "rms_db", "clipped"), pa.float64())

# WAV, FLAC, Ogg, MP3 and AIFF: libsndfile knows twenty more, most of them from the last century.
FORMATS = re.compile(rb"RIFF|RF64|fLaC|OggS|ID3|FORM|\xff[\xe0-\xff]")
RATES = (2_000, 192_000)
MAX_CHANNELS = 16
BLOCK = 2**24  # samples decoded at a time, so that a header's channels and length cost little memory; an MP3 has a seam between blocks
FULL = 1 - 2 / FULL_SCALE
LOUDEST = 8.0  # times full scale: numbers of another unit, or none
UNKNOWN_SIZE = 2**31 - 2**16  # what stands in the header of a WAV file that was written to a pipe, or more

LOGMEL = "logmel"
FRAME = 0.01  # seconds between two frames of a spectrogram, each 2.5 times as long
SPAN_DEPTH = 20.0  # dB below the highest energy, from which on a sound counts in time
PRINT_BANDS, PRINT_PARTS, PRINT_DEPTH = 32, 24, 20.0
PRINT_BITS = 256
LOGMEL_BANDS, LOGMEL_PARTS, LOGMEL_DEPTH = 40, 8, 60.0


class CleanParams(Strict):
    sample_rate: int = Field(ge=4_000, le=192_000, description="samples a second that recordings are brought to")
    min_seconds: float = Field(gt=0, description="shorter recordings are dropped, measured after silence at their ends is cut off")
    max_seconds: float = Field(gt=0, le=3_600, description="longer recordings are dropped; no more than this is ever decoded")
    trim_db: float | None = Field(gt=0, description="what is so many dB below the loudest 10 ms is cut off at both ends; null: nothing is")
    level_db: float | None = Field(
        le=0, description="loudness (RMS, in dB of full scale) that recordings are brought to, as far as none clips; null: left as it is"
    )
    min_peak_db: float = Field(le=0, description="recordings with no louder sample are dropped as silent, in dB of full scale")
    max_clipped: float = Field(ge=0, le=1, description="recordings are dropped when a larger share of their samples stands at full scale")

    @model_validator(mode="after")
    def check_seconds(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is larger than max_seconds, so that no recording could stay")
        return self


class EmbedParams(Strict):
    model: str = Field(min_length=1, description="`logmel` (statistics of the spectrogram, no download), or an audio model: a hub id or a local folder")
    max_seconds: float = Field(gt=0, description="seconds after which a recording is cut off")
    batch_size: int = Field(ge=1, le=256, description="rows at a time; a short last batch is filled up")


@dataclass(frozen=True)
class Recording:
    """What a file holds, up to a limit, mixed down to mono."""

    samples: Samples
    rate: int
    channels: int
    promised: int  # frames, by its header
    clipped: float  # share of samples at full scale, of any channel

    @property
    def plausible(self) -> bool:
        return RATES[0] <= self.rate <= RATES[1] and self.channels <= MAX_CHANNELS


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Mono, at `sample_rate`, without silence at its ends and as loud as the others, as FLAC."""
    from soundfile import SoundFileError

    if not content:
        return Cleaned(None, "empty")
    if not FORMATS.match(content):
        return Cleaned(None, "unreadable")
    try:
        with quiet_decoders():
            recording = read(content, params.max_seconds)
    except SoundFileError:
        return Cleaned(None, "unreadable")
    if not recording.plausible:
        return Cleaned(None, "implausible_header")
    if len(recording.samples) > params.max_seconds * recording.rate:
        return Cleaned(None, "too_long")
    if len(recording.samples) < recording.promised or wav_is_cut(content):
        return Cleaned(None, "truncated")
    if not len(recording.samples):
        return Cleaned(None, "empty")
    if not (np.abs(recording.samples) <= LOUDEST).all():  # so it is with NaN
        return Cleaned(None, "unreadable")
    return mend(recording, params)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """libsndfile's MP3 decoder writes what it thinks of a file to stderr, past Python."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def read(content: bytes, max_seconds: float) -> Recording:
    """Decodes block by block, and one sample more than `max_seconds` at most: a header may lie.

    Raises:
        SoundFileError: it is broken, or of another format.
    """
    import soundfile

    with soundfile.SoundFile(io.BytesIO(content)) as file:
        found = Recording(np.zeros(0, np.float32), file.samplerate, file.channels, max(0, file.frames), 0.0)
        if not found.plausible:
            return found
        limit, n_read, n_full, blocks = int(max_seconds * file.samplerate) + 1, 0, 0, [found.samples]
        while n_read < limit:
            block = file.read(min(BLOCK // file.channels, limit - n_read), dtype="float32", always_2d=True)  # (n_frames, n_channels)
            if not len(block):
                break
            n_full += int((np.abs(block) >= FULL).any(axis=1).sum())
            n_read += len(block)
            blocks.append(block.mean(axis=1))
    return Recording(np.concatenate(blocks), found.rate, found.channels, min(found.promised, limit), n_full / max(1, n_read))


def wav_is_cut(content: bytes) -> bool:
    """libsndfile takes what is there of a WAV file for all of it."""
    size = int.from_bytes(content[4:8], "little")
    return content.startswith(b"RIFF") and len(content) < size < UNKNOWN_SIZE


def mend(recording: Recording, params: CleanParams) -> Cleaned:
    repairs = ["mixed_down"] if recording.channels > 1 else []
    whole = resample(recording.samples, recording.rate, params.sample_rate)
    if recording.rate != params.sample_rate:
        repairs.append("resampled")
    measured = {"seconds": len(whole) / params.sample_rate, "peak_db": db(peak(whole)), "rms_db": db(rms(whole)), "clipped": recording.clipped}
    if recording.clipped > params.max_clipped:
        return Cleaned(None, "clipped", measured=measured)
    if measured["peak_db"] < params.min_peak_db:
        return Cleaned(None, "silent", measured=measured)
    samples = whole if params.trim_db is None else trimmed(whole, params.sample_rate, params.trim_db)
    if len(samples) < params.min_seconds * params.sample_rate:
        return Cleaned(None, "too_short", measured=measured)
    if len(samples) < len(whole):
        repairs.append("trimmed")
    gain = gain_to(samples, params.level_db)
    if gain != 1:
        repairs.append("level")
    return Cleaned(encode(samples * np.float32(gain), params.sample_rate), repairs=tuple(repairs), measured=measured)


def peak(samples: Samples) -> float:
    """Of what moves: a constant is no sound."""
    return float(np.abs(samples - samples.mean()).max(initial=0))


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def db(amplitude: float) -> float:
    """Of full scale; nothing at all counts as -200."""
    return float(20 * np.log10(max(amplitude, 1e-10)))


def trimmed(samples: Samples, rate: int, depth: float) -> Samples:
    """From the first to the last 10 ms that are no more than `depth` dB below the loudest."""
    step = rate // 100
    blocks = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    energy = np.square(blocks, dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(energy >= energy.max() * 10 ** (-depth / 10))
    return samples[loud[0] * step : (loud[-1] + 1) * step]


def gain_to(samples: Samples, level: float | None) -> float:
    """What brings the RMS to `level` without clipping; 1 where it is within a tenth of a dB, so that a second cleaning changes nothing."""
    highest = float(np.abs(samples).max())
    wanted = 0.0 if level is None else level - db(rms(samples))
    possible = db((FULL_SCALE - 1) / FULL_SCALE) - db(highest)
    gain = min(wanted, possible)
    return 1.0 if abs(gain) < 0.1 else float(10 ** (gain / 20))


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []


def exact_key(content: bytes) -> bytes:
    samples, rate = decode(content)
    return blake2b(f"{rate};".encode() + samples.tobytes(), digest_size=16).digest()


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


def embed(contents: Sequence[bytes], params: EmbedParams) -> Embedded:
    if params.model == LOGMEL:
        from tqdm import tqdm

        return Embedded(np.stack([logmel(content, params.max_seconds) for content in tqdm(contents, desc="embed", unit=" rows", disable=None)]))
    from stages.encoders.audio import AudioEncoder

    return Embedded(AudioEncoder.load(params.model, params.max_seconds).embed(contents, params.batch_size))


def logmel(content: bytes, max_seconds: float) -> npt.NDArray[np.float32]:
    """The mean spectrum of eighths of the sound, that of all of it, and how much each band changes, at length 1; loudness does not count."""
    samples, rate = decode(content)
    bands = spectrogram(samples[: round(max_seconds * rate)], rate, LOGMEL_BANDS, FRAME)
    span, heights = Span.of(bands), above(bands, LOGMEL_DEPTH)
    parts = span.means(heights, LOGMEL_PARTS)
    parts = parts - parts.mean()
    vector = np.concatenate([parts.reshape(-1), parts.mean(axis=0), span.inside(heights).std(axis=0)])
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def preview(content: bytes) -> str:
    samples, rate = decode(content)
    return f"audio, {len(samples) / rate:.2f} s at {rate} Hz, peak {db(peak(samples)):.0f} dB"
