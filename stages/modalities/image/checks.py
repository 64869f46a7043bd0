"""What can be said of an image before a pixel of it is decoded."""

from typing import Any


def n_pixels(image: Any) -> int:
    return int(image.width * image.height)


def has_known_range(image: Any) -> bool:
    """Of 32 bits a pixel the file does not say what is black and what is white."""
    return image.mode not in ("I", "F")
