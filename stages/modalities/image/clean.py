"""Images are decoded with care, and kept upright, in RGB, no larger than params say."""

import io
import warnings
from collections.abc import Iterable
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import Cleaned, Suggestion
from stages.modalities.image import checks
from stages.modalities.image.privacy import find_pii
from stages.params import Strict

REASONS = ("empty", "unreadable", "too_many_pixels", "unknown_range", "too_small")
MEASURES = {"pii": pa.list_(pa.string())}
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")  # Pillow knows more, and has Ghostscript run PostScript


class CleanParams(Strict):
    max_pixels: int = Field(ge=1, description="images of more pixels are dropped, before a pixel is decoded")
    min_side: int = Field(ge=1, description="images with a shorter side are dropped, in pixels")
    max_side: int = Field(ge=1, description="larger images are scaled down to this longer side, in pixels")

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
        measured = {"pii": find_pii(image)}
        upright = ImageOps.exif_transpose(image)
        if image.getexif().get(0x0112, 1) != 1:
            repairs.append("orientation")
        rgb = flatten(upright)
    except Image.DecompressionBombError:
        return Cleaned(None, "too_many_pixels")
    except Exception:  # Pillow's decoders raise whatever a broken file makes them raise: OSError, SyntaxError, struct.error...
        return Cleaned(None, "unreadable")
    if min(rgb.size) < params.min_side:
        return Cleaned(None, "too_small", measured=measured)
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


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []
