"""Image files of all kinds: their levels can be told apart, or they are dropped with a reason that says why."""

import io
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from stages.modalities.image import report
from stages.modalities.image.clean.cleaner import CleanParams, clean
from stages.modalities.image.clean.formats import READ
from tests import photos, tiny

RAMP = np.linspace(0, 255, 40 * 60).reshape(40, 60).round().astype(np.uint8)


def saved(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def cleaned(content: bytes, **changes: Any) -> Any:
    return clean(content, CleanParams(**{**tiny.CLEAN_IMAGE, **changes}))


def pixels_of(content: bytes, **changes: Any) -> npt.NDArray[np.int64]:
    found = cleaned(content, **changes)
    assert found.reason is None
    return np.asarray(Image.open(io.BytesIO(found.content))).astype(np.int64)


def as_16_bits(bits: int, levels: npt.NDArray[Any] = RAMP) -> npt.NDArray[np.uint16]:
    """8 bits per channel as `bits` of 16: the high ones, with others below."""
    return np.asarray((levels.astype(np.uint16) << (bits - 8)) | (levels & ((1 << (bits - 8)) - 1)), dtype=np.uint16)


def png_of_colours(values: npt.NDArray[np.uint16], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of (height, width, 3 or 4) values with 16 bits, which Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    height, width, n_channels = values.shape
    header = struct.pack(">IIBBBBB", width, height, 16, {3: 2, 4: 6}[n_channels], 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


# --- 16 bits ---


@pytest.mark.parametrize("format", ["PNG", "TIFF", "PPM", "TIFF packed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14])
def test_bits_that_nobody_has_named_are_not_guessed(format: str, bits: int) -> None:
    options = {"compression": "tiff_lzw"} if format == "TIFF packed" else {}
    content = saved(Image.fromarray(as_16_bits(bits)), format.split()[0], **options)
    assert cleaned(content).reason == "unknown_range"
    assert (pixels_of(content, used_bits=bits)[..., 0] == RAMP).all()
    assert cleaned(content, used_bits=8 if bits > 8 else None).reason == "unknown_range"
    assert report.show(content).image  # people see it in any case


def test_a_dark_image_stays_dark_among_others() -> None:
    """All images of a data set have one scale."""
    dark = saved(Image.fromarray(as_16_bits(12) // 8))
    assert pixels_of(dark, used_bits=12).max() == 31


@pytest.mark.parametrize("used_bits", [None, 16])
def test_all_16_bits(used_bits: int | None) -> None:
    for format in ("PNG", "TIFF", "PPM", "JPEG2000"):
        content = saved(Image.fromarray(as_16_bits(16)), format)
        assert (pixels_of(content, used_bits=used_bits)[..., 0] == RAMP).all()


def test_a_range_in_the_file_counts() -> None:
    """PGM names its highest value."""
    body = as_16_bits(12).astype(">u2").tobytes()
    found = pixels_of(b"P5 60 40 4095\n" + body)[..., 0]
    assert np.abs(found - RAMP).max() <= 1


@pytest.mark.parametrize("channels", [3, 4])
def test_colours_of_16_bits(channels: int) -> None:
    levels = np.stack([RAMP, RAMP[::-1], RAMP // 2, np.full_like(RAMP, 255)][:channels], axis=2)
    full, dark = png_of_colours(as_16_bits(16, levels)), as_16_bits(12, levels)
    dark[..., 3:] = 2**16 - 1
    assert (pixels_of(full) == levels[..., :3]).all()
    assert cleaned(png_of_colours(dark)).reason == "unknown_range"
    assert (pixels_of(png_of_colours(dark), used_bits=12) == levels[..., :3]).all()


def test_numbers_with_32_bits_are_of_no_range() -> None:
    for values in (RAMP.astype(np.float32), RAMP.astype(np.int32)):
        assert cleaned(saved(Image.fromarray(values), "TIFF")).reason == "unknown_range"


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits(bits: int) -> None:
    levels = RAMP >> (8 - bits)
    lines = [np.packbits(np.unpackbits(line[:, None], axis=1)[:, 8 - bits :].reshape(-1)) for line in levels]
    body = zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines))

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60, 40, bits, 0, 0, 0, 0))
    end = chunk(b"IDAT", body) + chunk(b"IEND", b"")
    factor = 255 // (2**bits - 1)
    assert (pixels_of(start + end)[..., 0] == levels.astype(int) * factor).all()
    black_is_clear = pixels_of(start + chunk(b"tRNS", b"\0\0") + end)[..., 0]
    behind = 0 if bits == 1 else 255  # white alone is laid on black
    assert (black_is_clear == np.where(levels == 0, behind, levels.astype(int) * factor)).all()
    one_is_clear = pixels_of(start + chunk(b"tRNS", b"\0\1") + end)[..., 0]
    assert (one_is_clear == np.where(levels == 1, 255, levels.astype(int) * factor)).all()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("zero", ["white", "black"])
def test_tiff_says_whether_zero_is_white(bits: int, zero: str) -> None:
    values = as_16_bits(16) if bits == 16 else RAMP
    body = values.astype("<u2" if bits == 16 else "u1").tobytes()
    tags = {256: 60, 257: 40, 258: bits, 259: 1, 262: int(zero == "black"), 273: 8, 277: 1, 278: 40, 279: len(body)}
    directory = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    content = b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + directory + bytes(4)
    assert (pixels_of(content)[..., 0] == (255 - RAMP if zero == "white" else RAMP)).all()


def test_an_orientation_that_does_not_exist_is_no_repair() -> None:
    tags = Image.Exif()
    tags[0x0112] = 0
    assert cleaned(saved(photos.scene(0, 80, 60), "JPEG", exif=tags)).repairs == ()


# --- transparency ---


def test_a_transparent_value_of_16_bits() -> None:
    content = saved(Image.fromarray(as_16_bits(16)), transparency=0)
    assert (pixels_of(content)[..., 0] == np.where(RAMP == 0, 255, RAMP)).all()
    assert pixels_of(content).mean() < 160


def test_a_transparent_colour_of_16_bits() -> None:
    levels = np.stack([RAMP] * 3, axis=2)
    values = as_16_bits(16, levels)
    content = png_of_colours(values, (b"tRNS", values[20, 30].astype(">u2").tobytes()))
    assert (pixels_of(content) == np.where(levels == levels[20, 30], 255, levels)).all()


def glyph(colour: int) -> Image.Image:
    """Text in one colour; the rest is transparent."""
    image = Image.new("LA", (60, 40), (colour, 0))
    ImageDraw.Draw(image).ellipse((10, 10, 40, 30), fill=(colour, 255))
    return image


@pytest.mark.parametrize("mode", ["LA", "RGBA", "PA", "P"])
@pytest.mark.parametrize(("colour", "behind"), [(0, 255), (90, 255), (255, 0), (240, 0)])
def test_what_is_drawn_on_nothing_can_be_seen(mode: str, colour: int, behind: int) -> None:
    image, format = glyph(colour), "TIFF" if mode == "PA" else "PNG"
    image = image if mode == "LA" else image.convert("RGBA").convert("PA") if mode == "PA" else image.convert("RGBA")
    if mode == "P":
        image = image.quantize(method=Image.Quantize.FASTOCTREE)
    pixels = pixels_of(saved(image, format))
    assert pixels[0, 0].tolist() == [behind] * 3
    assert pixels[20, 25] == pytest.approx([colour] * 3, abs=2)


def test_opaque_white_stays_white() -> None:
    assert pixels_of(saved(Image.new("RGBA", (20, 20), "white"))).min() == 255


# --- formats ---


def test_the_formats_that_the_docs_list_are_read() -> None:
    docs = " ".join((Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8").split())
    listed = re.search(r"(PNG, .*?) files are read", docs)
    assert listed is not None
    names = listed[1].replace(" and ", ", ").replace("PPM/PGM/PBM", "PPM").replace("JPEG 2000", "JPEG2000").split(", ")
    assert sorted(name.upper() for name in names) == sorted(READ)
    for format in READ:
        content = saved(photos.scene(0, 80, 60), format)
        assert np.abs(pixels_of(content) - np.asarray(photos.scene(0, 80, 60))).mean() < 20
        assert cleaned(content).measured["format"] == format


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypmif1", "HEIC"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\xff\x0a\0", "JPEG XL"),
        (b'<?xml version="1.0"?>\n<svg xmlns="">', "SVG"),
        (b"%PDF-1.4", "PDF"),
        (b"%!PS-Adobe", "PostScript"),
        (b"II*\0\x10\0\0\0CR\x02\0", "camera raw"),
        (b"\x1a\x45\xdf\xa3", "video"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
        (bytes(128) + b"DICM", "DICOM"),
    ],
)
def test_a_format_that_is_not_read_has_its_name(start: bytes, name: str) -> None:
    found = cleaned(start + bytes(500))
    assert (found.reason, found.measured["format"]) == ("unsupported_format", name)
    assert name in report.show(start + bytes(500)).line


def test_a_build_of_pillow_without_avif(monkeypatch: pytest.MonkeyPatch) -> None:
    content = saved(photos.scene(0), "AVIF")
    monkeypatch.setattr("PIL.AvifImagePlugin.SUPPORTED", False)
    monkeypatch.setattr("PIL.features.check", lambda name: name != "avif")
    assert cleaned(content).reason == "unsupported_format"
    assert cleaned(content).measured["format"] == "AVIF"


def test_a_preview_of_a_raw_file_is_no_image() -> None:
    tags = Image.Exif()
    tags[50706] = b"\1\4\0\0"  # DNG
    assert cleaned(saved(photos.scene(0), "TIFF", exif=tags)).reason == "unsupported_format"


@pytest.mark.parametrize("format", READ)
def test_a_file_that_is_cut_is_truncated(format: str) -> None:
    content = saved(photos.scene(0), format)
    assert cleaned(content[: len(content) * 3 // 4]).reason == "truncated"
    assert cleaned(content[:-2]).reason in (None, "truncated")  # GIF and PNG have ended before


@pytest.mark.parametrize("format", ["AVIF", "JPEG2000", "WEBP", "TIFF"])
def test_limits_come_before_pixels(format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise AssertionError("pixels were decoded")

    content = saved(photos.scene(0, 300, 200), format)
    plugin = {"AVIF": "AvifImagePlugin.AvifImageFile", "JPEG2000": "Jpeg2KImagePlugin.Jpeg2KImageFile"}
    plugin |= {"WEBP": "WebPImagePlugin.WebPImageFile", "TIFF": "TiffImagePlugin.TiffImageFile"}
    monkeypatch.setattr(f"PIL.{plugin[format]}.load", fail)
    assert cleaned(content, max_pixels=50_000).reason == "too_many_pixels"
    assert report.sizes(content) == (300, 200)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_images_are_turned_upright(format: str) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    content = saved(photos.scene(0, 80, 60), format, exif=tags)
    found = cleaned(content)
    assert found.repairs == ("orientation",)
    upright = np.asarray(photos.scene(0, 80, 60).transpose(Image.Transpose.ROTATE_270)).astype(int)
    assert np.abs(pixels_of(content) - upright).mean() < 20
    assert report.sizes(content) == (60, 80)


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "TIFF", "AVIF"])
def test_of_several_frames_the_first_is_taken_and_counted(format: str) -> None:
    first, second = photos.scene(0, 80, 60), photos.scene(1, 80, 60)
    several = saved(first, format, save_all=True, append_images=[second])
    assert "first_frame" in cleaned(several).repairs
    assert "first_frame" not in cleaned(saved(first, format)).repairs
    assert np.abs(pixels_of(several) - np.asarray(first)).mean() < 20


@pytest.mark.parametrize(("mode", "format"), [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("L", "JPEG")])
def test_colour_models(mode: str, format: str) -> None:
    scene = photos.scene(0, 80, 60)
    found = pixels_of(saved(scene.convert(mode), format))
    assert np.abs(found - np.asarray(scene.convert(mode).convert("RGB"))).mean() < 12


def test_images_of_one_line() -> None:
    assert pixels_of(saved(photos.scene(0, 40, 40).crop((0, 0, 40, 1))), min_side=1).shape == (1, 40, 3)
