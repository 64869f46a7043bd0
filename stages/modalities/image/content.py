"""How cleaned images are stored, read and shown. They are upright, RGB and PNG."""

import io
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

if TYPE_CHECKING:
    from PIL.Image import Image

CONTENT = pa.binary()


def decode(content: bytes) -> "Image":
    from PIL import Image

    return Image.open(io.BytesIO(content)).convert("RGB")


def pixels(content: bytes) -> npt.NDArray[np.uint8]:
    """(height, width, 3), RGB."""
    return np.asarray(decode(content))


def preview(content: bytes) -> str:
    height, width, _ = pixels(content).shape
    return f"image, {width} x {height}"
