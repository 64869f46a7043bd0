"""The pages of Ogg files: the decoder leaves out those that are damaged or cut, and does not say so.

Format: RFC 3533.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

NAME = b"OggS"
_HEADER = 27  # bytes, before the sizes of its segments
_CHECKSUM = slice(22, 26)
_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    start: int
    end: int  # beyond the end of the file, if the page is cut
    flags: int

    @property
    def begins_stream(self) -> bool:
        return bool(self.flags & 2)

    @property
    def ends_stream(self) -> bool:
        return bool(self.flags & 4)


def iter_pages(content: bytes) -> Iterator[Page]:
    """The pages from the start of a file on, up to other bytes."""
    position = 0
    while content.startswith(NAME, position):
        header = content[position : position + _HEADER].ljust(_HEADER, b"\0")
        body = position + _HEADER + header[26]
        end = body + sum(content[position + _HEADER : body])
        yield Page(position, end, header[5])
        position = end


def starts(content: bytes) -> list[int]:
    """Where logical streams begin after others have ended ("chained")."""
    found, is_in_sound = [0], False
    for page in iter_pages(content):
        if page.begins_stream and is_in_sound:
            found.append(page.start)
        is_in_sound = not page.begins_stream
    return found


def is_cut(content: bytes) -> bool:
    """Whether the last page lacks bytes, or what follows it is no page although its stream goes on.

    A file that ends with a whole page counts as whole, as some recorders, such as Android's, never mark the last one.
    """
    last = Page(0, 0, 0)
    for page in iter_pages(content):
        last = page
    return last.end > len(content) or (last.end < len(content) and not last.ends_stream)


def is_damaged(content: bytes) -> bool:
    """Whether a page has other bytes than were written, or pages follow that cannot be reached."""
    end = 0
    for page in iter_pages(content):
        end = page.end
        if end <= len(content) and not has_checksum(content[page.start : end]):
            return True
    return content.find(NAME, end) >= 0


def has_checksum(page: bytes) -> bool:
    """Whether the checksum of a page is that of its bytes: zlib's, with all bits in the opposite order."""
    without = page[: _CHECKSUM.start] + bytes(4) + page[_CHECKSUM.stop :]
    reversed_checksum = zlib.crc32(without.translate(_BITS_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return page[_CHECKSUM].translate(_BITS_REVERSED) == reversed_checksum.to_bytes(4, "big")
