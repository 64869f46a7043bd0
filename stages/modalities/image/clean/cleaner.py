"""Checks untrusted images, and converts them to upright RGB images of a limited size."""

import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.clean import Cleaned, JointMeasures
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.modalities.image.clean import checks
from stages.modalities.image.clean.formats import declared_size, is_raw, other_format
from stages.modalities.image.clean.levels import Depth, InvisibleError, UnknownRangeError, opened, upright_rgb
from stages.modalities.image.clean.limits import TooManyBytesError, TooManyPartsError
from stages.modalities.image.clean.privacy import find_pii

MEASURES = {
    "format": pa.string(),
    **dict.fromkeys(checks.SCORES, pa.float64()),
    "size": pa.float64(),  # the square root of the area, in pixels
    "odd_size": pa.float64(),
    "pii": pa.list_(pa.string()),
}
ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")  # formats with several frames or pages
_ORIENTATION = 0x0112  # the EXIF tag

# In the order in which they are checked: a dark image has little information too.
_BELOW = (
    Cleaned(None, "dark"),
    Cleaned(None, "light"),
    Cleaned(None, "odd_aspect_ratio"),
    Cleaned(None, "low_information"),
    Cleaned(None, "blurry"),
)


class Lowest(Strict):
    """The score of each check below which an image is dropped."""

    dark: float | None = Field(
        ge=0,
        le=1,
        description="lowest brightness of the brightest pixels; null, here and below: measured only. CleanVision: 0.32",
    )
    light: float | None = Field(ge=0, le=1, description="lowest darkness of the darkest pixels. CleanVision: 0.05")
    odd_aspect_ratio: float | None = Field(
        ge=0, le=1, description="lowest ratio of the shorter to the longer side. CleanVision: 0.35"
    )
    low_information: float | None = Field(
        ge=0, le=1, description="lowest entropy of the histogram, in tens of bits. CleanVision: 0.3"
    )
    blurry: float | None = Field(
        ge=0,
        le=1,
        description="lowest share of edges that blurring removes. 0.45 for photos, where sharp ones are above 0.55; "
        "not useful for small drawings",
    )
    grayscale: float | None = Field(
        ge=0,
        le=1,
        description="lowest difference between the channels; nothing is dropped if half of all images are below. "
        "Grey images are below 0.02",
    )
    odd_size: float | None = Field(
        ge=0, le=1, description="lowest score of the size compared with all images. CleanVision: 0.5"
    )


