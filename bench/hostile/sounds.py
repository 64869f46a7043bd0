"""Hostile sound files: lies in headers, values that are no numbers, and what public trackers report of libsndfile."""

import io
import struct
from functools import cache
from typing import Any

import numpy as np

from bench.hostile.media import Made, Media

RATE = 8_000


@cache
def samples(seed: int, seconds: float = 0.4) -> Any:
    """A tone with some noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(seed).normal(0, 0.01, len(time))
    return (0.4 * np.sin(2 * np.pi * (200 + 50 * seed) * time) + noise).astype(np.float32)


@cache
def saved(format: str, seed: int = 0, seconds: float = 0.4, **options: Any) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples(seed, seconds), RATE, format=format, **options)
    return file.getvalue()


def good_sound(seed: int) -> bytes:
    return saved("WAV", seed)


def wav(
    values: Any = None,
    *,
    kind: int = 1,
    channels: int = 1,
    rate: int = RATE,
    bits: int = 16,
    block: int | None = None,
    declared: int | None = None,
    before: bytes = b"",
    riff: bytes = b"RIFF",
    extension: bytes = b"",
) -> bytes:
    """A WAV with any header; `declared` is the size that its data are said to have."""
    if values is None:
        values = (samples(0) * 32_767).astype("<i2")
    body = values if isinstance(values, bytes) else values.tobytes()
    block = channels * bits // 8 if block is None else block
    head = struct.pack("<HHIIHH", kind, channels, rate & 0xFFFFFFFF, (rate * block) & 0xFFFFFFFF, block & 0xFFFF, bits)
    head += extension
    chunks = b"fmt " + struct.pack("<I", len(head)) + head + before
    chunks += b"data" + struct.pack("<I", len(body) if declared is None else declared) + body
    return riff + struct.pack("<I", (4 + len(chunks)) & 0xFFFFFFFF) + b"WAVE" + chunks


def floats(value: float, kind: str = "<f4") -> bytes:
    values = samples(0).astype(kind)
    values[::2] = value
    return wav(values, kind=3, bits=8 * np.dtype(kind).itemsize)


def riff_chunk(name: bytes, body: bytes, declared: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if declared is None else declared) + body + b"\0" * (len(body) % 2)


def aiff(
    channels: int, frames: int, bits: int, rate: bytes, body: bytes, kind: bytes = b"AIFF", more: bytes = b""
) -> bytes:
    comm = struct.pack(">hIh", channels, frames, bits) + rate + more
    chunks = b"COMM" + struct.pack(">I", len(comm)) + comm + b"SSND" + struct.pack(">III", 8 + len(body), 0, 0) + body
    return b"FORM" + struct.pack(">I", 4 + len(chunks)) + kind + chunks


RATE_80 = b"\x40\x0b\xfa\0\0\0\0\0\0\0"  # 8000 as a number of 80 bits


def at(content: bytes, position: int, new: bytes) -> bytes:
    return content[:position] + new + content[position + len(new) :]


def flac_info(frames: int | None = None, rate: int | None = None, channels: int | None = None) -> bytes:
    """A FLAC whose header says another number of frames, rate or channels."""
    content = saved("FLAC")
    packed = int.from_bytes(content[18:26], "big")
    if rate is not None:
        packed = packed & ~(0xFFFFF << 44) | rate << 44
    if channels is not None:
        packed = packed & ~(7 << 41) | (channels - 1) << 41
    if frames is not None:
        packed = packed & ~((1 << 36) - 1) | frames
    return at(content, 18, packed.to_bytes(8, "big"))


def without_end(content: bytes) -> bytes:
    """An Ogg file whose last page does not say that it is the last."""
    start = content.rindex(b"OggS")
    return content[: start + 5] + bytes([content[start + 5] & ~4]) + content[start + 6 :]


def with_other_byte(content: bytes) -> bytes:
    """The file with another byte in its middle."""
    middle = len(content) // 2
    return at(content, middle, bytes([content[middle] ^ 0x5A]))


def id3(size: int, body: bytes) -> bytes:
    """A tag of MP3 that says to be of any size."""
    return b"ID3\x04\0\0" + bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0)) + body


RF64 = b"ds64" + struct.pack("<IQQQI", 28, 2**63 - 1, 2**63 - 1, 2**62, 0)
SOUNDS: dict[str, Made] = {
    # values
    "a WAV of floats of 1e38": lambda: floats(1e38),
    "a WAV of floats of 1e37": lambda: floats(1e37),
    "a WAV of floats of 1e6": lambda: floats(1e6),
    "a WAV of doubles of 1e300": lambda: floats(1e300, "<f8"),
    "a WAV of floats that are not numbers": lambda: floats(float("nan")),
    "a WAV of floats that are infinite": lambda: floats(float("inf")),
    "a WAV of floats too small to be normal": lambda: floats(1e-40),
    "a WAV of full scale": lambda: wav(np.full(4_000, 32_767, "<i2")),
    "a WAV of silence": lambda: wav(np.zeros(4_000, "<i2")),
    "a WAV of a constant": lambda: wav(np.full(4_000, 9_000, "<i2")),
    "a WAV of one sample": lambda: wav(np.array([5_000], "<i2")),
    "a WAV of no samples": lambda: wav(b""),
    "a WAV of an odd number of bytes": lambda: wav(saved("WAV")[44:-1]),
    # lies
    "a WAV of no channels": lambda: wav(channels=0),
    "a WAV of 65,535 channels": lambda: wav(channels=65_535),
    "a WAV of 1,000 channels": lambda: wav(channels=1_000, block=2_000),
    "a WAV of a rate of 0": lambda: wav(rate=0),
    "a WAV of a rate of 1": lambda: wav(rate=1),
    "a WAV of a rate of 4294967295": lambda: wav(rate=2**32 - 1),
    "a WAV of a rate of 2147483647": lambda: wav(rate=2**31 - 1),
    "a WAV of 0 bits": lambda: wav(bits=0, block=2),
    "a WAV of 3 bits": lambda: wav(bits=3, block=1),
    "a WAV of 255 bits": lambda: wav(bits=255),
    "a WAV of blocks of no bytes": lambda: wav(block=0),
    "a WAV whose data are said to be 4 GB": lambda: wav(declared=2**32 - 1),
    "a WAV whose data are said to be nothing": lambda: wav(declared=0),
    "a WAV of an unknown codec": lambda: wav(kind=0x2345),
    "a WAV of ADPCM with blocks of 1 byte": lambda: wav(
        kind=2, bits=4, block=1, extension=b"\x20\0\x01\0\x07\0" + bytes(28)
    ),
    "a WAV of ADPCM with coefficients that are cut": lambda: wav(
        kind=2, bits=4, block=256, extension=b"\x04\0\0\0\xff\xff"
    ),
    "a WAV of GSM in blocks of 65,535 bytes": lambda: wav(kind=49, bits=0, block=65_535, extension=b"\x02\0\x40\x01"),
    "a WAV of MP3 inside": lambda: wav(saved("MP3"), kind=85, bits=0, block=1, extension=bytes(14)),
    "a WAV of the extensible kind with an unknown id": lambda: wav(
        kind=0xFFFE, extension=b"\x16\0\x10\0\0\0\0\0" + b"x" * 16
    ),
    "a WAV of the extensible kind that is cut": lambda: wav(kind=0xFFFE, extension=b"\x16\0"),
    "a WAV with a chunk of 4 GB before its data": lambda: wav(before=riff_chunk(b"LIST", b"x", 2**32 - 1)),
    "a WAV with 50,000 empty chunks": lambda: wav(before=riff_chunk(b"junk", b"") * 50_000),
    "a WAV with two headers": lambda: wav(before=riff_chunk(b"fmt ", struct.pack("<HHIIHH", 1, 9, 9, 9, 9, 8))),
    "a WAV with a cue list of 4 billion points": lambda: wav(before=riff_chunk(b"cue ", struct.pack("<I", 2**32 - 1))),
    "a WAV with a list of texts that never ends": lambda: wav(before=riff_chunk(b"LIST", b"INFOINAM\xff\xff\xff\xff")),
    "a WAV with a terminal code as its title": lambda: wav(
        before=riff_chunk(b"LIST", b"INFOINAM\x08\0\0\0\x1b[31mred\0")
    ),
    "a WAV with a picture of 1 MB in its tag": lambda: wav(before=riff_chunk(b"id3 ", id3(2**20, bytes(2**20)))),
    "a WAV with broadcast data that are cut": lambda: wav(before=riff_chunk(b"bext", b"x")),
    "a WAV with an instrument of 4 billion loops": lambda: wav(before=riff_chunk(b"smpl", bytes(28) + b"\xff" * 8)),
    "a WAV of 64 bits without its sizes": lambda: wav(riff=b"RF64", declared=2**32 - 1),
    "a WAV of 64 bits that says 9 quintillion bytes": lambda: wav(riff=b"RF64", declared=2**32 - 1, before=RF64),
    "a WAV of the other byte order": lambda: wav(riff=b"RIFX"),
    "a W64 of a negative size": lambda: saved("W64")[:16] + b"\xff" * 8 + saved("W64")[24:],
    "a WAV that is cut in its header": lambda: saved("WAV")[:30],
    "a WAV that is cut in the middle": lambda: saved("WAV")[:2_000],
    "an AIFF of no channels": lambda: aiff(0, 100, 16, RATE_80, bytes(200)),
    "an AIFF of negative channels": lambda: aiff(-1, 100, 16, RATE_80, bytes(200)),
    "an AIFF of 4 billion frames": lambda: aiff(1, 2**32 - 1, 16, RATE_80, bytes(200)),
    "an AIFF of a rate that is infinite": lambda: aiff(1, 100, 16, b"\x7f\xff" + bytes(8), bytes(200)),
    "an AIFF of a negative rate": lambda: aiff(1, 100, 16, b"\xc0\x0b\xfa" + bytes(7), bytes(200)),
    "an AIFF of a rate of 1e4000": lambda: aiff(1, 100, 16, b"\x7f\xfe\xff" + bytes(7), bytes(200)),
    "an AIFF of an unknown codec": lambda: aiff(1, 100, 16, RATE_80, bytes(200), b"AIFC", b"xxxx\x00\x00"),
    "an AU of no header": lambda: b".snd" + struct.pack(">IIIII", 0, 0xFFFFFFFF, 3, 8_000, 1),
    "an AU whose data start beyond its end": lambda: (
        b".snd" + struct.pack(">IIIII", 2**31, 100, 3, 8_000, 1) + bytes(99)
    ),
    "a FLAC of 68 billion frames": lambda: flac_info(frames=2**36 - 1),
    "a FLAC of a rate of 0": lambda: flac_info(rate=0),
    "a FLAC of a rate of 1048575": lambda: flac_info(rate=2**20 - 1),
    "a FLAC of 8 channels that has one": lambda: flac_info(channels=8),
    "a FLAC with a picture of 16 MB that is not there": lambda: (
        saved("FLAC")[:42].replace(b"\x80\0\0\x22", b"\0\0\0\x22") + b"\x86\xff\xff\xff" + saved("FLAC")[42:]
    ),
    "a FLAC with 4 billion comments": lambda: (
        b"fLaC" + b"\0" + saved("FLAC")[5:42] + b"\x84\0\0\x0c\0\0\0\0\xff\xff\xff\xff\0\0\0\0" + saved("FLAC")[42:]
    ),
    "a FLAC that is cut": lambda: saved("FLAC")[: len(saved("FLAC")) // 2],
    "a FLAC of frames that are noise": lambda: saved("FLAC")[:100] + b"\xff\xf8" * 500,
    "an Ogg of 255 empty segments a page": lambda: b"OggS\0\x02" + bytes(20) + b"\xff" + bytes(255) * 20,
    "an Ogg whose position is negative": lambda: at(saved("OGG"), saved("OGG").rindex(b"OggS") + 6, b"\xff" * 8),
    "an Ogg whose position is 9 quintillion": lambda: at(
        saved("OGG"), saved("OGG").rindex(b"OggS") + 6, b"\xff" * 7 + b"\x7f"
    ),
    "an Ogg of 0 channels": lambda: at(saved("OGG"), 39, b"\0"),
    "an Ogg of a rate of 0": lambda: at(saved("OGG"), 40, bytes(4)),
    "an Ogg that is twice in one file": lambda: saved("OGG") * 2,
    "an Ogg of 50 short recordings": lambda: saved("OGG") * 50,
    "an Ogg of Opus that is cut": lambda: saved("OGG", subtype="OPUS")[:600],
    "an Ogg that is cut in its middle": lambda: saved("OGG", seconds=7)[: len(saved("OGG", seconds=7)) // 2],
    "an Ogg with another byte in its middle": lambda: with_other_byte(saved("OGG", seconds=7)),
    "an Ogg of Opus with another byte in its middle": lambda: with_other_byte(saved("OGG", seconds=7, subtype="OPUS")),
    "an MP3 with a tag of 256 MB that is not there": lambda: id3(2**28 - 1, b"") + saved("MP3"),
    "an MP3 with 2,000 tags": lambda: id3(0, b"") * 2_000 + saved("MP3"),
    "an MP3 after 1 MB of zeros": lambda: bytes(2**20) + saved("MP3"),
    "an MP3 after 1 MB of starts of frames": lambda: b"\xff\xfb" * 2**19 + saved("MP3"),
    "an MP3 of headers alone": lambda: b"\xff\xfb\x90\x00" * 5_000,
    "an MP3 of frames of a free length": lambda: b"\xff\xfb\x00\x00" * 5_000,
    "an MP3 that changes its rate": lambda: saved("MP3") + b"\xff\xf3\x44\xc4" + bytes(200) + saved("MP3"),
    "an MP3 that is cut in a frame": lambda: saved("MP3")[:-50],
    "a CAF whose packets are said to be 9 quintillion": lambda: (
        saved("CAF")[:60] + b"\x7f" + b"\xff" * 7 + saved("CAF")[68:]
    ),
    "a VOC of blocks of no size": lambda: (
        b"Creative Video File\x1a".replace(b"Video", b"Voice") + b"\x1a\0\x0a\x01\x29\x11" + bytes(100)
    ),
    # other things under the name of a sound
    "a sound that is a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a sound that is a text": lambda: b"I am a song, believe me.\n" * 20,
    "a sound that is 1 MB of zeros": lambda: bytes(2**20),
    "a sound of nothing": lambda: b"",
    "a sound of one byte": lambda: b"R",
    "a sound that is a film": lambda: b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41" + bytes(200),
    "a sound that is AMR": lambda: b"#!AMR\n" + bytes(200),
    "a sound that is a MIDI file": lambda: b"MThd\0\0\0\x06\0\x01\0\x01\0\x60MTrk" + bytes(100),
    "a sound that is a playlist": lambda: b"#EXTM3U\nhttp://example.org/song.mp3\nfile:///etc/passwd\n",
}
# Inputs that public trackers report; each was taken from the words of the report and made anew.
REPORTED: dict[str, tuple[str, Made]] = {
    "a W64 of no channels": (
        "libsndfile/libsndfile#341",
        lambda: saved("W64").replace(struct.pack("<HHI", 1, 1, RATE), struct.pack("<HHI", 1, 0, RATE)),
    ),
    "an AIFF whose samples have 6 bits": ("naudio/NAudio#1254", lambda: aiff(1, 2, 6, bytes(10), b"\x40\x0b\xfa")),
    "a WAV of an unknown codec in blocks of 0 bytes": (
        "naudio/NAudio#1254 (second)",
        lambda: wav(kind=0x3301, block=0),
    ),
    "an AIFF of no rate and no frames": ("libsndfile/libsndfile#831", lambda: aiff(1, 0, 16, bytes(10), b"")),
    "an AIFF of no block in its header": ("libsndfile/libsndfile#92", lambda: aiff(2, 1, 0, RATE_80, bytes(8))),
    "a WAV of 64 bits with two headers of 1 and 255 channels": (
        "libsndfile/libsndfile#1108",
        lambda: wav(
            riff=b"RF64",
            kind=0xFFFE,
            extension=b"\x16\0\x10\0\x04\0\0\0\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71",
            before=riff_chunk(b"fmt ", struct.pack("<HHIIHH", 1, 255, 8_000, 4_080_000, 510, 16)),
        ),
    ),
    "12 bytes that pass for a file of HTK": (
        "libsndfile/libsndfile#846",
        lambda: b"\0\0\0\0\x04\0\0\x04\0\x02\0\0",
    ),
    "a WAV of doubles in blocks of 0 bytes": (
        "libsndfile/libsndfile#318",
        lambda: wav(samples(0).astype("<f8"), kind=3, bits=64, block=0),
    ),
    "a WAV of mu-law with values beyond full scale": (
        "libsndfile/libsndfile#368",
        lambda: wav(b"\x80\x80\x80tt\x8c\x8c" * 900, kind=7, bits=8),
    ),
    "an AIFF with a comment of 9,475 bytes that are not there": (
        "libsndfile/libsndfile#106",
        lambda: (
            aiff(1, 0, 16, bytes(10), bytes(56), b"AIFC", b"NONE\x0bnot compressed")
            + b"COMT\0\0\x25\x10\0\x01\0\x20\x68\x17\x0c\x10\x25\x03"
        ),
    ),
    "a FLAC of no frames in its header": ("libsndfile/libsndfile#1038", lambda: flac_info(frames=0)),
    "an Ogg without its last page": ("libsndfile/libsndfile#989", lambda: without_end(saved("OGG"))),
    "a WAV of 60 bytes whose data are said to be 4 GB": (
        "python/cpython#151308",
        lambda: wav(bytes(16), rate=44_100, declared=2**32 - 1),
    ),
    "a WAV as SoX writes it to a pipe": (
        "kaldi-asr/kaldi#1567",
        lambda: at(at(saved("WAV"), 4, b"\x24\xf0\xff\x7f"), 40, b"\0\xf0\xff\x7f"),
    ),
    "a WAV whose parts are larger than the file": (
        "iluvcapra/wavinfo#32",
        lambda: at(at(saved("WAV"), 4, b"\xff\xff\xff\x7f"), 40, b"\0\0\0\x40"),
    ),
    "an MP3 with a frame of a broken size in its tag": (
        "tinytag/tinytag#28",
        lambda: id3(1_000, b"TIT2\xff\xff\xff\xff\0\0" + bytes(990)) + saved("MP3"),
    ),
    "a WAV with fewer samples than its header says": (
        "mackron/miniaudio#1118",
        lambda: wav(samples(0)[:100].astype("<f4"), kind=3, bits=32, declared=6_400),
    ),
    "a FLAC that is malformed after its header": (
        "bbc/audiowaveform#159",
        lambda: saved("FLAC")[:46] + b"\0" * 10 + saved("FLAC")[80:],
    ),
}


MEDIA = Media("sounds", "audio_category", ".wav", good_sound, SOUNDS, REPORTED)
inputs = MEDIA.inputs
