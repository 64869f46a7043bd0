"""Which image files are read, and the names of others, by their first bytes."""

import re
from typing import Any

# Pillow knows more, and runs Ghostscript for PostScript. It opens AVIF and JPEG 2000 only if it is built with them.
READ = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000")

# Formats that are not read, or not by all builds of Pillow.
OTHERS = {
    "HEIC": rb"....ftyp(hei|hev|mif1|msf1)",
    "AVIF": rb"....ftypavi",
    "JPEG 2000": rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51",
    "JPEG XL": rb"\xff\x0a|\x00\x00\x00\x0cJXL ",
    "JPEG XR": rb"II\xbc\x01",
    "JPEG-LS": rb"\xff\xd8\xff\xf7",
    "camera raw": rb"....ftypcrx|II\*\0....CR\x02|FUJIFILMCCD-RAW|IIU\0|II(RO|RS)|MMOR|FOVb|\0MRM|II..\0\0HEAPCCDR",
    "video": rb"....ftyp|\x1a\x45\xdf\xa3|RIFF....AVI |\x00\x00\x01[\xba\xb3]|FLV\x01",
    "SVG": rb"\s*(<\?xml[^>]*>\s*)?(<!(doctype svg|--)[^>]*>\s*)*<svg",
    "PDF": rb"%PDF",
    "PostScript": rb"%!PS|\xc5\xd0\xd3\xc6",
    "Windows metafile": rb"\xd7\xcd\xc6\x9a|\x01\0\0\0.{36} EMF",
    "PSD": rb"8BPS",
    "XCF": rb"gimp xcf",
    "ICO": rb"\0\0[\x01\x02]\0[\x01-\x40]\0",
    "ICNS": rb"icns",
    "DDS": rb"DDS ",
    "QOI": rb"qoif",
    "PCX": rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]",
    "SGI": rb"\x01\xda[\0\1][\1\2]",
    "Sun raster": rb"\x59\xa6\x6a\x95",
    "OpenEXR": rb"\x76\x2f\x31\x01",
    "Radiance HDR": rb"#\?(RADIANCE|RGBE)",
    "DPX": rb"SDPX|XPDS",
    "DICOM": rb".{128}DICM",
    "FITS": rb"SIMPLE  =",
    "HDF5": rb"\x89HDF",
    "BigTIFF": rb"II\+\0|MM\0\+",
    "MNG": rb"\x8aMNG|\x8bJNG",
    "BPG": rb"BPG\xfb",
    "FLIF": rb"FLIF",
    "DjVu": rb"AT&TFORM",
    "XPM": rb"/\* XPM \*/",
    "XBM": rb"#define .{1,60}_width ",
    "NumPy": rb"\x93NUMPY",
    "ZIP": rb"PK\x03\x04",
    "gzip": rb"\x1f\x8b",
    "HTML": rb"\s*<(!doctype html|html|head|body|\?xml)",
    "a Git LFS pointer": rb"version https://git-lfs",
}
_OTHERS = {name: re.compile(pattern, re.DOTALL | re.IGNORECASE) for name, pattern in OTHERS.items()}
_OPTIONAL = {"AVIF": "avif", "JPEG 2000": "jpg_2000"}  # the name of each feature of Pillow
_DNG_VERSION, _REDUCED, _SUB_IMAGES, _KIND = 50706, 1, 330, 254  # tags of TIFF


def other_format(content: bytes) -> str | None:
    """The name of a format that is known and cannot be opened."""
    from PIL import features

    name = next((name for name, pattern in _OTHERS.items() if pattern.match(content)), None)
    return None if name in _OPTIONAL and features.check(_OPTIONAL[name]) else name


def declared_size(content: bytes) -> int:
    """The size of a WebP or AVIF file according to its header; 0 for others."""
    if content.startswith(b"RIFF"):
        return 8 + int.from_bytes(content[4:8], "little")
    position = 0
    if content[4:8] == b"ftyp":
        while position + 8 <= len(content):  # boxes, each with its size (ISO/IEC 14496-12)
            position += max(8, int.from_bytes(content[position : position + 4], "big"))
    return position


def is_raw(content: bytes, image: Any) -> bool:
    """Whether an image that Pillow opens is a camera's raw file, of which it would read a small preview."""
    if image.format != "TIFF":
        return False
    tags = image.tag_v2
    has_preview = tags.get(_KIND) == _REDUCED and _SUB_IMAGES in tags
    return other_format(content) == "camera raw" or _DNG_VERSION in tags or has_preview