class CleanParams(Strict):
    max_pixels: int = Field(ge=1, description="images with more pixels are dropped before they are decoded")
    min_side: int = Field(ge=1, description="images with a shorter side are dropped, in pixels")
    max_side: int = Field(ge=1, description="larger images are scaled down to this longer side, in pixels")
    used_bits: int | None = Field(
        ge=8,
        le=16,
        description="bits that are used in images with 16 per channel, such as 12 of a camera; null: all 16 if a pixel "
        "needs more than 14, else the image is dropped as `unknown_range`",
    )
    lowest: Lowest

    @model_validator(mode="after")
    def check_sides(self) -> Self:
        if self.min_side > self.max_side:
            raise ValueError("min_side is larger than max_side, so no image could stay")
        return self


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Converts to an upright RGB image with sides of at most `max_side`, as PNG.

    Limits are checked before pixels are decoded.
    """
    if not content:
        return Cleaned(None, "empty")
    try:
        image = opened(content)
    except MemoryError:  # may come from the files before it: the process of the worker ends, and a new one tries again
        raise
    except Exception as error:  # Pillow's plugins raise many types for broken files: OSError, SyntaxError...
        return cannot_be_opened(content, error)
    if is_raw(content, image):
        return Cleaned(None, "unsupported_format", measured={"format": "camera raw"})
    measured = {"format": image.format}
    if checks.n_pixels(image) > params.max_pixels:
        return Cleaned(None, "too_many_pixels", measured=measured)
    try:
        picture = decode(content, image, params)
    except UnknownRangeError:
        return Cleaned(None, "unknown_range", measured=measured)
    except InvisibleError:
        return Cleaned(None, "invisible", measured=measured)
    except MemoryError:  # may come from the files before it: the process of the worker ends, and a new one tries again
        raise
    except Exception as error:  # as above; struct.error...
        if is_cut(content, error):
            return Cleaned(None, "truncated", measured=measured)
        return Cleaned(None, "unreadable", measured=measured)
    return clean_picture(picture, params)


def cannot_be_opened(content: bytes, error: Exception) -> Cleaned:
    from PIL import Image

    if isinstance(error, TooManyBytesError):
        return Cleaned(None, "too_many_bytes")
    if isinstance(error, TooManyPartsError):
        return Cleaned(None, "too_many_parts")
    if isinstance(error, Image.DecompressionBombError):
        return Cleaned(None, "too_many_pixels")
    if other := other_format(content):
        return Cleaned(None, "unsupported_format", measured={"format": other})
    return Cleaned(None, "truncated") if is_cut(content, error) else Cleaned(None, "unreadable")


@dataclass(frozen=True)
class Picture:
    rgb: Any  # an image of Pillow
    repairs: tuple[str, ...]
    measured: Mapping[str, Any]


def decode(content: bytes, image: Any, params: CleanParams) -> Picture:
    """Decodes `image`, which is `content` opened."""
    depth = Depth.of(image)  # known until the pixels are decoded, which the search for metadata may do
    pii, is_turned = find_pii(image), image.getexif().get(_ORIENTATION) in range(2, 9)
    has_frames = image.format in ANIMATED and image.is_animated  # to count them takes long
    rgb = upright_rgb(content, image, depth, params.used_bits)
    repairs = {"orientation": is_turned, "first_frame": has_frames, "colour_mode": image.mode != "RGB"}
    measured = {
        "format": image.format,
        "pii": pii,
        **checks.scores(rgb),
        "size": math.sqrt(rgb.width * rgb.height),
    }
    return Picture(rgb, tuple(name for name, is_made in repairs.items() if is_made), measured)


def clean_picture(picture: Picture, params: CleanParams) -> Cleaned:
    from PIL import Image

    rgb, repairs, measured = picture.rgb, picture.repairs, picture.measured
    if min(rgb.size) < params.min_side:
        return Cleaned(None, "too_small", measured=measured)
    if dropped := next((dropped for dropped in _BELOW if is_below(measured, str(dropped.reason), params)), None):
        return replace(dropped, measured=measured)
    if max(rgb.size) > params.max_side:
        rgb.thumbnail((params.max_side, params.max_side), Image.Resampling.LANCZOS)
        repairs = (*repairs, "size")
    return Cleaned(as_png(rgb), repairs=repairs, measured=measured)


def is_cut(content: bytes, error: Exception) -> bool:
    """Whether the end of a file is missing, by its header or by what its decoder says."""
    says_so = "truncated" in str(error).lower() or "broken data stream" in str(error)
    return says_so or len(content) < declared_size(content)


def as_png(image: Any) -> bytes:
    png = io.BytesIO()
    image.save(png, format="PNG")
    return png.getvalue()


def is_below(measured: Mapping[str, float], check: str, params: CleanParams) -> bool:
    lowest = getattr(params.lowest, check)
    return lowest is not None and measured[check] < lowest


def measure_together(measured: Mapping[str, npt.NDArray[np.float64]], params: CleanParams) -> JointMeasures:
    """Drops images of odd sizes, and grey images if most images have colours."""
    odd_size, lowest = checks.odd_sizes(measured["size"]), params.lowest
    reasons = np.full(len(odd_size), None, dtype=object)
    if lowest.odd_size is not None:
        reasons[odd_size < lowest.odd_size] = "odd_size"
    if lowest.grayscale is not None and np.nanmedian(measured["grayscale"]) >= lowest.grayscale:
        reasons[measured["grayscale"] < lowest.grayscale] = "grayscale"
    return JointMeasures({"odd_size": odd_size}, reasons.tolist())


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []
