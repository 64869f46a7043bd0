"""Images are decoded with care, and kept upright, in RGB, no larger than params say."""

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

from stages.contracts.clean import Among, Cleaned
from stages.contracts.label import Suggestion
from stages.core.params import Strict
from stages.modalities.image.clean import checks
from stages.modalities.image.clean.privacy import find_pii

REASONS: Mapping[str, str] = {
    "empty": "there is nothing in it",
    "unreadable": "it cannot be decoded",
    "too_many_pixels": "it has more pixels than params allow",
    "unknown_range": "its pixels are numbers that may mean any brightness",
    "too_small": "it is smaller than params allow",
    "dark": "even its brightest pixels are dark",
    "light": "even its darkest pixels are light",
    "odd_aspect_ratio": "it is far longer on one side than on the other",
    "low_information": "it is nearly of one colour",
    "blurry": "it has no sharp edge",
}
REASONS_AMONG: Mapping[str, str] = {
    "grayscale": "it is grey, and most are in colour",
    "odd_size": "it is far larger or smaller than most",
}
MEASURES = {
    **dict.fromkeys((*checks.SCORES, "size", "odd_size"), pa.float64()),
    "pii": pa.list_(pa.string()),
}  # size: the root of the area, in pixels
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # Pillow knows more, and has Ghostscript run PostScript


# Checked in this order: what is dark is of little information too.
_BELOW = (
    Cleaned(None, "dark"),
    Cleaned(None, "light"),
    Cleaned(None, "odd_aspect_ratio"),
    Cleaned(None, "low_information"),
    Cleaned(None, "blurry"),
)


class Lowest(Strict):
    """By check the score below which an image is dropped."""

    dark: float | None = Field(
        ge=0,
        le=1,
        description="of the brightness that the brightest pixels have; null: it is only measured, as with all of these. CleanVision: 0.32",
    )
    light: float | None = Field(
        ge=0, le=1, description="of the darkness that the darkest pixels have. CleanVision: 0.05"
    )
    odd_aspect_ratio: float | None = Field(
        ge=0, le=1, description="of the shorter side by the longer. CleanVision: 0.35"
    )
    low_information: float | None = Field(
        ge=0, le=1, description="of a tenth of the histogram's entropy, in bits. CleanVision: 0.3"
    )
    blurry: float | None = Field(
        ge=0,
        le=1,
        description="of the share of edges that blurring takes away: 0.45 for photos, the sharp are above 0.55; says nothing of small drawings",
    )
    grayscale: float | None = Field(
        ge=0,
        le=1,
        description="of the spread between the channels; none is dropped where half of all images are below. 0.02 is grey",
    )
    odd_size: float | None = Field(
        ge=0, le=1, description="of how usual its size is among the others. CleanVision: 0.5"
    )


class CleanParams(Strict):
    max_pixels: int = Field(ge=1, description="images of more pixels are dropped, before a pixel is decoded")
    min_side: int = Field(ge=1, description="images with a shorter side are dropped, in pixels")
    max_side: int = Field(ge=1, description="larger images are scaled down to this longer side, in pixels")
    lowest: Lowest

    @model_validator(mode="after")
    def check_sides(self) -> Self:
        if self.min_side > self.max_side:
            raise ValueError("min_side is larger than max_side, so that no image could stay")
        return self


def clean(content: bytes, params: CleanParams) -> Cleaned:
    """Upright RGB, no larger than `max_side`, as PNG. The pixel limit is checked before a pixel is decoded."""
    from PIL import Image, ImageOps

    if not content:
        return Cleaned(None, "empty")
    repairs = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own bomb warning: the limit below is stricter
            image = Image.open(io.BytesIO(content), formats=FORMATS)
        if checks.n_pixels(image) > params.max_pixels:
            return Cleaned(None, "too_many_pixels")
        if not checks.has_known_range(image):
            return Cleaned(None, "unknown_range")
        measured: dict[str, Any] = {"pii": find_pii(image)}
        upright = ImageOps.exif_transpose(image)
        if image.getexif().get(0x0112, 1) != 1:
            repairs.append("orientation")
        rgb = flatten(upright)
        measured |= {**checks.scores(rgb), "size": math.sqrt(rgb.width * rgb.height)}
    except Image.DecompressionBombError:
        return Cleaned(None, "too_many_pixels")
    except (
        Exception
    ):  # Pillow's decoders raise whatever a broken file makes them raise: OSError, SyntaxError, struct.error...
        return Cleaned(None, "unreadable")
    if min(rgb.size) < params.min_side:
        return Cleaned(None, "too_small", measured=measured)
    if found := next((one for one in _BELOW if is_below(measured, str(one.reason), params)), None):
        return replace(found, measured=measured)
    if rgb.mode != upright.mode:
        repairs.append("colour_mode")
    if max(rgb.size) > params.max_side:
        rgb.thumbnail((params.max_side, params.max_side), Image.Resampling.LANCZOS)
        repairs.append("size")
    png = io.BytesIO()
    rgb.save(png, format="PNG")
    return Cleaned(png.getvalue(), repairs=tuple(repairs), measured=measured)


def flatten(image: Any) -> Any:
    """RGB; what is transparent becomes white."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):  # sixteen bits a pixel: Pillow would cut off, not scale
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def is_below(measured: Mapping[str, float], check: str, params: CleanParams) -> bool:
    lowest = getattr(params.lowest, check)
    return lowest is not None and measured[check] < lowest


def among(measured: Mapping[str, npt.NDArray[np.float64]], params: CleanParams) -> Among:
    """Which sizes are odd, and which images are grey where most have colours."""
    odd, lowest = checks.odd_sizes(measured["size"]), params.lowest
    reasons = np.full(len(odd), None, dtype=object)
    if lowest.odd_size is not None:
        reasons[odd < lowest.odd_size] = "odd_size"
    if lowest.grayscale is not None and np.nanmedian(measured["grayscale"]) >= lowest.grayscale:
        reasons[measured["grayscale"] < lowest.grayscale] = "grayscale"
    return Among({"odd_size": odd}, reasons.tolist())


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []
