"""Sound files that say, or hold, far more than they should: a reason in no time, and little memory."""

import io
import struct
from typing import Any

import numpy as np
import pytest
import soundfile

from stages.modalities.audio import report
from stages.modalities.audio.clean import decoder, mpeg
from tests.samples.cleaned_sounds import clean
from tests.sounds import encoded, sound, tones

MP3 = sound("up", "MP3")
EMPTY_TAG = b"ID3\x03\0\0\0\0\0\0"


def wav(codec: int = 1, channels: int = 1, rate: int = 8_000, bits: int = 16, size: int | None = None) -> bytes:
    """A WAV file of half a second whose header says this, whatever it holds."""
    data = (tones("up") * 32_767).astype("<i2").tobytes()
    numbers = codec, channels, rate, rate * channels * bits // 8 % 2**32, channels * bits // 8 % 2**16, bits
    body = b"WAVEfmt \x10\0\0\0" + struct.pack("<HHIIHH", *numbers)
    body += b"data" + struct.pack("<I", len(data) if size is None else size) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


HEADERS = {
    "0 Hz": (wav(rate=0), "unreadable"),
    "1 Hz": (wav(rate=1), "implausible_header"),
    "2^31 Hz": (wav(rate=2**31), "unreadable"),
    "2^32 - 1 Hz": (wav(rate=2**32 - 1), "unreadable"),
    "no channel": (wav(channels=0), "unreadable"),
    "65,535 channels": (wav(channels=65_535), "unreadable"),
    "no bits": (wav(bits=0), "unreadable"),
    "65,535 bits": (wav(bits=65_535), "unreadable"),
    "no size": (wav(size=0), None),
    "2^32 - 1 bytes": (wav(size=2**32 - 1), None),
    "nothing": (b"RIFF\0\0\0\0WAVE", "unreadable"),
    "GSM": (encoded(tones("up"), subtype="GSM610"), None),
    "GSM with other bytes": (encoded(tones("up"), subtype="GSM610")[:60] + bytes(range(256)) * 9, "clipped"),
    "floats of 1e300": (encoded(np.full(4_000, 1e300), subtype="DOUBLE"), "unreadable"),
    "denormals": (encoded(np.full(4_000, 1e-42), subtype="FLOAT"), "silent"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_say_the_impossible(name: str) -> None:
    content, reason = HEADERS[name]
    assert clean(content).reason == reason
    assert report.show(content).line


@pytest.mark.parametrize("options", [{"format": "FLAC"}, {"format": "OGG"}, {"format": "OGG", "subtype": "OPUS"}])
def test_hours_of_silence_are_not_decoded(options: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute of silence takes a few bytes a second; only its start is decoded, joined or not."""
    content = encoded(np.zeros(8_000 * 60), rate=8_000, **options)
    assert len(content) < 8_000 * 60 / 30
    n_decoded = 0
    blocks = decoder.blocks

    def counted(*arguments: Any) -> Any:
        nonlocal n_decoded
        for block in blocks(*arguments):
            n_decoded += len(block)
            yield block

    monkeypatch.setattr(decoder, "blocks", counted)
    for bomb in (content, content * 20):
        n_decoded = 0
        assert clean(bomb, max_seconds=2.0).reason == "too_long"
        assert n_decoded <= 2.0 * 48_000 + 1


@pytest.mark.parametrize("format", ["RF64", "W64"])
def test_sizes_of_64_bits(format: str) -> None:
    content = encoded(tones("up"), format)
    start = {"RF64": 20, "W64": 16}[format]
    false = content[:start] + b"\xff" * 8 + content[start + 8 :]
    assert clean(content).reason is None
    assert clean(false).reason in (None, "truncated", "unreadable")


def test_a_tag_of_20_megabytes_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in it, even what looks like frames."""
    size = 20_000_000
    tag = EMPTY_TAG[:6] + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + b"\xff\xfb\x90\0" * (size // 4)
    n_looked_at = 0
    header_at = mpeg.header_at

    def counted(*arguments: Any) -> Any:
        nonlocal n_looked_at
        n_looked_at += 1
        return header_at(*arguments)

    monkeypatch.setattr(mpeg, "header_at", counted)
    assert clean(tag + MP3).reason is None
    assert n_looked_at < 1_000


@pytest.mark.parametrize(
    "content",
    [
        MP3 + b"\xff" * (mpeg.MAX_GAPS + 10),
        MP3 + b"\xff\xfb" * (mpeg.MAX_GAPS + 10),
        MP3 + EMPTY_TAG * (mpeg.MAX_GAPS + 10),
        EMPTY_TAG * (mpeg.MAX_GAPS + 10) + MP3,
    ],
    ids=["ends of headers", "headers", "tags", "tags at the start"],
)
def test_a_file_of_false_starts_is_not_read_for_ever(content: bytes) -> None:
    assert clean(content).reason == "too_many_parts"
    assert report.show(content).line.endswith("bytes, not decoded: it would take too long")
    with pytest.raises(mpeg.TooManyPartsError):
        sum(1 for _ in mpeg.iter_frames(content * 5))


def test_some_tags_are_no_reason() -> None:
    content = MP3 + EMPTY_TAG * 50 + MP3 + EMPTY_TAG * 50
    assert clean(content).reason is None


def test_a_day_in_one_file_has_a_reason() -> None:
    """The header of a FLAC file promises 2^36 - 1 samples."""
    content = bytearray(encoded(tones("up"), "FLAC"))
    content[21] |= 0x0F
    content[22:26] = b"\xff" * 4
    assert soundfile.info(io.BytesIO(bytes(content))).frames == 2**36 - 1
    assert clean(bytes(content)).reason in ("truncated", "unreadable")
