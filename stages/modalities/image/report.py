"""Images for people: thumbnails. What is raw is opened with the care of clean."""

import base64
import io
import warnings
from typing import TYPE_CHECKING

from stages.contracts.report import Shown
from stages.core.tables import Content
from stages.modalities.image.clean.cleaner import FORMATS, flatten

if TYPE_CHECKING:
    from PIL.Image import Image

SIZES = ("width in pixels", "height in pixels")
SIDE = 160  # pixels, of a thumbnail
MAX_PIXELS = 50_000_000  # larger images are described and not decoded
TURNED = (5, 6, 7, 8)  # orientations that lie on their side


def sizes(raw: bytes) -> tuple[float, ...]:
    """Upright, from the header alone."""
    try:
        image = opened(raw)
        width, height = image.size
        return (height, width) if image.getexif().get(0x0112) in TURNED else (width, height)
    except Exception:  # Pillow's decoders raise whatever a broken file makes them raise
        return ()


def opened(content: Content) -> "Image":
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of many pixels: MAX_PIXELS is stricter
        return Image.open(io.BytesIO(content), formats=FORMATS)


def show(content: Content) -> Shown:
    try:
        image = opened(content)
        line = f"image, {image.width} x {image.height}, {image.format}, {len(content):,} bytes"
    except Exception:
        return Shown(f"no readable image, {len(content):,} bytes")
    if image.width * image.height > MAX_PIXELS or image.mode in ("I", "F"):
        return Shown(f"{line}, not decoded")
    try:
        return Shown(line, image=thumbnail(image))
    except Exception:
        return Shown(f"{line}, broken")


def thumbnail(image: "Image") -> str:
    """Upright, at most SIDE pixels wide and high; a small image is enlarged by a whole number, so that its pixels can be seen."""
    from PIL import Image, ImageOps

    image.draft("RGB", (SIDE, SIDE))  # a JPEG is decoded no larger than needed
    small = flatten(ImageOps.exif_transpose(image))
    small.thumbnail((SIDE, SIDE))
    if (factor := SIDE // max(small.size)) > 1:
        small = small.resize((small.width * factor, small.height * factor), Image.Resampling.NEAREST)
    return data_uri(small)


def data_uri(image: "Image") -> str:
    jpeg = io.BytesIO()
    image.save(jpeg, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


def show_pair(one: Content, other: Content) -> tuple[Shown, Shown]:
    return show(one), show(other)
