"""Shows images to people, as thumbnails. Untrusted raw images are opened as safely as `clean` does it."""

import base64
import io
from typing import TYPE_CHECKING, cast

from stages.contracts.report import Shown
from stages.core.tables import Content
from stages.modalities.image.clean.formats import is_raw, other_format
from stages.modalities.image.clean.levels import Depth, InvisibleError, UnknownRangeError, opened, upright_rgb
from stages.modalities.image.clean.limits import TooManyBytesError, TooManyPartsError

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
        is_turned = image.format != "TIFF" and image.getexif().get(0x0112) in TURNED  # Pillow turns TIFF itself
        return (height, width) if is_turned else (width, height)
    except Exception:  # Pillow's decoders raise many types for broken files
        return ()


def show(content: Content) -> Shown:
    size = f"{len(content):,} bytes"
    try:
        image = opened(content)
    except (TooManyBytesError, TooManyPartsError):
        return Shown(f"image, {size}, not decoded: it would take too long")
    except Exception:
        other = other_format(content)
        return Shown(f"{other}, {size}, not read" if other else f"unreadable image, {size}")
    line = f"image, {image.width} x {image.height}, {image.format}, {size}"
    if image.width * image.height > MAX_PIXELS or is_raw(content, image):
        return Shown(f"{line}, not decoded")
    try:
        return Shown(line, image=thumbnail(content))
    except UnknownRangeError:
        return Shown(f"{line}, not decoded")
    except InvisibleError:
        return Shown(f"{line}, all of it transparent")
    except Exception:
        return Shown(f"{line}, broken")


def thumbnail(content: Content) -> str:
    """A `data:` URI of the upright image, at most SIDE pixels wide and high.

    A small image is enlarged by a whole factor, so that its pixels are visible.
    """
    from PIL import Image

    small = visible(content)
    small.thumbnail((SIDE, SIDE))
    if (factor := SIDE // max(small.size)) > 1:
        small = small.resize((small.width * factor, small.height * factor), Image.Resampling.NEAREST)
    return data_uri(small)


def visible(content: Content) -> "Image":
    """The image as RGB; of 16 bits, the fewest that hold it are shown if it is unknown how many are used."""
    for used_bits in (None, 8, 10, 12, 14):
        image = opened(content)
        image.draft("RGB", (SIDE, SIDE))  # decodes a JPEG at the smallest size that suffices
        try:
            return cast("Image", upright_rgb(content, image, Depth.of(image), used_bits))
        except UnknownRangeError:
            continue
    raise UnknownRangeError


def data_uri(image: "Image") -> str:
    jpeg = io.BytesIO()
    image.save(jpeg, format="JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


def show_pair(one: Content, other: Content) -> tuple[Shown, Shown]:
    return show(one), show(other)
