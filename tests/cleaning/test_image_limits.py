"""Small files that would take minutes to decode are dropped before they are decoded; odd but honest ones stay."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from stages.modalities.image import report
from stages.modalities.image.clean import limits
from stages.modalities.image.clean.cleaner import CleanParams, clean
from tests import photos, tiny

SCENE = photos.scene(0, 80, 60)


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


JPEG, GIF, PNG = saved(SCENE, "JPEG"), saved(SCENE, "GIF"), saved(SCENE, "PNG")


def reason(content: bytes) -> str | None:
    return clean(content, CleanParams(**tiny.CLEAN_IMAGE)).reason


def jpeg_of_scans(n_scans: int, side: int = 8) -> bytes:
    """A progressive JPEG whose last scan comes again and again; it adds nothing to the picture."""
    content = saved(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = content[content.rfind(b"\xff\xda") : -2]
    return content[:-2] + last * (n_scans - content.count(b"\xff\xda")) + content[-2:]


def jpeg_with(segments: bytes) -> bytes:
    return JPEG[:2] + segments + JPEG[2:]


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with(chunks: bytes) -> bytes:
    """The chunks come after the header."""
    return PNG[:33] + chunks + PNG[33:]


def gif_with(blocks: bytes) -> bytes:
    """The blocks come before the first frame."""
    start = 13 + 3 * 256
    return GIF[:start] + blocks + GIF[start:]


MANY = limits.MAX_SMALL_PARTS + 1
BOMBS = {
    "3,000 scans": jpeg_of_scans(3_000),
    "one scan too many": jpeg_of_scans(limits.MAX_SCANS + 1),
    "comments of a JPEG": jpeg_with(b"\xff\xfe\0\2" * MANY),
    "tables of a JPEG": jpeg_with((b"\xff\xdb\0\x43\0" + b"\1" * 64) * MANY),
    "fill bytes of a JPEG": jpeg_with(b"\xff" * MANY),
    "texts of a PNG": png_with(chunk(b"tEXt", b"a\0b") * MANY),
    "unknown chunks of a PNG": png_with(chunk(b"abCd", b"") * MANY),
    "unknown chunks at the end": PNG[:-12] + chunk(b"abCd", b"") * MANY + PNG[-12:],
    "comments of a GIF": gif_with(b"!\xfe\1x\0" * MANY),
    "parts of a comment of a GIF": gif_with(b"!\xfe" + b"\1x" * MANY + b"\0"),
    "comments among plain pixels": b"P2 80 60 255\n" + b"#\n" * MANY + b"9 " * 4_800,
    "a header that does not end": b"P5 80" + b" " * limits.MAX_PPM_HEADER + b" 60 255\n" + bytes(4_800),
    "a comment that does not end": b"P5 #" + b"x" * limits.MAX_PPM_HEADER + b"\n80 60 255\n" + bytes(4_800),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_of_too_many_parts_is_not_opened(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr("PIL.Image.open", fail)
    assert reason(BOMBS[name]) == "too_many_parts"
    assert report.show(BOMBS[name]).line.endswith("bytes, not decoded: it would take too long")
    assert report.sizes(BOMBS[name]) == ()


def film(n_frames: int) -> bytes:
    """A PNG of frames of one pixel, after a first one."""
    start = png_with(chunk(b"acTL", struct.pack(">II", n_frames, 0)) + frame_header(0, 80, 60))[:-12]
    parts = [
        frame_header(2 * number - 1, 1, 1) + chunk(b"fdAT", struct.pack(">I", 2 * number) + zlib.compress(bytes(4)))
        for number in range(1, n_frames)
    ]
    return start + b"".join(parts) + PNG[-12:]


def frame_header(number: int, width: int, height: int) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, 0, 0, 1, 1, 0, 0))


HONEST = {
    "a film of a PNG": film(MANY),
    "many scans": jpeg_of_scans(limits.MAX_SCANS),
    # As cameras append a film; by chance it has markers of scans.
    "a JPEG with something behind it": JPEG + b"\xff\xda" * MANY,
    "long comments": jpeg_with((b"\xff\xfe\x40\x02" + b"x" * 0x4000) * 64),
    "a thumbnail in a JPEG": jpeg_with(b"\xff\xec" + struct.pack(">H", len(JPEG) + 2) + JPEG),
    "a PNG in many pieces": png_with(b"").replace(PNG[33:], b"")
    + b"".join(chunk(b"IDAT", PNG[start : start + 200]) for start in range(41, len(PNG) - 16, 200))
    + PNG[-12:],
    "a film of a GIF": saved(
        Image.new("P", (9, 9), 99), "GIF", save_all=True, append_images=[Image.new("P", (9, 9))] * 2
    )[:-1]
    + b",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0" * MANY
    + b";",
    "plain pixels": b"P2 80 60 255\n# a comment\n" + b"9 " * 4_800,
    "bits in a file": b"P4 80 60\n" + bytes(600),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_odd_file_that_takes_no_time_stays(name: str) -> None:
    assert reason(HONEST[name]) is None


def test_large_files(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reason(b"P3 80 60 255\n" + b"9 " * (limits.MAX_PLAIN_BYTES // 2)) == "too_many_bytes"
    monkeypatch.setattr(limits, "MAX_BYTES", len(PNG) - 1)
    assert reason(PNG) == "too_many_bytes"
    assert reason(saved(Image.new("RGB", (9, 9), "red"), "PNG")) is None


def test_no_more_parts_are_counted_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    n_read = 0
    parts = limits.parts

    def counted(content: bytes) -> Any:
        nonlocal n_read
        for part in parts(content):
            n_read += 1
            yield part

    monkeypatch.setattr(limits, "parts", counted)
    assert reason(jpeg_with(b"\xff\xfe\0\2" * 10 * MANY)) == "too_many_parts"
    assert n_read == MANY


@pytest.mark.parametrize("format", ["GIF", "TIFF"])
def test_frames_are_not_counted(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow walks through all of them for that."""
    plugin = {"GIF": "GifImagePlugin.GifImageFile", "TIFF": "TiffImagePlugin.TiffImageFile"}[format]
    content = saved(SCENE, format, save_all=True, append_images=[photos.scene(1, 80, 60)])
    monkeypatch.setattr(f"PIL.{plugin}.n_frames", property(lambda _: pytest.fail("the frames were counted")))
    assert clean(content, CleanParams(**tiny.CLEAN_IMAGE)).repairs[0] == "first_frame"


