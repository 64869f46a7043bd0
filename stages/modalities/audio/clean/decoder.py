"""Decodes untrusted sound files safely, and mixes them down to mono."""

import io
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile

import numpy as np
import numpy.typing as npt

from stages.modalities.audio.clean.containers import is_cut, split
from stages.modalities.audio.content import FULL_SCALE, Samples

RATES = (2_000, 192_000)  # lowest and highest plausible sample rate
MAX_CHANNELS = 16
# Samples decoded at a time, so that a false header costs little memory. An MP3 has a seam between blocks.
BLOCK = 2**24
FULL = 1 - 2 / FULL_SCALE  # from which on a sample counts as clipped
LOUDEST = 8.0  # times full scale; louder samples are no sound
LOUDEST_FLOAT = 2.0**31  # likewise of floats, which may be integers of up to 32 bits
# Of the energy of the loudest channel. The mean of two unlike channels has a half of it, or a quarter if one is silent.
# Channels of opposite phases leave nearly nothing.
LEAST_MIXED = 0.1
MAX_PIECES = 1_000  # files joined into one

Frames = npt.NDArray[np.float32]  # (n_frames, n_channels)


@dataclass
class Energy:
    """The energy of channels about their means, summed up over blocks."""

    n_frames: int
    total: npt.NDArray[np.float64]  # (n_channels,)
    squares: npt.NDArray[np.float64]  # (n_channels,)

    @classmethod
    def of_none(cls, n_channels: int) -> "Energy":
        return cls(0, np.zeros(n_channels), np.zeros(n_channels))

    def add(self, block: Frames) -> None:
        self.n_frames += len(block)
        self.total += block.sum(axis=0, dtype=np.float64)
        self.squares += np.square(block, dtype=np.float64).sum(axis=0)

    @property
    def variance(self) -> npt.NDArray[np.float64]:
        n_frames = max(1, self.n_frames)
        return np.asarray(self.squares / n_frames - (self.total / n_frames) ** 2)


@dataclass(frozen=True)
class Header:
    format: str
    rate: int
    channels: int
    frames: int  # that it promises
    is_float: bool  # its samples may exceed full scale without being clipped
    pii: tuple[str, ...]  # kinds of personal data in the metadata

    @property
    def plausible(self) -> bool:
        return RATES[0] <= self.rate <= RATES[1] and self.channels <= MAX_CHANNELS

    def fits(self, other: "Header") -> bool:
        return (self.rate, self.channels) == (other.rate, other.channels)


@dataclass(frozen=True)
class Mono:
    samples: Samples
    clipped: float  # share of the frames with a sample at full scale in any channel
    full_scale: float = 1.0  # what the samples were divided by
    cancelled: bool = False  # the channels cancel each other out, so the samples are those of the loudest


@dataclass(frozen=True)
class Recording:
    """The start of a file, up to a limit, in mono."""

    header: Header
    mono: Mono = field(default_factory=lambda: Mono(np.zeros(0, np.float32), 0.0))
    truncated: bool = False

    @property
    def samples(self) -> Samples:
        return self.mono.samples

    @property
    def audible(self) -> bool:
        """Whether there are samples, and all of them are numbers of a plausible size."""
        return bool(len(self.samples)) and bool((np.abs(self.samples) <= LOUDEST).all())  # NaN fails this too


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

    Files that were joined into one are read one after the other, as far as they have one sample rate and as many
    channels. A recording with an implausible header has no samples.

    Raises:
        TooManyPartsError: it would take too long.
        SoundFileError: the file is broken, or of an unknown format.
    """
    pieces = split(content)
    headers = [read_header(piece) for piece in pieces[:MAX_PIECES]]
    first = headers[0]
    n_alike = sum(1 for _ in takewhile(first.fits, headers))
    header = replace(first, frames=sum(header.frames for header in headers))
    if not header.plausible:
        return Recording(header)
    limit = int(max_seconds * header.rate) + 1
    is_float = any(header.is_float for header in headers[:n_alike])
    full_scale = peak_of_floats(pieces[:n_alike], limit) if is_float else 1.0
    mixed = mix(pieces[:n_alike], header.channels, limit, full_scale)
    is_short = len(mixed.samples) < min(limit, header.frames)
    is_whole = n_alike == len(pieces) and not is_cut(content)
    return Recording(header, mixed, truncated=is_short or (len(mixed.samples) < limit and not is_whole))


def read_header(content: bytes) -> Header:
    import soundfile

    with soundfile.SoundFile(io.BytesIO(content)) as file:
        pii = tuple(find_pii(file.copy_metadata()))
        is_float = file.subtype in ("FLOAT", "DOUBLE")
        return Header(file.format, file.samplerate, file.channels, max(0, file.frames), is_float, pii)


def peak_of_floats(pieces: Sequence[bytes], limit: int) -> float:
    """The highest peak of all channels; 1 if it is lower, or so high that the samples are no sound."""
    peak = max((float(np.abs(block).max()) for block in blocks(pieces, limit, 1.0)), default=1.0)
    return peak if 1 < peak <= LOUDEST_FLOAT else 1.0


@np.errstate(over="ignore", invalid="ignore")  # samples that are no numbers are noticed later
def mix(pieces: Sequence[bytes], n_channels: int, limit: int, full_scale: float) -> Mono:
    """The mean of the channels; the loudest channel, if they cancel each other out."""
    energy, mixed_energy = Energy.of_none(n_channels), Energy.of_none(1)
    n_clipped, means = 0, [np.zeros(0, np.float32)]
    for block in blocks(pieces, limit, full_scale):
        n_clipped += int((np.abs(block) >= FULL).any(axis=1).sum())
        means.append(block.mean(axis=1))
        energy.add(block)
        mixed_energy.add(means[-1][:, None])
    clipped = n_clipped / max(1, energy.n_frames)
    loudest = int(np.argmax(energy.variance))
    if mixed_energy.variance[0] >= LEAST_MIXED * energy.variance[loudest] or n_channels == 1:
        return Mono(np.concatenate(means), clipped, full_scale)
    # Decoded again, as all channels of a long recording take too much memory.
    samples = np.concatenate([block[:, loudest] for block in blocks(pieces, limit, full_scale)])
    return Mono(samples, clipped, full_scale, cancelled=True)


def blocks(pieces: Sequence[bytes], limit: int, full_scale: float) -> Iterator[Frames]:
    """The frames of files one after the other, up to `limit`, divided by `full_scale`."""
    import soundfile

    n_left = limit
    for piece in pieces:
        with soundfile.SoundFile(io.BytesIO(piece)) as file:
            while n_left:
                n_wanted = min(BLOCK // file.channels, n_left)
                block = file.read(n_wanted, dtype="float32", always_2d=True)
                n_left -= len(block)
                if len(block):
                    yield block if full_scale == 1 else block / np.float32(full_scale)
                if len(block) < n_wanted:  # the end, or a gap, after which a decoder may repeat what was read
                    break


_OWNERS = ("artist", "copyright", "comment", "title")


def find_pii(metadata: Mapping[str, str]) -> list[str]:
    """`owner` if the metadata has a name or a comment."""
    return ["owner"] if any(metadata.get(name, "").strip() for name in _OWNERS) else []
