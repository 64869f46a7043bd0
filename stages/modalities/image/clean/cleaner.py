"""Decodes untrusted images safely, and converts them to upright RGB images of a limited size."""

import io
import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts.clean import Cleaned, JointMeasures
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.modalities.image.clean import checks
from stages.modalities.image.clean.privacy import find_pii

MEASURES = {
    **dict.fromkeys(checks.SCORES, pa.float64()),
    "size": pa.float64(),  # the square root of the area, in pixels
    "odd_size": pa.float64(),
    "pii": pa.list_(pa.string()),
}
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # Pillow knows more, and runs Ghostscript for PostScript
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
    lowest: Lowest

    @model_validator(mode="after")
    def check_sides(self) -> Self:
        if self.min_side > self.max_side:
            raise ValueError("min_side is larger than max_side, so no image could stay")
        return self


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Converts to an upright RGB image with sides of at most `max_side`, as PNG.

    The pixel limit is checked before pixels are decoded.
    """
    from PIL import Image, ImageOps

    if not content:
        return Cleaned(None, "empty")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of decompression bombs; the limit below is stricter
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        if checks.n_pixels(image) > params.max_pixels:
            return Cleaned(None, "too_many_pixels")
        if not checks.has_known_range(image):
            return Cleaned(None, "unknown_range")
        pii = find_pii(image)
        upright = ImageOps.exif_transpose(image)
        is_turned = image.getexif().get(_ORIENTATION, 1) != 1
        rgb = flatten(upright)
        scores = checks.scores(rgb)
    except Image.DecompressionBombError:
        return Cleaned(None, "too_many_pixels")
    except Exception:  # Pillow's decoders raise many types for broken files: OSError, SyntaxError, struct.error...
        return Cleaned(None, "unreadable")
    measured: dict[str, Any] = {"pii": pii, **scores, "size": math.sqrt(rgb.width * rgb.height)}
    if min(rgb.size) < params.min_side:
        return Cleaned(None, "too_small", measured=measured)
    if dropped := next((dropped for dropped in _BELOW if is_below(measured, str(dropped.reason), params)), None):
        return replace(dropped, measured=measured)
    repairs = ["orientation"] if is_turned else []
    if rgb.mode != upright.mode:
        repairs.append("colour_mode")
    if max(rgb.size) > params.max_side:
        rgb.thumbnail((params.max_side, params.max_side), Image.Resampling.LANCZOS)
        repairs.append("size")
    return Cleaned(as_png(rgb), repairs=tuple(repairs), measured=measured)


def as_png(image: Any) -> bytes:
    png = io.BytesIO()
    image.save(png, format="PNG")
    return png.getvalue()


def flatten(image: Any) -> Any:
    """Converts to RGB; transparent pixels become white."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):  # 16 bits per pixel: Pillow would clip the values instead of scaling them
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


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