def test_a_directory_that_leads_to_itself() -> None:
    """In a TIFF, the next page is the same one; in a JPEG, the tags of the camera are those of the file."""
    content = saved(SCENE, "TIFF")
    first = struct.unpack("<I", content[4:8])[0]
    n_tags = struct.unpack("<H", content[first : first + 2])[0]
    end = first + 2 + 12 * n_tags
    assert reason(content[:end] + struct.pack("<I", first) + content[end + 4 :]) is None
    tags = (
        b"MM\0*\0\0\0\x08\0\2" + b"\x87\x69\0\4\0\0\0\1\0\0\0\x08" + b"\x88\x25\0\4\0\0\0\1\0\0\0\x08" + b"\0\0\0\x08"
    )
    assert reason(jpeg_with(b"\xff\xe1" + struct.pack(">H", len(tags) + 8) + b"Exif\0\0" + tags)) is None


@pytest.mark.parametrize("name", [b"zTXt", b"iCCP", b"iTXt"])
def test_texts_that_grow_are_not_unpacked(name: bytes) -> None:
    """Pillow stops at a megabyte."""
    packed = zlib.compress(bytes(20_000_000), 9)
    start = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[name]
    assert reason(png_with(chunk(name, start + packed))) == "unreadable"


@pytest.mark.parametrize("where", ["PIL.Image.open", "PIL.ImageFile.ImageFile.load"])
def test_lack_of_memory_says_nothing_about_the_file(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(where, fail)
    with pytest.raises(MemoryError):
        reason(JPEG)
