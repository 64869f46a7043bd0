"""Hostile image files: bombs, lies in headers, endless directories, and what public trackers report of Pillow."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from bench.hostile.media import Made, Media

SIDE = 40


@cache
def pixels(seed: int, side: int = SIDE) -> Any:
    """Blocks of random colours: sharp, bright and with enough information to be kept."""
    blocks = np.random.default_rng(seed).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    return blocks.repeat(4, axis=0).repeat(4, axis=1)


@cache
def saved(format: str, seed: int = 0, side: int = SIDE, mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels(seed, side)).convert(mode).save(file, format, **options)
    return file.getvalue()


def good_image(seed: int) -> bytes:
    return saved("PNG", seed)


# --- PNG ---


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, bits: int = 8, colours: int = 2, packed: bytes | None = None) -> bytes:
    """A PNG with any header; its pixels are white if they are few, and a few bytes if they are many."""
    line = 1 + width * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colours, 3) * max(1, bits // 8)
    body = zlib.compress(b"\0" * line * height if line * height < 2**24 else bytes(1_000)) if packed is None else packed
    header = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def inserted(content: bytes, *chunks: bytes) -> bytes:
    """A PNG with more chunks after its header."""
    return content[:33] + b"".join(chunks) + content[33:]


def zeros(size: int) -> bytes:
    """`size` zero bytes, packed a thousandfold."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(size // 2**20))
    return packed + packer.flush()


def text_chunks(kind: bytes, count: int, size: int) -> bytes:
    body = b"key\0" + b"\0" * (kind == b"zTXt") + (b"\0\0\0\0" if kind == b"iTXt" else b"")
    return b"".join(chunk(kind, body + (zeros(size) if kind == b"zTXt" else b"x" * size)) for _ in range(count))


def animated_png(frames: int, side: int = 40) -> bytes:
    control = chunk(b"acTL", struct.pack(">II", frames, 0))
    one = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, side, side, 0, 0, 1, 1, 0, 0))
    return inserted(saved("PNG", 0, side), control, one)


# --- JPEG ---


def segment(marker: int, body: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(body) + 2) + body


def in_jpeg(*segments: bytes, seed: int = 0, **options: Any) -> bytes:
    content = saved("JPEG", seed, **options)
    return content[:2] + b"".join(segments) + content[2:]


def jpeg_of_size(width: int, height: int) -> bytes:
    """A JPEG whose header says another size."""
    content = saved("JPEG")
    start = content.index(b"\xff\xc0")
    return content[: start + 5] + struct.pack(">HH", height, width) + content[start + 9 :]


@cache
def many_scans(count: int, side: int = 1_024) -> bytes:
    """A progressive JPEG whose last scan is repeated: each repetition decodes all blocks again."""
    file = io.BytesIO()
    Image.new("L", (side, side), 128).save(file, "JPEG", progressive=True)
    content = file.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def exif(*entries: bytes, order: bytes = b"II", count: int | None = None, after: bytes = b"\0\0\0\0") -> bytes:
    """An EXIF segment of directory entries."""
    number = struct.pack("<H", len(entries) if count is None else count)
    return segment(0xE1, b"Exif\0\0" + order + b"*\0\x08\0\0\0" + number + b"".join(entries) + after)


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


# --- GIF, BMP, TIFF, WebP, PPM, AVIF, JPEG 2000 ---


def gif(width: int, height: int, frames: int = 1, offset: tuple[int, int] = (0, 0), frame: int = 1) -> bytes:
    """A GIF whose frames are of one pixel, on a canvas of any size."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    one = b"," + struct.pack("<HHHHB", *offset, frame, frame, 0) + b"\x02\x02\x44\x01\x00"
    return head + one * frames + b";"


def bmp(width: int, height: int, bits: int = 24, packed: int = 0, offset: int = 54, body: bytes = b"") -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packed, len(body), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, offset) + head + body


def tiff(*tags: tuple[int, int, int, int], following: int = 0, body: bytes = b"", extra: bytes = b"") -> bytes:
    """A little-endian TIFF: (tag, kind, count, value) per entry, `following`: the offset of the next directory."""
    directory = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    start = 8 + len(body)
    head = b"II*\0" + struct.pack("<I", start) + body
    return head + struct.pack("<H", len(tags)) + directory + struct.pack("<I", following) + extra


def plain_tiff(width: int, height: int, *more: tuple[int, int, int, int], packing: int = 1, **options: Any) -> bytes:
    body = options.pop("body", b"\x80" * 48)
    tags = {
        256: (4, 1, width),
        257: (4, 1, height),
        258: (3, 1, 8),
        259: (3, 1, packing),
        262: (3, 1, 1),
        273: (4, 1, 8),
        277: (3, 1, 1),
        278: (4, 1, height),
        279: (4, 1, len(body)),
    }
    tags |= {tag: (kind, count, value) for tag, kind, count, value in more}
    return tiff(*((tag, *rest) for tag, rest in tags.items()), body=body, **options)


def pages(count: int) -> bytes:
    file = io.BytesIO()
    page = Image.new("L", (1, 1))
    page.save(file, "TIFF", save_all=True, append_images=[page] * (count - 1))
    return file.getvalue()


def webp(width: int, height: int) -> bytes:
    """A WebP whose canvas has another size than its image."""
    content = saved("WEBP", 0, SIDE)
    flags = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + (width - 1).to_bytes(3, "little")
    body = b"WEBP" + flags + (height - 1).to_bytes(3, "little") + content[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def boxes(count: int) -> bytes:
    """A file of the ISO format with many empty boxes."""
    return b"\0\0\0\x18ftypavif\0\0\0\0avifmif1" + b"\0\0\0\x08free" * count


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    return content.replace(old, new, 1)


def at(content: bytes, position: int, new: bytes) -> bytes:
    return content[:position] + new + content[position + len(new) :]


IMAGES: dict[str, Made] = {
    # sizes
    "a PNG that says 60000 x 60000": lambda: png(60_000, 60_000),
    "a PNG that says 2147483647 x 1": lambda: png(2**31 - 1, 1),
    "a PNG that says 4294967295 x 4294967295": lambda: png(2**32 - 1, 2**32 - 1),
    "a PNG of no width": lambda: png(0, 10),
    "a PNG of one pixel": lambda: png(1, 1),
    "a PNG of 20000 x 1": lambda: png(20_000, 1),
    "a PNG of 7000 x 7000 white pixels in 150 KB": lambda: png(7_000, 7_000, packed=zeros(7_000 * 21_001 + 2**20)),
    "a JPEG that says 65500 x 65500": lambda: jpeg_of_size(65_500, 65_500),
    "a JPEG that says 6000 x 8000": lambda: jpeg_of_size(6_000, 8_000),
    "a GIF that says 65535 x 65535": lambda: gif(65_535, 65_535),
    "a GIF of 7000 x 7000 with a frame of one pixel": lambda: gif(7_000, 7_000),
    "a BMP that says 2147483647 x 2147483647": lambda: bmp(2**31 - 1, 2**31 - 1),
    "a BMP of negative width": lambda: bmp(-10, 10, body=bytes(300)),
    "a BMP of the most negative height": lambda: bmp(10, -(2**31), body=bytes(300)),
    "a TIFF that says 4294967295 x 1": lambda: plain_tiff(2**32 - 1, 1),
    "a TIFF of no height": lambda: plain_tiff(10, 0),
    "a WebP with a canvas of 16777216 x 16777216": lambda: webp(2**24, 2**24),
    "a PPM that says 999999999 x 999999999": lambda: b"P6 999999999 999999999 255\n" + bytes(100),
    "a PPM of a size of 100,000 digits": lambda: b"P6 " + b"9" * 100_000 + b" 1 255\n",
    # work
    "a progressive JPEG of 2,000 scans": lambda: many_scans(2_000),
    "a progressive JPEG of 20,000 scans of 64 x 64": lambda: many_scans(20_000, 64),
    "a plain PPM of 3 MB of numbers": lambda: b"P3 1000 1000 255\n" + b"0 " * 1_500_000,
    "a plain PPM with a comment of 5 MB": lambda: b"P3 10 10 255\n#" + b"x" * 5_000_000 + b"\n" + b"1 " * 300,
    "a PPM with 100,000 comments in its header": lambda: b"P6\n" + b"#x\n" * 100_000 + b"10 10 255\n" + bytes(300),
    "a PPM with a comment of 5 MB in its header": lambda: b"P6\n#" + b"x" * 5_000_000 + b"\n10 10 255\n" + bytes(300),
    "a plain PPM of 1 MB of spaces": lambda: b"P3 10 10 255\n" + b" " * 2**20 + b"1 " * 300,
    "a plain PGM with a number of 1 MB": lambda: b"P2 10 10 255\n" + b"9" * 2**20,
    "a GIF of 20,000 frames": lambda: gif(40, 40, 20_000),
    "a GIF whose frame is far outside of its canvas": lambda: gif(40, 40, 2, (65_000, 65_000), 500),
    "a TIFF of 3,000 pages": lambda: pages(3_000),
    "a TIFF whose next directory is itself": lambda: plain_tiff(8, 6, following=8 + 48),
    "a TIFF whose next directory is beyond its end": lambda: plain_tiff(8, 6, following=2**31),
    "a TIFF of 65,535 tags that are not there": lambda: at(plain_tiff(8, 6), 56, b"\xff\xff"),
    "a TIFF with a tag of 4 billion bytes": lambda: plain_tiff(8, 6, (34675, 7, 2**32 - 1, 8)),
    "a TIFF with 100 million strips": lambda: plain_tiff(8, 6, (273, 4, 10**8, 8), (279, 4, 10**8, 8)),
    "a TIFF with one row per strip and no strips": lambda: plain_tiff(8, 6, (278, 4, 1, 0)),
    "a TIFF with tiles of no size": lambda: plain_tiff(8, 6, (322, 4, 1, 0), (323, 4, 1, 0), (324, 4, 1, 8)),
    "a TIFF of an unknown packing": lambda: plain_tiff(8, 6, packing=34_925),
    "a TIFF of LZW bytes that are none": lambda: plain_tiff(8, 6, packing=5, body=b"\xff" * 48),
    "a TIFF of deflated zeros without an end": lambda: plain_tiff(8, 6, packing=8, body=zeros(2**26)),
    "a TIFF with a JPEG in it that is none": lambda: plain_tiff(8, 6, packing=7, body=b"\xff\xd8\xff\xff" * 12),
    "an animated PNG that says 4 billion frames": lambda: animated_png(2**32 - 1),
    "an animated PNG of no frames": lambda: animated_png(0),
    "an ISO file of 200,000 empty boxes": lambda: boxes(200_000),
    "an ISO file with a box of no size": lambda: b"\0\0\0\0ftypavif" + bytes(100),
    "an AVIF that ends after its header": lambda: saved("AVIF")[:60],
    "a JPEG 2000 that says 4278190080 x -1": lambda: at(
        at(saved("JPEG2000", no_jp2=True), 8, b"\xff\0\0\0" + bytes(4)), 16, b"\0\0\0\0\0\0\0\x01"
    ),
    # lies
    "a PNG that is a JPEG by its name only": lambda: saved("JPEG"),
    "a PNG with a wrong checksum": lambda: at(saved("PNG"), 30, b"\0\0\0"),
    "a PNG without an end": lambda: saved("PNG")[:-30],
    "a PNG cut in the middle": lambda: saved("PNG")[: len(saved("PNG")) // 2],
    "a PNG whose pixels come before its header": lambda: (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IDAT", zlib.compress(bytes(100))) + saved("PNG")[8:]
    ),
    "a PNG with two headers": lambda: inserted(
        saved("PNG"), chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0))
    ),
    "a PNG with a palette of no colours": lambda: png(10, 10, chunk(b"PLTE", b""), colours=3),
    "a PNG whose pixels are beyond its palette": lambda: png(
        10, 10, chunk(b"PLTE", b"\0\0\0"), colours=3, packed=zlib.compress((b"\0" + b"\xff" * 10) * 10)
    ),
    "a PNG of 3 bits per channel": lambda: png(10, 10, bits=3),
    "a PNG of an unknown kind of colours": lambda: png(10, 10, colours=5),
    "a PNG with a chunk of 2 GB": lambda: inserted(saved("PNG"), struct.pack(">I", 2**31 - 1) + b"tEXt"),
    "a PNG with a chunk of negative size": lambda: inserted(saved("PNG"), struct.pack(">I", 2**32 - 1) + b"tEXt"),
    "a PNG with a chunk whose name is no text": lambda: inserted(saved("PNG"), chunk(b"\0\xff\x1b[", b"")),
    "a PNG with 100,000 empty chunks": lambda: inserted(saved("PNG"), chunk(b"teSt", b"") * 100_000),
    "a PNG with transparency for all pixels": lambda: png(10, 10, chunk(b"tRNS", bytes(6))),
    "a PNG with transparency of a wrong length": lambda: inserted(saved("PNG"), chunk(b"tRNS", b"\0")),
    "a PNG with EXIF that is none": lambda: inserted(saved("PNG"), chunk(b"eXIf", b"\0" * 8)),
    "a PNG with a resolution of a wrong length": lambda: inserted(saved("PNG"), chunk(b"pHYs", b"\0")),
    "a PNG with a gamma of nothing": lambda: inserted(saved("PNG"), chunk(b"gAMA", bytes(4))),
    "a PNG with a colour profile that is none": lambda: inserted(
        saved("PNG"), chunk(b"iCCP", b"x\0\0" + zlib.compress(b"none" * 40))
    ),
    "a JPEG that is cut after its header": lambda: saved("JPEG")[:200],
    "a JPEG without tables": lambda: replaced(saved("JPEG"), b"\xff\xdb", b"\xff\xfe"),
    "a JPEG with a segment of length 0": lambda: saved("JPEG")[:2] + b"\xff\xe0\0\0" + saved("JPEG")[2:],
    "a JPEG of 1 MB of fill bytes": lambda: saved("JPEG")[:2] + b"\xff" * 2**20 + saved("JPEG")[2:],
    "a JPEG of 5 colours": lambda: replaced(saved("JPEG"), b"\x08\x00\x28\x00\x28\x03", b"\x08\x00\x28\x00\x28\x05"),
    "a JPEG with a restart interval of one block": lambda: in_jpeg(segment(0xDD, b"\0\x01")),
    "a JPEG with 4 MB of comments": lambda: in_jpeg(*[segment(0xFE, b"x" * 65_000)] * 64),
    "a JPEG with a terminal code as its comment": lambda: in_jpeg(segment(0xFE, b"\x1b[31mred\x07")),
    "a JPEG in CMYK without the mark of Adobe": lambda: saved("JPEG", mode="CMYK"),
    "a JPEG with a colour profile in 255 parts, of which one is there": lambda: in_jpeg(
        segment(0xE2, b"ICC_PROFILE\0\x01\xff" + b"x" * 100)
    ),
    "a JPEG with EXIF of an unknown byte order": lambda: in_jpeg(exif(entry(274, 3, 1, 6), order=b"XX")),
    "a JPEG with an orientation of 4 billion values": lambda: in_jpeg(exif(entry(274, 3, 2**32 - 1, 8))),
    "a JPEG with an orientation that is a text": lambda: in_jpeg(exif(entry(274, 2, 4, 0x36363636))),
    "a JPEG with an orientation that is a fraction of nothing": lambda: in_jpeg(exif(entry(274, 5, 1, 0))),
    "a JPEG with EXIF whose next directory is itself": lambda: in_jpeg(
        exif(entry(274, 3, 1, 6), after=struct.pack("<I", 8))
    ),
    "a JPEG with places (GPS) at an offset beyond its end": lambda: in_jpeg(exif(entry(34853, 4, 1, 2**31))),
    "a JPEG with places (GPS) that are their own directory": lambda: in_jpeg(exif(entry(34853, 4, 1, 8))),
    "a JPEG with XMP of 60 KB that never closes": lambda: in_jpeg(
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<a>" * 20_000)
    ),
    "a JPEG with XMP that grows to a billion": lambda: in_jpeg(
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + LAUGHS)
    ),
    "a picture that is two pictures": lambda: saved("PNG") + saved("JPEG"),
    "a GIF without a palette": lambda: at(gif(40, 40), 10, b"\0"),
    "a GIF of LZW codes of 12 bits": lambda: replaced(gif(40, 40), b"\x02\x02\x44\x01\0", b"\x0c\x02\x44\x01\0"),
    "a BMP of run lengths that leave the picture": lambda: bmp(40, 40, 8, 1, 54, b"\0\x02\xff\xff" * 100),
    "a BMP whose pixels start beyond its end": lambda: bmp(10, 10, offset=2**31 - 1),
    "a BMP of 4 bits with a palette of no colours": lambda: bmp(8, 8, 4, body=b"\xff" * 32),
    "a BMP of 64 bits per pixel": lambda: bmp(8, 8, 64, body=bytes(512)),
    "a WebP that is cut": lambda: saved("WEBP")[:-40],
    "a WebP that says 4 GB": lambda: at(saved("WEBP"), 4, b"\xff\xff\xff\xff"),
    "a PPM whose highest value is 0": lambda: b"P6 10 10 0\n" + bytes(300),
    "a PPM whose highest value is 65536": lambda: b"P6 10 10 65536\n" + bytes(600),
    "a PPM of an infinite scale": lambda: b"Pf 10 10 inf\n" + bytes(400),
    "a PAM of 1,000 channels": lambda: b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 1000\nMAXVAL 255\nENDHDR\n" + bytes(4_000),
    "a picture of floats that are not numbers": lambda: tiff_of_floats(np.full((40, 40), np.nan, np.float32)),
    "a picture of floats that are infinite": lambda: tiff_of_floats(np.full((40, 40), np.inf, np.float32)),
    # other things under the name of a picture
    "a picture that is a program for PostScript": lambda: (
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n"
    ),
    "a picture that is a page with a script": lambda: b"<html><script>alert(1)</script></html>",
    "a picture that is an SVG with an outside entity": lambda: (
        b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
    ),
    "a picture that is a pickle": lambda: b"\x80\x04cos\nsystem\n(S'touch /tmp/x'\ntR.",
    "a picture that is a pointer of Git LFS": lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
    "a picture that is 1 MB of zeros": lambda: bytes(2**20),
    "a picture of one byte": lambda: b"\x89",
    "a picture of nothing": lambda: b"",
    "a picture that is an archive": lambda: b"PK\x03\x04" + bytes(100),
    "an icon of 256 pictures": lambda: b"\0\0\1\0\0\1" + bytes(16) * 256,
    "a FITS file of packed zeros": lambda: b"SIMPLE  =                    T".ljust(2_880) + zeros(2**24),
}
LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (level, b"&a%d;" % (level - 1) * 9) for level in range(1, 10))
    + b"]><x>&a9;</x>"
)
# Inputs that public trackers report; each was taken from the words of the report and made anew.
REPORTED: dict[str, tuple[str, Made]] = {
    "a GIF canvas far larger than its frames": ("python-pillow/Pillow#6402", lambda: gif(65_535, 1_000, 3)),
    "a GIF disposal of a gigapixel": (
        "python-pillow/Pillow#2410",
        lambda: gif(32_000, 32_000, 2, (31_000, 31_000), 900),
    ),
    "a TIFF whose pages are one page": (
        "python-pillow/Pillow#5472",
        lambda: at(pages(2), pages(2).rindex(b"\0\0\0\0"), struct.pack("<I", 8)),
    ),
    "a JPEG of several pictures that is cut": ("python-pillow/Pillow#5864", lambda: multi_picture()[:-300]),
    "a PNG text that unpacks to 64 MB": (
        "python-pillow/Pillow#1060",
        lambda: inserted(saved("PNG"), text_chunks(b"zTXt", 1, 2**26)),
    ),
    "a PNG with 100 texts of just under 1 MB": (
        "python-pillow/Pillow#1060 (comment)",
        lambda: inserted(saved("PNG"), text_chunks(b"zTXt", 100, 2**20 - 2**15)),
    ),
    "a PNG with a colour profile of 2 MB": (
        "python-pillow/Pillow#2445",
        lambda: inserted(saved("PNG"), chunk(b"iCCP", b"x\0\0" + zeros(2**21))),
    ),
    "a PNG with text in iTXt of 2 MB": (
        "python-pillow/Pillow#8363",
        lambda: inserted(saved("PNG"), text_chunks(b"iTXt", 1, 2**21)),
    ),
    "a PNG with a packed text that is broken": (
        "python-pillow/Pillow#318",
        lambda: inserted(saved("PNG"), chunk(b"zTXt", b"key\0\0broken")),
    ),
    "a PNG profile with an unknown packing": (
        "python-pillow/Pillow#7817",
        lambda: inserted(saved("PNG"), chunk(b"iCCP", b"x\0\x09" + zlib.compress(b"profile"))),
    ),
    "a JPEG with empty EXIF": ("python-pillow/Pillow#4852", lambda: in_jpeg(segment(0xE1, b"Exif\0\0"))),
    "a PNG with EXIF of 8 bytes of another kind": (
        "python-pillow/Pillow#4676",
        lambda: inserted(saved("PNG"), chunk(b"eXIf", b"\0\0\x11\0\0\x01\x04\0")),
    ),
    "a JPEG with two values for one resolution": (
        "python-pillow/Pillow#4037",
        lambda: in_jpeg(exif(entry(274, 3, 1, 6), entry(283, 5, 2, 8), entry(37379, 3, 1, 2**20))),
    ),
    "a JPEG with a fraction that is a pair": (
        "python-pillow/Pillow#4665",
        lambda: in_jpeg(exif(entry(274, 3, 1, 6), entry(282, 10, 2, 8))),
    ),
    "a JPEG with a resolution of nothing": (
        "python-pillow/Pillow#5639",
        lambda: in_jpeg(exif(entry(282, 5, 1, 2**30), entry(296, 3, 1, 2))),
    ),
    "a JPEG with EXIF that is cut in a number": (
        "python-pillow/Pillow#1414",
        lambda: in_jpeg(segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01")),
    ),
    "a JPEG whose second EXIF directory is cut": (
        "hMatoba/Piexif#17",
        lambda: in_jpeg(exif(entry(274, 3, 1, 6), after=struct.pack("<I", 26))),
    ),
    "a picture of no width that would be blurred": ("python-pillow/Pillow#8346", lambda: bmp(0, 10, body=bytes(40))),
    "a BMP of 1 bit with no colours in its palette": ("treeform/pixie#561", lambda: bmp(8, 8, 1, body=b"\xaa" * 32)),
    "a BMP of negative height": ("shaozilee/bmp-js#14", lambda: bmp(40, -40, body=bytes(4_800))),
    "a WebP of no width, which its header cannot say": ("Exiv2/exiv2#2348", lambda: webp(2**24, 1)),
    "a FITS file whose packed part has no end": (
        "GHSA-whj4-6x5x-4v2j",
        lambda: b"SIMPLE  =                    T".ljust(2_880) + b"\x1f\x8b\x08" + zeros(2**24),
    ),
    "a GIF without the end of its last block": ("deanm/omggif#24", lambda: saved("GIF")[:-10]),
    "an FLI of blocks of no size": (
        "GHSA-7r7m-5h27-29hp",
        lambda: struct.pack("<IHHHHHH", 128, 0xAF11, 10, 40, 40, 8, 0) + bytes(110) + bytes(16) * 20,
    ),
}


def tiff_of_floats(values: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    return file.getvalue()


def multi_picture() -> bytes:
    file = io.BytesIO()
    first, second = (Image.fromarray(pixels(seed)) for seed in (1, 2))
    first.save(file, "MPO", save_all=True, append_images=[second])
    return file.getvalue()


MEDIA = Media("images", "image_category", ".png", good_image, IMAGES, REPORTED)
inputs = MEDIA.inputs
