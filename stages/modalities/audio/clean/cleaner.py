"""Converts recordings to mono, one sample rate and one loudness, and trims silence at the ends."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.clean import Cleaned, JointMeasures
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.modalities.audio.clean.containers import is_cut, is_damaged
from stages.modalities.audio.clean.decoder import Recording, quiet_decoders, read
from stages.modalities.audio.clean.formats import READ, other_codec, other_format
from stages.modalities.audio.clean.mpeg import TooManyPartsError
from stages.modalities.audio.content import FULL_SCALE, Samples, db, encode, peak, resample

MEASURES = {
    "format": pa.string(),
    "seconds": pa.float64(),
    "peak_db": pa.float64(),
    "rms_db": pa.float64(),
    "clipped": pa.float64(),
    "pii": pa.list_(pa.string()),
}
LARGEST_OFFSET = 0.1  # of the RMS: a constant offset is no sound, and would count as loudness


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


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Converts to mono FLAC at `sample_rate`, with trimmed ends and a loudness of `level_db`."""
    from soundfile import SoundFileError

    if not content:
        return Cleaned(None, "empty")
    if other := other_format(content):
        return Cleaned(None, "unsupported_format", measured={"format": other})
    if not READ.match(content) or is_damaged(content):
        return Cleaned(None, "unreadable")
    try:
        with quiet_decoders():
            recording = read(content, params.max_seconds)
    except TooManyPartsError:
        return Cleaned(None, "too_many_parts")
    except SoundFileError:
        if codec := other_codec(content):
            return Cleaned(None, "unsupported_format", measured={"format": codec})
        return Cleaned(None, "truncated") if is_cut(content) else Cleaned(None, "unreadable")
    measured = {"format": recording.header.format}
    if not recording.header.plausible:
        return Cleaned(None, "implausible_header", measured=measured)
    if len(recording.samples) > params.max_seconds * recording.header.rate:
        return Cleaned(None, "too_long", measured=measured)
    if recording.truncated:
        return Cleaned(None, "truncated", measured=measured)
    if not len(recording.samples):
        return Cleaned(None, "empty", measured=measured)
    if not recording.audible:
        return Cleaned(None, "unreadable", measured=measured)
    return clean_recording(recording, params)


def clean_recording(recording: Recording, params: CleanParams) -> Cleaned:
    header, mono = recording.header, recording.mono
    repairs = [] if mono.full_scale == 1 else ["full_scale"]
    if header.channels > 1:
        repairs.append("one_channel" if mono.cancelled else "mixed_down")
    samples, offset = recording.samples, recording.samples.mean()
    if abs(offset) > LARGEST_OFFSET * rms(samples):
        samples = samples - offset
        repairs.append("offset")
    whole = resample(samples, header.rate, params.sample_rate)
    if header.rate != params.sample_rate:
        repairs.append("resampled")
    levels = measure(whole, params.sample_rate, mono.clipped)
    measured = {"format": header.format, **levels, "pii": list(header.pii)}
    if mono.clipped > params.max_clipped:
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
