"""The frames of MP3 files, whose length the decoder takes from an info frame or guesses.

The guess is wrong for variable bit rates, and an info frame counts only the first of several files that were joined.
Format: ISO/IEC 11172-3 and 13818-3; info frames: the Xing, LAME and VBRI headers.
"""

from collections.abc import Iterator
from dataclasses import dataclass

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version bits
_MPEG1 = 3
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_LAYER_3 = 1
_MONO = 3
_LONGEST_BITRATE = 14  # an index of the tables above; its frames have room for an info frame
# Tags, and bytes between frames that look like the start of one. An ordinary file has hundreds; a file of nothing else
# would take minutes.
MAX_GAPS = 100_000


class TooManyPartsError(Exception):
    """The file has far more tags, or bytes that are no frames, than any recording."""


@dataclass(frozen=True)
class Header:
    """The first four bytes of a frame of layer III."""

    version: int
    rate: int
    is_mono: bool
    n_bytes: int  # of the whole frame

    @property
    def n_side_bytes(self) -> int:
        """The length of the part between the header and the sound, where an info frame has its name."""
        if self.version == _MPEG1:
            return 17 if self.is_mono else 32
        return 9 if self.is_mono else 17

    def fits(self, other: "Header") -> bool:
        return (self.version, self.rate, self.is_mono) == (other.version, other.rate, other.is_mono)


def header_at(content: bytes, start: int) -> Header | None:
    """The header at a position; None if there is none, or one without a bit rate ("free format")."""
    if len(content) < start + 4 or content[start] != 0xFF or content[start + 1] & 0xE0 != 0xE0:
        return None
    version, layer = content[start + 1] >> 3 & 3, content[start + 1] >> 1 & 3
    bitrate, rate, padding = content[start + 2] >> 4, content[start + 2] >> 2 & 3, content[start + 2] >> 1 & 1
    if version not in _RATES or layer != _LAYER_3 or rate == 3 or bitrate in (0, 15):
        return None
    kbits, factor = (_KBITS_1, 144_000) if version == _MPEG1 else (_KBITS_2, 72_000)
    hertz = _RATES[version][rate]
    n_bytes = factor * kbits[bitrate] // hertz + padding
    return Header(version, hertz, content[start + 3] >> 6 == _MONO, n_bytes)


@dataclass(frozen=True)
class Frame:
    start: int
    header: Header

    @property
    def end(self) -> int:
        return self.start + self.header.n_bytes


def iter_frames(content: bytes) -> Iterator[Frame]:
    """The frames of a file, without tags and other bytes between them.

    Raises:
        TooManyPartsError
    """
    position, last, n_gaps = 0, None, 0
    while position < len(content) - 4:
        if n_gaps > MAX_GAPS:
            raise TooManyPartsError
        if n_tag := tag_length(content, position):
            position, last, n_gaps = position + n_tag, None, n_gaps + 1
            continue
        header = header_at(content, position)
        is_sure = header is not None and ((last is not None and header.fits(last)) or is_followed(content, position))
        if header is None or not is_sure:
            # The next byte of a header; within a tag or noise there are false ones, so two in sequence are needed.
            following = content.find(b"\xff", position + 1)
            position, last, n_gaps = (len(content) if following < 0 else following), None, n_gaps + 1
            continue
        frame = Frame(position, header)
        yield frame
        position, last = frame.end, header


def is_followed(content: bytes, start: int) -> bool:
    """Whether the frame at `start` is followed by one of its kind, or by the end of the file."""
    header = header_at(content, start)
    if header is None:
        return False
    end = start + header.n_bytes
    following = header_at(content, end)
    return end == len(content) or (following is not None and header.fits(following))


def tag_length(content: bytes, start: int) -> int:
    """The bytes of the tag (ID3 or APE) at a position; 0 if there is none."""
    if content.startswith(b"ID3", start) and len(content) >= start + 10:
        size = 0
        for byte in content[start + 6 : start + 10]:
            size = size << 7 | byte & 0x7F
        return 10 + size
    if content.startswith(b"TAG", start) and len(content) == start + 128:
        return 128
    if content.startswith(b"APETAGEX", start) and len(content) >= start + 32:
        has_header = content[start + 23] & 0x20  # this is the header, and its size counts what follows
        return 32 + int.from_bytes(content[start + 12 : start + 16], "little") if has_header else 32
    return 0


def announced_frames(content: bytes, frame: Frame) -> int | None:
    """The number of frames that an info frame gives; 0 if it gives none, None if the frame is sound."""
    name = frame.start + 4 + frame.header.n_side_bytes
    if content[name : name + 4] in (b"Xing", b"Info"):
        has_count = content[name + 7] & 1 if frame.end > name + 12 else 0
        return int.from_bytes(content[name + 8 : name + 12], "big") if has_count else 0
    if content[frame.start + 36 : frame.start + 40] == b"VBRI":
        return int.from_bytes(content[frame.start + 50 : frame.start + 54], "big")
    return None


@dataclass
class Stream:
    """The frames of one encoding: an info frame, if it has one, and what follows up to the next."""

    info: Frame | None
    announced: int  # frames, according to the info frame
    sounds: list[Frame]

    def encoded(self, content: bytes) -> bytes:
        """An MP3 of these frames; its info frame counts at least all of them."""
        sounds = b"".join(content[frame.start : frame.end] for frame in self.sounds)
        if self.info is not None and self.announced >= len(self.sounds):
            return content[self.info.start : self.info.end] + sounds
        return info_frame(content, self.sounds[0], len(self.sounds)) + sounds


def streams(content: bytes) -> list[Stream]:
    """The encodings that a file has one after the other; those without sound are left out."""
    found = [Stream(None, 0, [])]
    for frame in iter_frames(content):
        announced = announced_frames(content, frame)
        if announced is None:
            found[-1].sounds.append(frame)
        else:
            found.append(Stream(frame, announced, []))
    return [stream for stream in found if stream.sounds]


def split(content: bytes) -> list[bytes]:
    """The MP3 as files whose info frames count all their frames: the file itself, if there is nothing to mend.

    A file with fewer frames than its info frame counts stays as it is: the decoder will find that it is truncated.
    """
    parts = streams(content)
    if not parts or (len(parts) == 1 and parts[0].announced >= len(parts[0].sounds)):
        return [content]
    first, *others = [part.encoded(content) for part in parts]
    return [content[: tag_length(content, 0)] + first, *others]


def info_frame(content: bytes, like: Frame, n_frames: int) -> bytes:
    """A Xing frame that says how many frames follow, with the sample rate and channels of another frame."""
    sync, version, rates, channels = content[like.start : like.start + 4]
    rates = _LONGEST_BITRATE << 4 | rates & 0b1100  # no padding
    start = bytes([sync, version | 1, rates, channels])  # no checksum
    header = header_at(start, 0)
    if header is None:
        raise ValueError("the frame that is imitated has no header")
    body = bytes(header.n_side_bytes) + b"Xing" + (1).to_bytes(4, "big") + n_frames.to_bytes(4, "big")
    return (start + body).ljust(header.n_bytes, b"\0")
