"""Images: decoded with care, kept as PNG, compared by perceptual hash, embedded by HOG and colour or by a vision model."""

import io
import warnings
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from stages.contracts import Cleaned, Embedded, Suggestion
from stages.params import Strict

CONTENT = pa.binary()
REASONS = ("empty", "unreadable", "too_many_pixels", "unknown_range", "too_small")
MEASURES: dict[str, pa.DataType] = {}

THUMBNAIL = 32  # pixels a side
HASH_SIDE = 8  # 64 bits
HASH_BANDS = 4  # of 16 bits: two hashes that differ in at most 3 bits share a band for sure
HOG = "hog"
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


class EmbedParams(Strict):
    model: str = Field(min_length=1, description="`hog` (gradients and colour, no download), or a vision model: a hub id or a local folder")
    batch_size: int = Field(ge=1, le=256, description="rows at a time; a short last batch is filled up")


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
        if image.width * image.height > params.max_pixels:
            return Cleaned(None, "too_many_pixels")
        if image.mode in ("I", "F"):  # 32 bits a pixel: what is black and what is white, the file does not say
            return Cleaned(None, "unknown_range")
        upright = ImageOps.exif_transpose(image)
        if image.getexif().get(0x0112, 1) != 1:
            repairs.append("orientation")
        rgb = flatten(upright)
    except Image.DecompressionBombError:
        return Cleaned(None, "too_many_pixels")
    except Exception:  # Pillow's decoders raise whatever a broken file makes them raise: OSError, SyntaxError, struct.error...
        return Cleaned(None, "unreadable")
    if min(rgb.size) < params.min_side:
        return Cleaned(None, "too_small")
    if rgb.mode != upright.mode:
        repairs.append("colour_mode")
    if max(rgb.size) > params.max_side:
        rgb.thumbnail((params.max_side, params.max_side), Image.Resampling.LANCZOS)
        repairs.append("size")
    png = io.BytesIO()
    rgb.save(png, format="PNG")
    return Cleaned(png.getvalue(), repairs=tuple(repairs))


def flatten(image: Any) -> Any:
    """RGB; what is transparent becomes white."""
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    if image.mode.startswith("I;16"):  # sixteen bits a pixel: Pillow would cut off, not scale
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    return image.convert("RGB")


def pixels(content: bytes) -> npt.NDArray[np.uint8]:
    """(height, width, 3), RGB."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def suggest(contents: Iterable[bytes], params: CleanParams) -> list[Suggestion]:
    return []


def exact_key(content: bytes) -> bytes:
    image = pixels(content)
    return blake2b(repr(image.shape).encode() + image.tobytes(), digest_size=16).digest()


def fingerprint(content: bytes) -> npt.NDArray[np.float32]:
    """A thumbnail without its mean brightness, at length 1, flat."""
    import cv2

    thumbnail = cv2.resize(pixels(content), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA).astype(np.float32).reshape(-1)
    centred = thumbnail - thumbnail.mean()
    if np.ptp(thumbnail) == 0:  # nothing but one grey: all such images are alike
        centred = np.ones_like(thumbnail)
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-9), dtype=np.float32)


def similarity(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """The correlation of two thumbnails; 0 where it is negative."""
    return min(1.0, max(0.0, float(one @ other)))


def signatures(contents: Sequence[bytes], threshold: float) -> npt.NDArray[np.uint64]:
    """The perceptual hash in bands (Zauner 2010: signs of the low frequencies); the threshold is left to `similarity`."""
    import cv2

    bits = np.empty((len(contents), HASH_SIDE * HASH_SIDE), dtype=np.uint8)
    for row, content in enumerate(contents):
        grey = cv2.resize(cv2.cvtColor(pixels(content), cv2.COLOR_RGB2GRAY), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        low = cv2.dct(grey.astype(np.float32))[:HASH_SIDE, :HASH_SIDE].reshape(-1)
        bits[row] = low > np.median(low)
    bands = np.packbits(bits, axis=1).view(np.uint16).astype(np.uint64)
    return bands + (np.arange(1, HASH_BANDS + 1, dtype=np.uint64) << np.uint64(16))  # no two bands share a bucket, none is 0


def embed(contents: Sequence[bytes], params: EmbedParams) -> Embedded:
    if params.model == HOG:
        from tqdm import tqdm

        return Embedded(np.stack([hog_and_colour(pixels(content)) for content in tqdm(contents, desc="embed", unit=" rows", disable=None)]))
    from stages.encoders.image import ImageEncoder

    return Embedded(ImageEncoder.load(params.model).embed(contents, params.batch_size))


def hog_and_colour(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Shape and colour, half and half, at length 1: histograms of oriented gradients (Dalal & Triggs 2005) and of hue, saturation and value."""
    import cv2

    square = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA if min(image.shape[:2]) > 64 else cv2.INTER_LINEAR)
    hog = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9).compute(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY))
    colour = cv2.calcHist([cv2.cvtColor(square, cv2.COLOR_RGB2HSV)], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).reshape(-1)
    halves = [half / max(float(np.linalg.norm(half)), 1e-9) for half in (np.asarray(hog).reshape(-1), np.sqrt(colour))]
    vector = np.concatenate(halves)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)  # an image of one colour has no shape: one half is nothing


def preview(content: bytes) -> str:
    height, width, _ = pixels(content).shape
    return f"image, {width} x {height}"
