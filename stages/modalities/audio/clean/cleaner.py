"""Decodes untrusted recordings safely, and converts them to mono, one sample rate and one loudness.

Silence at the ends is trimmed.
"""

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.clean import Cleaned, JointMeasures
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.modalities.audio.content import FULL_SCALE, Samples, db, encode, peak, resample

MEASURES = {
    "seconds": pa.float64(),
    "peak_db": pa.float64(),
    "rms_db": pa.float64(),
    "clipped": pa.float64(),
    "pii": pa.list_(pa.string()),
}
# WAV, FLAC, Ogg, MP3 and AIFF: libsndfile knows twenty more, most of them from the last century.
FORMATS = re.compile(rb"RIFF|RF64|fLaC|OggS|ID3|FORM|\xff[\xe0-\xff]")
RATES = (2_000, 192_000)  # lowest and highest plausible sample rate
MAX_CHANNELS = 16
# Samples decoded at a time, so that a false header costs little memory. An MP3 has a seam between blocks.
BLOCK = 2**24
FULL = 1 - 2 / FULL_SCALE  # from which on a sample counts as clipped
LOUDEST = 8.0  # times full scale; louder samples are in another unit, or no numbers
LARGEST_OFFSET = 0.1  # of the RMS: a constant offset is no sound, and would count as loudness
# A WAV file that was written to a pipe has this size in its header, or a larger one.
UNKNOWN_SIZE = 2**31 - 2**16


class CleanParams(Strict):
    sample_rate: int = Field(ge=4_000, le=192_000, description="the sample rate of all cleaned recordings, in Hz")
    min_seconds: float = Field(
        gt=0, description="shorter recordings are dropped; measured after silence at the ends is trimmed"
    )
    max_seconds: float = Field(
        gt=0, le=3_600, description="longer recordings are dropped; no more than this is ever decoded"
    )
    trim_db: float | None = Field(
        gt=0, description="the ends are trimmed where they are this many dB below the loudest 10 ms; null: not trimmed"
    )
    level_db: float | None = Field(
        le=0,
        description="the loudness (RMS, in dB of full scale) of all cleaned recordings, as far as they do not clip; "
        "null: unchanged",
    )
    min_peak_db: float = Field(
        le=0, description="recordings are dropped as silent if no sample is louder, in dB of full scale"
    )
    max_clipped: float = Field(
        ge=0, le=1, description="recordings are dropped if a larger share of their samples is at full scale"
    )

    @model_validator(mode="after")
    def check_seconds(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is larger than max_seconds, so no recording could stay")
        return self


@dataclass(frozen=True)
class Recording:
    """The start of a file, up to a limit, mixed down to mono."""

    samples: Samples
    rate: int
    channels: int
    promised: int  # frames, according to the header
    clipped: float  # share of the frames with a sample at full scale in any channel
    pii: tuple[str, ...]  # kinds of personal data in the metadata

    @property
    def plausible(self) -> bool:
        return RATES[0] <= self.rate <= RATES[1] and self.channels <= MAX_CHANNELS


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Converts to mono FLAC at `sample_rate`, with trimmed ends and a loudness of `level_db`."""
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
    if not (np.abs(recording.samples) <= LOUDEST).all():  # NaN fails this too
        return Cleaned(None, "unreadable")
    return clean_recording(recording, params)


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silences libsndfile's MP3 decoder, which writes warnings to the process's stderr, not to Python's."""
    stderr, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(null)


def read(content: bytes, max_seconds: float) -> Recording:
    """Decodes a file in blocks, up to one sample more than `max_seconds`, as the length in a header may be false.

    A recording with an implausible header has no samples.

    Raises:
        SoundFileError: the file is broken, or of an unknown format.
    """
    import soundfile

    with soundfile.SoundFile(io.BytesIO(content)) as file:
        recording = Recording(
            samples=np.zeros(0, np.float32),
            rate=file.samplerate,
            channels=file.channels,
            promised=max(0, file.frames),
            clipped=0.0,
            pii=tuple(find_pii(file.copy_metadata())),
        )
        if not recording.plausible:
            return recording
        limit = int(max_seconds * recording.rate) + 1
        blocks = [recording.samples]
        n_read = n_clipped = 0
        while n_read < limit:
            n_frames = min(BLOCK // recording.channels, limit - n_read)
            block = file.read(n_frames, dtype="float32", always_2d=True)  # (n_frames, n_channels)
            if not len(block):
                break
            n_clipped += int((np.abs(block) >= FULL).any(axis=1).sum())
            n_read += len(block)
            blocks.append(block.mean(axis=1))
    return replace(
        recording,
        samples=np.concatenate(blocks),
        promised=min(recording.promised, limit),
        clipped=n_clipped / max(1, n_read),
    )


def wav_is_cut(content: bytes) -> bool:
    """Whether a WAV file is shorter than its header says, which libsndfile does not report."""
    size = int.from_bytes(content[4:8], "little")
    return content.startswith(b"RIFF") and len(content) < size < UNKNOWN_SIZE


def clean_recording(recording: Recording, params: CleanParams) -> Cleaned:
    repairs = ["mixed_down"] if recording.channels > 1 else []
    samples, offset = recording.samples, recording.samples.mean()
    if abs(offset) > LARGEST_OFFSET * rms(samples):
        samples = samples - offset
        repairs.append("offset")
    whole = resample(samples, recording.rate, params.sample_rate)
    if recording.rate != params.sample_rate:
        repairs.append("resampled")
    levels = measure(whole, params.sample_rate, recording.clipped)
    measured = {**levels, "pii": list(recording.pii)}
    if recording.clipped > params.max_clipped:
        return Cleaned(None, "clipped", measured=measured)
    if levels["peak_db"] < params.min_peak_db:
        return Cleaned(None, "silent", measured=measured)
    samples = whole if params.trim_db is None else trimmed(whole, params.sample_rate, params.trim_db)
    if len(samples) < params.min_seconds * params.sample_rate:
        return Cleaned(None, "too_short", measured=measured)
    if len(samples) < len(whole):
        repairs.append("trimmed")
    gain = gain_to(samples, params.level_db)
    if gain != 1:
        repairs.append("level")
    flac = encode(samples * np.float32(gain), params.sample_rate)
    return Cleaned(flac, repairs=tuple(repairs), measured=measured)


def trimmed(samples: Samples, rate: int, depth: float) -> Samples:
    """The samples from the first to the last 10 ms that are at most `depth` dB below the loudest 10 ms."""
    step = rate // 100
    blocks = np.pad(samples, (0, -len(samples) % step)).reshape(-1, step)
    energy = np.square(blocks, dtype=np.float64).mean(axis=1)
    loud = np.flatnonzero(energy >= energy.max() * 10 ** (-depth / 10))
    return samples[loud[0] * step : (loud[-1] + 1) * step]


def gain_to(samples: Samples, level: float | None) -> float:
    """The factor that brings the RMS to `level` without clipping.

    It is 1 within 0.1 dB, so that cleaning a cleaned recording changes nothing.
    """
    highest = float(np.abs(samples).max())
    wanted = 0.0 if level is None else level - db(rms(samples))
    possible = db((FULL_SCALE - 1) / FULL_SCALE) - db(highest)
    gain = min(wanted, possible)
    return 1.0 if abs(gain) < 0.1 else float(10 ** (gain / 20))


def measure_together(measured: Mapping[str, npt.NDArray[Any]], params: CleanParams) -> JointMeasures | None:
    return None


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []


def measure(samples: Samples, rate: int, clipped: float) -> dict[str, float]:
    """Length in seconds, peak and loudness in dB of full scale, and the share of samples at full scale."""
    return {
        "seconds": len(samples) / rate,
        "peak_db": db(peak(samples)),
        "rms_db": db(rms(samples)),
        "clipped": clipped,
    }


def rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


_OWNERS = ("artist", "copyright", "comment", "title")


def find_pii(metadata: Mapping[str, str]) -> list[str]:
    """`owner` if the metadata has a name or a comment."""
    return ["owner"] if any(metadata.get(name, "").strip() for name in _OWNERS) else []
