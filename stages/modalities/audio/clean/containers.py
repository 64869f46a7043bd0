"""What the headers of sound files say about their length, and files that were joined or written to a pipe.

The decoder reads a file that is cut as a shorter one, and the first of several files that were joined.
"""

import re

from stages.modalities.audio.clean import mpeg, ogg

# A file that was written to a pipe has this size in its header, or a larger one, or zero.
UNKNOWN_SIZE = 2**31 - 2**16
_CHUNK = re.compile(rb"[ -~]{4}")  # the name of a chunk


def split(content: bytes) -> list[bytes]:
    """The files that were joined into one, with the true lengths in their headers."""
    if content.startswith(ogg.NAME):
        return cut_at(content, ogg.starts(content))
    if content.startswith(b"fLaC"):
        return cut_at(content, flac_starts(content))
    if content.startswith((b"RIFF", b"FORM")):
        return [with_wav_size(piece) for piece in cut_at(content, riff_starts(content))]
    return mpeg.split(content) if content.startswith((b"ID3", b"\xff")) else [content]


def cut_at(content: bytes, starts: list[int]) -> list[bytes]:
    if starts == [0]:
        return [content]
    return [content[start:end] for start, end in zip(starts, [*starts[1:], len(content)], strict=True)]


def flac_starts(content: bytes) -> list[int]:
    """Where a file begins: its name, and the header of its first block, which has 34 bytes."""
    return [0, *(match.start() for match in re.finditer(rb"fLaC[\x00\x80]\x00\x00\x22", content) if match.start())]


def riff_starts(content: bytes) -> list[int]:
    """Where the WAV or AIFF files begin of which each begins at the end of the one before."""
    starts, name = [0], content[:4]
    while True:
        size = int.from_bytes(content[starts[-1] + 4 : starts[-1] + 8], "little" if name == b"RIFF" else "big")
        end = starts[-1] + 8 + size + size % 2
        if not content.startswith(name, end):
            return starts
        starts.append(end)


def wav_data(content: bytes) -> tuple[int, int] | None:
    """Where the sound of a WAV file begins, and its size according to its header; None if it has none."""
    position = 12
    while position + 8 <= len(content):
        size = int.from_bytes(content[position + 4 : position + 8], "little")
        if content.startswith(b"data", position):
            return position + 8, size
        position += 8 + size + size % 2
    return None


def with_wav_size(content: bytes) -> bytes:
    """A WAV file whose header says that the sound is shorter than it is, with the true size.

    Programs that write to a pipe, or crash, leave a size of zero.
    """
    data = wav_data(content) if content.startswith(b"RIFF") else None
    if data is None:
        return content
    start, size = data
    end = start + size + size % 2
    riff_end = int.from_bytes(content[4:8], "little") + 8
    limit = riff_end if end < riff_end <= len(content) else len(content)
    is_short = size == 0 or end < riff_end
    if not is_short or end >= limit or is_chunk(content, end):
        return content
    return content[: start - 4] + (limit - start).to_bytes(4, "little") + content[start:limit]


def is_chunk(content: bytes, start: int) -> bool:
    """Whether a chunk begins here that ends within the file."""
    size = int.from_bytes(content[start + 4 : start + 8], "little")
    return bool(_CHUNK.match(content, start)) and start + 8 + size <= len(content)


def declared_size(content: bytes) -> int:
    """The size of a file according to its header, without the last bytes that programs leave out; 0 if unknown."""

    def number(start: int, n_bytes: int, order: str) -> int:
        return int.from_bytes(content[start : start + n_bytes], "big" if order == "big" else "little")

    size = 0
    if content.startswith(b"RIFF"):
        start, data_size = wav_data(content) or (0, 0)
        size = max(number(4, 4, "little"), start + data_size if data_size < UNKNOWN_SIZE else 0)
    elif content.startswith(b"RF64"):
        size = number(20, 8, "little")
    elif content.startswith((b"FORM", b"RIFX")):
        size = number(4, 4, "big")
    elif content.startswith(b"riff"):
        size = number(16, 8, "little")
    elif content.startswith(b".snd"):
        size = number(4, 4, "big") + number(8, 4, "big")
    elif content.startswith(b"caff"):
        size = caf_size(content)
    elif content.startswith(b"NIST_1A"):
        size = nist_size(content)
    return size if size < UNKNOWN_SIZE else 0


def is_cut(content: bytes) -> bool:
    return ogg.is_cut(content) if content.startswith(ogg.NAME) else len(content) < declared_size(content)


def is_damaged(content: bytes) -> bool:
    """Whether the file has checksums, and one is wrong, of which the decoder says nothing."""
    return content.startswith(ogg.NAME) and ogg.is_damaged(content)


def caf_size(content: bytes) -> int:
    """The end of the last chunk of a Core Audio file."""
    position = 8
    while position + 12 <= len(content):
        position += 12 + int.from_bytes(content[position + 4 : position + 12], "big")
    return position


def nist_size(content: bytes) -> int:
    """The size of a SPHERE file: a header in words, and samples."""
    header = content[:1024]
    words = {
        name: int(value) for name, value in re.findall(rb"(sample_count|channel_count|sample_n_bytes) -i (\d+)", header)
    }
    samples = words.get(b"sample_count", 0) * words.get(b"channel_count", 1) * words.get(b"sample_n_bytes", 2)
    return 1024 + samples
