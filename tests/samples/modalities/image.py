"""Samples of image."""

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tests import tiny
from tests.samples.kinds import ModalitySamples


def picture(
    shape: str, colour: str = "red", side: int = 40, format: str = "PNG", seed: int = 0, **options: Any
) -> bytes:
    """A shape on white; "blank" is nothing but colour, "noise" is nothing but noise, another one for every seed."""
    image = Image.new("RGB", (side, side), colour if shape == "blank" else "white")
    pen, box = ImageDraw.Draw(image), (side // 5, side // 4, side * 3 // 4, side * 4 // 5)
    if shape == "noise":
        image = Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8))
    elif shape == "line":
        pen.line(box, fill=colour, width=3)
    elif shape != "blank":
        getattr(pen, shape)(box, fill=colour)
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def stripe() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (10, 90, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def slope() -> bytes:
    """From dark to bright, without an edge."""
    file = io.BytesIO()
    steps = np.add.outer(np.arange(80), np.arange(80))
    Image.fromarray(np.stack([steps] * 3, axis=2).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def deep_picture() -> bytes:
    """A TIFF of floating-point numbers."""
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 1, 400, dtype=np.float32).reshape(20, 20)).save(file, "TIFF")
    return file.getvalue()


def transparent() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (20, 20), (255, 0, 0, 0)).save(file, "PNG")
    return file.getvalue()


LOWEST = {
    "dark": 0.2,
    "light": 0.05,
    "odd_aspect_ratio": 0.35,
    "low_information": 0.2,
    "blurry": 0.2,
    "grayscale": None,
    "odd_size": None,
}


SAMPLES = ModalitySamples(
    contents=[
        picture("rectangle"),
        picture("ellipse"),
        picture("ellipse", "blue", 30),
        picture("line", "black"),
        picture("blank", "white"),
        picture("blank", "black"),
        *(picture("noise", seed=seed) for seed in range(6)),
    ],
    same=[
        (picture("ellipse"), picture("ellipse", compress_level=0)),
        (picture("rectangle"), picture("rectangle", format="BMP")),
    ],
    near=[
        (picture("ellipse", side=64), picture("ellipse", side=64, format="JPEG", quality=80)),
        (picture("rectangle", side=64), picture("rectangle", side=32)),
    ],
    threshold=0.9,
    reasons={
        "empty": b"",
        "unreadable": b"not an image",
        "unsupported_format": b"8BPS" + bytes(100),
        "truncated": picture("noise")[:-100],
        "invisible": transparent(),
        "too_many_bytes": b"P2 1 1 255 0" + bytes(2**23),
        "too_many_parts": picture("noise", format="GIF")[:-1] + b"!\xfe\1x\0" * 10_001,
        "too_many_pixels": picture("blank", side=101),
        "unknown_range": deep_picture(),
        "too_small": picture("line", side=7),
        "dark": picture("blank", "black"),
        "light": picture("blank", "white"),
        "odd_aspect_ratio": stripe(),
        "low_information": picture("blank"),
        "blurry": slope(),
    },
    clean=tiny.CLEAN_IMAGE | {"max_pixels": 10_000, "max_side": 48},
    clean_reasons={"lowest": LOWEST},
    embedders=[
        {"model": "hog", "batch_size": 4},
        {"model": "{folder}/image", "batch_size": 4},
        {"model": "google/efficientnet-lite0", "batch_size": 4},
    ],
)
