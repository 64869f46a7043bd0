"""Recordings are decoded with care, mixed down, brought to one rate and loudness, and kept without silence at their ends."""

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.clean import Among, Cleaned
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.modalities.audio.content import FULL_SCALE, Samples, db, encode, peak, resample

REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "unreadable": "it cannot be decoded",
    "implausible_header": "what it says of its length, rate or channels cannot be",
    "truncated": "its end is missing",
    "too_long": "it is longer than params allow",
    "clipped": "it was recorded too loud",
    "silent": "nothing is heard",
    "too_short": "it is shorter than params allow",
}
REASONS_AMONG: Mapping[str, str] = {}
MEASURES = {**dict.fromkeys(("seconds", "peak_db", "rms_db", "clipped"), pa.float64()), "pii": pa.list_(pa.string())}
# WAV, FLAC, Ogg, MP3 and AIFF: libsndfile knows twenty more, most of them from the last century.
FORMATS = re.compile(rb"RIFF|RF64|fLaC|OggS|ID3|FORM|\xff[\xe0-\xff]")
RATES = (2_000, 192_000)
MAX_CHANNELS = 16
BLOCK = (
    2**24
)  # samples decoded at a time, so that a header's channels and length cost little memory; an MP3 has a seam between blocks
FULL = 1 - 2 / FULL_SCALE
LOUDEST = 8.0  # times full scale: numbers of another unit, or none
LARGEST_OFFSET = 0.1  # of the RMS: a constant is no sound, and would count as loudness
UNKNOWN_SIZE = 2**31 - 2**16  # what stands in the header of a WAV file that was written to a pipe, or more


class CleanParams(Strict):
    sample_rate: int = Field(ge=4_000, le=192_000, description="samples a second that recordings are brought to")
    min_seconds: float = Field(
        gt=0, description="shorter recordings are dropped, measured after silence at their ends is cut off"
    )
    max_seconds: float = Field(
        gt=0, le=3_600, description="longer recordings are dropped; no more than this is ever decoded"
    )
    trim_db: float | None = Field(
        gt=0, description="what is so many dB below the loudest 10 ms is cut off at both ends; null: nothing is"
    )
    level_db: float | None = Field(
        le=0,
        description="loudness (RMS, in dB of full scale) that recordings are brought to, as far as none clips; null: left as it is",
    )
    min_peak_db: float = Field(
        le=0, description="recordings with no louder sample are dropped as silent, in dB of full scale"
    )
    max_clipped: float = Field(
        ge=0, le=1, description="recordings are dropped when a larger share of their samples stands at full scale"
    )

    @model_validator(mode="after")
    def check_seconds(self) -> Self:
        if self.min_seconds > self.max_seconds:
            raise ValueError("min_seconds is larger than max_seconds, so that no recording could stay")
        return self


@dataclass(frozen=True)
class Recording:
    """What a file holds, up to a limit, mixed down to mono."""

    samples: Samples
    rate: int
    channels: int
    promised: int  # frames, by its header
    clipped: float  # share of samples at full scale, of any channel
    pii: tuple[str, ...]  # what of it the metadata hold

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
        found = Recording(
            np.zeros(0, np.float32),
            file.samplerate,
            file.channels,
            max(0, file.frames),
            0.0,
            tuple(find_pii(file.copy_metadata())),
        )
        if not found.plausible:
            return found
        limit, n_read, n_full, blocks = int(max_seconds * file.samplerate) + 1, 0, 0, [found.samples]
        while n_read < limit:
            block = file.read(
                min(BLOCK // file.channels, limit - n_read), dtype="float32", always_2d=True
            )  # (n_frames, n_channels)
            if not len(block):
                break
            n_full += int((np.abs(block) >= FULL).any(axis=1).sum())
            n_read += len(block)
            blocks.append(block.mean(axis=1))
    return Recording(
        np.concatenate(blocks),
        found.rate,
        found.channels,
        min(found.promised, limit),
        n_full / max(1, n_read),
        found.pii,
    )


def wav_is_cut(content: bytes) -> bool:
    """libsndfile takes what is there of a WAV file for all of it."""
    size = int.from_bytes(content[4:8], "little")
    return content.startswith(b"RIFF") and len(content) < size < UNKNOWN_SIZE


def mend(recording: Recording, params: CleanParams) -> Cleaned:
    repairs = ["mixed_down"] if recording.channels > 1 else []
    samples, offset = recording.samples, recording.samples.mean()
    if abs(offset) > LARGEST_OFFSET * rms(samples):
        samples = samples - offset
        repairs.append("offset")
    whole = resample(samples, recording.rate, params.sample_rate)
    if recording.rate != params.sample_rate:
        repairs.append("resampled")
    heard = levels(whole, params.sample_rate, recording.clipped)
    measured = {**heard, "pii": list(recording.pii)}
    if recording.clipped > params.max_clipped:
        return Cleaned(None, "clipped", measured=measured)
    if heard["peak_db"] < params.min_peak_db:
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


def among(measured: Mapping[str, npt.NDArray[Any]], params: CleanParams) -> Among | None:
    return None


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []


def levels(samples: Samples, rate: int, clipped: float) -> dict[str, float]:
    """Its length, its loudest sample and its loudness in dB of full scale, and the share of samples at full scale."""
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
    """`owner` where a name or a remark stands in them."""
    return ["owner"] if any(metadata.get(name, "").strip() for name in _OWNERS) else []
