"""Photos that are drawn: a ground with a light on it, things with shadows and patterns, the noise of a camera; and the
faults that photos have.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont, ImageOps


def scene(seed: int, width: int = 240, height: int = 320) -> Image.Image:
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    light = 0.75 + 0.25 * np.cos(across * rng.uniform(0, 2) + down * rng.uniform(0, 2))
    pixels = light[:, :, None] * rng.integers(70, 230, 3)
    image = Image.fromarray(pixels.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        left, top = rng.integers(-20, width - 40), rng.integers(-20, height - 40)
        box = (int(left), int(top), int(left + rng.integers(40, 120)), int(top + rng.integers(40, 160)))
        colour = tuple(rng.integers(5, 250, 3).tolist())
        getattr(pen, str(rng.choice(["ellipse", "rectangle"])))(
            box, fill=colour, outline=tuple(value // 2 for value in colour), width=4
        )
        for place in range(box[1], box[3], int(rng.integers(8, 30))):  # stripes
            pen.line((box[0], place, box[2], place + 6), fill=tuple(min(255, value + 40) for value in colour), width=2)
    return Image.fromarray((np.asarray(image) + rng.normal(0, 4, (height, width, 3))).clip(0, 255).astype(np.uint8))


def as_jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()


def framed(image: Image.Image, share: float, colour: str = "black") -> Image.Image:
    return ImageOps.expand(image, border=int(share * image.width), fill=colour)


def letterboxed(image: Image.Image) -> Image.Image:
    return ImageOps.pad(image, (320, 320), color="black")


def watermarked(image: Image.Image, text: str = "sample photo 2024") -> Image.Image:
    """Half-transparent letters in a line."""
    over = Image.new("RGBA", image.size)
    font = ImageFont.load_default(size=image.width // 11)
    ImageDraw.Draw(over).text((image.width // 12, image.height * 7 // 8), text, font=font, fill=(255, 255, 255, 170))
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


FAULTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "dark": lambda image: image.point(lambda value: value * 0.15),
    "light": lambda image: image.point(lambda value: 246 + value * 0.035),
    "odd_aspect_ratio": lambda image: image.crop((0, 0, image.width, image.width // 4)),
    "low_information": lambda image: image.point(lambda value: 120 + value // 85),
    "blurry": lambda image: image.filter(ImageFilter.GaussianBlur(image.width / 40)),
    "grayscale": lambda image: image.convert("L").convert("RGB"),
    "odd_size": lambda image: image.resize((image.width // 4, image.height // 4)),
    "border": letterboxed,
    "watermark": watermarked,
}
