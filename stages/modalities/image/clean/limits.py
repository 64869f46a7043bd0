"""Limits that are checked before an image is opened, as some small files take minutes to decode.

Pixels are limited too, by params; they are known when an image is open.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import repeat

MAX_BYTES = 2**29  # 50 million pixels with 16 bits in 4 channels take 400 MB without compression
MAX_PLAIN_BYTES = 2**23  # of pixels written as decimal numbers (plain PPM), of which 2 MB take a second
MAX_SCANS = 100  # of a JPEG: usual are 10; each takes as long as a whole image
MAX_SMALL_PARTS = 10_000  # comments, tags, frames...: each takes the time of a step of Python
SMALL = 128  # bytes; larger parts are few in a file of limited size
MAX_PPM_HEADER = 2**16  # bytes

_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # of JPEG; 0 and D0 to D7 belong to the pixels, FF fills
_SCAN, _END, _WITHOUT_LENGTH = 0xDA, 0xD9, (0x01, 0xD8)
_COMMENT = re.compile(rb"#[^\r\n]*")


class TooManyBytesError(Exception):
    """The file is larger than any image of its format that is read."""


class TooManyPartsError(Exception):
    """The file has more scans, comments, frames or other parts than any ordinary image."""


def check_limits(content: bytes) -> None:
    """
    Raises:
        TooManyBytesError, TooManyPartsError
    """
    if len(content) > (MAX_PLAIN_BYTES if content[:2] in (b"P1", b"P2", b"P3") else MAX_BYTES):
        raise TooManyBytesError
    counts: Counter[str] = Counter()
    for kind in parts(content):
        counts[kind] += 1
        if counts["scan"] > MAX_SCANS or counts["small"] > MAX_SMALL_PARTS:
            raise TooManyPartsError


def parts(content: bytes) -> Iterator[str]:
    """The kinds of the parts that cost time: `scan` and `small`. Formats that C libraries read as a whole have none."""
    if content.startswith(b"\xff\xd8"):
        yield from jpeg_parts(content)
    elif content.startswith(b"\x89PNG"):
        yield from png_parts(content)
    elif content.startswith(b"GIF8"):
        yield from gif_parts(content)
    elif re.match(rb"P[0-6fy]", content):
        yield from ppm_parts(content)


def jpeg_parts(content: bytes) -> Iterator[str]:
    """Segments and scans, up to the end of the image. Format: ITU-T T.81, annex B."""
    position, has_pixels = 2, False
    while match := _MARKER.search(content, position):
        code, end = content[match.end() - 1], match.end()
        if code == _END:
            return
        if not has_pixels:  # what fills the gaps between segments is read byte by byte
            yield from repeat("small", match.start() - position)
        has_pixels |= code == _SCAN
        yield "scan" if code == _SCAN else "small"
        position = end
        if code not in _WITHOUT_LENGTH:
            position += max(2, int.from_bytes(content[end : end + 2], "big"))


def png_parts(content: bytes) -> Iterator[str]:
    """Chunks; of a film those up to the second frame, as no more is read. Format: ISO/IEC 15948."""
    position = 8
    seen: set[bytes] = set()
    while position < len(content):
        length, name = int.from_bytes(content[position : position + 4], "big"), content[position + 4 : position + 8]
        if name == b"fcTL" and {b"acTL", b"IDAT"} <= seen:
            return
        if length < SMALL:
            yield "small"
        seen.add(name)
        position += 12 + length


def gif_parts(content: bytes) -> Iterator[str]:
    """Blocks and the blocks in them, up to the second frame, as no more is read. Format: GIF89a."""
    position, n_frames = 13 + colour_table_length(content[10:11]), 0
    while n_frames < 2 and position < len(content) and content[position] != 0x3B:
        yield "small"
        if content[position] == 0x2C:  # a frame
            n_frames += 1
            position += 11 + colour_table_length(content[position + 9 : position + 10])
        elif content[position] == 0x21:  # a comment or another extension
            position += 2
        else:  # no block begins here
            position += 1
            continue
        while position < len(content) and content[position]:
            if content[position] < SMALL:
                yield "small"
            position += 1 + content[position]
        position += 1


def colour_table_length(flags: bytes) -> int:
    has_table = flags and flags[0] & 0x80
    return 3 << (flags[0] & 7) + 1 if has_table else 0


def ppm_parts(content: bytes) -> Iterator[str]:
    """A header that does not end, which is read byte by byte, and the comments among pixels that are plain text."""
    header = content[:MAX_PPM_HEADER]
    n_numbers = len(_COMMENT.sub(b" ", header[2:]).split())
    if n_numbers < (2 if content[1:2] in (b"1", b"4") else 3) and len(content) > len(header):
        yield from repeat("small", len(header))
    if content[1:2] in (b"1", b"2", b"3"):
        yield from repeat("small", content.count(b"#"))
