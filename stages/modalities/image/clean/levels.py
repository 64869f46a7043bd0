"""Decodes images of all kinds to upright RGB with 8 bits per channel, without transparency."""

import io
import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from stages.modalities.image.clean.formats import READ
from stages.modalities.image.clean.limits import check_limits

# An image with 16 bits per channel uses all of them if a pixel is as bright as this. Else it may be a dark image, or
# one of a camera or scanner with 8 to 14 bits: only a person can know.
SURELY_16_BITS = 2**14
INVISIBLE = 32  # levels: nothing is seen on white if no pixel differs from white by more
_PHOTOMETRIC = 262  # the tag of TIFF
_OTHER_ORDER = {"B": "L", "L": "B", "N": "B"}  # of bytes; N is that of the machine, little endian


class UnknownRangeError(Exception):
    """The values of black and white are unknown."""


class InvisibleError(Exception):
    """All pixels are transparent."""


def opened(content: bytes) -> Any:
    """The image, of which only the header is read. Whatever opens an untrusted image does it by this function.

    Raises:
        TooManyBytesError, TooManyPartsError: it would take too long.
        Exception: it cannot be opened.
    """
    from PIL import Image

    check_limits(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of decompression bombs; the limits of this project are stricter
        return Image.open(io.BytesIO(content), formats=READ)


@dataclass(frozen=True)
class Depth:
    """How the pixels are stored, according to the header."""

    mode: str  # that Pillow decodes to
    raw: str  # that of the file, in Pillow's words, such as RGB;16B
    is_scaled: bool  # whether Pillow scales 16 bits from the range that the file gives
    is_negative: bool  # whether zero is white, which Pillow heeds for 8 bits only

    @classmethod
    def of(cls, image: Any) -> Self:
        codec, arguments = (image.tile[0].codec_name, image.tile[0].args) if image.tile else ("", "")
        raw = arguments if isinstance(arguments, str) else str(arguments[0])
        if codec in ("ppm", "ppm_plain") and arguments[-1] == 2**16 - 1 and image.mode == "RGB":
            raw = "RGB;16"  # the highest value there is says nothing
        is_negative = image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0
        return cls(image.mode, raw, codec in ("ppm", "ppm_plain", "jpeg2k"), is_negative)

    @property
    def is_known(self) -> bool:
        """Whether black and white have known values; numbers with 32 bits do not say."""
        return self.mode != "F" and (self.mode != "I" or self.is_scaled or self.raw == "I;16B")

    @property
    def is_deep_grey(self) -> bool:
        return self.mode.startswith("I")

    @property
    def is_deep_colour(self) -> bool:
        return (
            self.mode in ("RGB", "RGBA")
            and self.raw.endswith((";16", ";16B", ";16L", ";16N"))
            and "BGR" not in self.raw
        )


def upright_rgb(content: bytes, image: Any, depth: Depth, used_bits: int | None) -> Any:
    """Decodes `image`, which is `content` opened, and whose header says its depth.

    `used_bits` is how many bits are used of 16 where the file does not say it; None if nobody knows.
    A transparent image is laid on white, or on black if nothing could be seen on white.

    Raises:
        UnknownRangeError: the values of black and white are unknown.
        InvisibleError: all pixels are transparent.
    """
    from PIL import ImageOps

    if not depth.is_known:
        raise UnknownRangeError
    upright = ImageOps.exif_transpose(image)
    transparency = upright.info.get("transparency")
    if depth.is_deep_grey:
        upright = grey_of_16_bits(upright, depth, used_bits)
    elif depth.is_deep_colour:
        upright = colours_of_16_bits(upright, content, depth, used_bits)
    elif depth.raw in ("L;2", "L;4") and isinstance(transparency, int):  # Pillow scales the pixels, not this value
        upright.info["transparency"] = transparency * 255 // (2 ** int(depth.raw[-1]) - 1)
    return without_transparency(upright)


def surplus_bits(brightest: int, used_bits: int | None) -> int:
    """How many low bits of a value with 16 bits are left out, so that 8 remain of those that are used.

    Raises:
        UnknownRangeError: nobody has said how many are used, or the image uses more.
    """
    if used_bits is None and brightest >= SURELY_16_BITS:
        return 8
    if used_bits is None or brightest >= 2**used_bits:
        raise UnknownRangeError
    return used_bits - 8


def grey_of_16_bits(image: Any, depth: Depth, used_bits: int | None) -> Any:
    """Grey with 8 bits, and an alpha channel if one value is transparent."""
    from PIL import Image

    values = np.asarray(image)
    if depth.raw == "I;12":
        used_bits = 12
    surplus = 8 if depth.is_scaled else surplus_bits(int(values.max(initial=0)), used_bits)
    levels = (values >> surplus).astype(np.uint8)
    grey = Image.fromarray(255 - levels if depth.is_negative else levels)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey.putalpha(Image.fromarray(np.where(values == transparent, 0, 255).astype(np.uint8)))
    return grey


def colours_of_16_bits(image: Any, content: bytes, depth: Depth, used_bits: int | None) -> Any:
    """Colours with 8 bits. Pillow has decoded the high bytes; where lower bits are used, the low bytes are, too."""
    from PIL import Image

    high = np.asarray(image)
    brightest = int(high[..., :3].max(initial=0)) << 8 | 255
    surplus = 8 if used_bits == 16 else surplus_bits(min(brightest, 2**16 - 1), used_bits)
    if isinstance(transparent := image.info.get("transparency"), tuple):
        image.info["transparency"] = tuple(value >> surplus for value in transparent)
    if surplus == 8:
        return image
    values = high.astype(np.uint16) << 8 | low_bytes(content, depth)
    pixels = (values >> surplus).astype(np.uint8)
    pixels[..., 3:] = high[..., 3:]  # transparency uses all bits
    changed = Image.fromarray(pixels)
    changed.info |= image.info
    return changed


def low_bytes(content: bytes, depth: Depth) -> npt.NDArray[np.uint8]:
    """The low bytes of the pixels: the high ones, if the file is read in the other order of bytes.

    Raises:
        UnknownRangeError: Pillow cannot do that with this kind of file.
    """
    from PIL import ImageOps

    if depth.raw[:-1] not in ("RGB;16", "RGBA;16"):
        raise UnknownRangeError
    image = opened(content)
    raw = depth.raw[:-1] + _OTHER_ORDER[depth.raw[-1]]
    image.tile = [
        tile._replace(args=raw if isinstance(tile.args, str) else (raw, *tile.args[1:])) for tile in image.tile
    ]
    return np.asarray(ImageOps.exif_transpose(image))


def without_transparency(image: Any) -> Any:
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    _, most_opaque = image.getchannel("A").getextrema()
    if not most_opaque:
        raise InvisibleError
    on_white = laid_on("white", image)
    darkest = min(low for low, _ in on_white.getextrema())
    return on_white if darkest < 255 - INVISIBLE else laid_on("black", image)


def laid_on(colour: str, image: Any) -> Any:
    from PIL import Image

    return Image.alpha_composite(Image.new("RGBA", image.size, colour), image).convert("RGB")
