"""Shows images to people, as thumbnails. Untrusted raw images are opened as safely as `clean` does it."""

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
SIDE = 160  # pixels of a thumbnail
MAX_PIXELS = 50_000_000  # larger images are not decoded
TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height


def sizes(raw: bytes) -> tuple[float, ...]:
    """The upright size, from the header alone."""
    try:
        image = opened(raw)
        width, height = image.size
        return (height, width) if image.getexif().get(0x0112) in TURNED else (width, height)
    except Exception:  # Pillow's decoders raise many types for broken files
        return ()


def opened(content: Content) -> "Image":
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of decompression bombs; MAX_PIXELS is stricter
        return Image.open(io.BytesIO(content), formats=FORMATS)


def show(content: Content) -> Shown:
    try:
        image = opened(content)
        line = f"image, {image.width} x {image.height}, {image.format}, {len(content):,} bytes"
    except Exception:
        return Shown(f"unreadable image, {len(content):,} bytes")
    if image.width * image.height > MAX_PIXELS or image.mode in ("I", "F"):
        return Shown(f"{line}, not decoded")
    try:
        return Shown(line, image=thumbnail(image))
    except Exception:
        return Shown(f"{line}, broken")


def thumbnail(image: "Image") -> str:
    """A `data:` URI of the upright image, at most SIDE pixels wide and high.

    A small image is enlarged by a whole factor, so that its pixels are visible.
    """
    from PIL import Image, ImageOps

    image.draft("RGB", (SIDE, SIDE))  # decodes a JPEG at the smallest size that suffices
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
