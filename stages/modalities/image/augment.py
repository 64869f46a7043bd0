"""Augmented copies of images."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.core.tables import Content, Label


class AugmentParams(Strict):
    flip: bool = Field(description="mirrors left and right, with probability 0.5")
    rotate: float = Field(ge=0, le=180, description="the largest rotation, in degrees; 0: none")
    crop: float = Field(
        ge=0, lt=1, description="the largest zoom and shift, as a share of the width and height; 0: none"
    )
    colour: float = Field(
        ge=0,
        le=1,
        description="the largest relative change of brightness, contrast and saturation (of hue, a quarter); 0: none",
    )
    noise: float = Field(
        ge=0, le=1, description="the largest standard deviation of noise, as a share of the range of a pixel; 0: none"
    )


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]
) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Applies every change whose param is set."""
    from stages.modalities.image.content import decode

    changes = compose(params)

    def augment(content: bytes, label: Label, seed: int) -> tuple[bytes, Label]:
        # Compose would give all changes the same seed: all of them would be applied, or none.
        for number, change in enumerate(changes.transforms):
            change.set_random_seed((seed + number) % 2**32)
        changed = changes(image=np.asarray(decode(content)))
        return as_png(changed["image"]), label

    return augment


def compose(params: AugmentParams) -> Any:
    """The changes as one transform of albumentations."""
    import os

    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # without it, the import looks for updates on the network
    import albumentations as A
    import cv2

    white = {"border_mode": cv2.BORDER_CONSTANT, "fill": 255}
    steps: list[Any] = []
    if params.flip:
        steps.append(A.HorizontalFlip(p=0.5))
    if params.rotate:
        steps.append(A.Rotate(limit=params.rotate, p=0.8, **white))
    if params.crop:
        scale, shift = (1 - params.crop, 1 + params.crop), (-params.crop, params.crop)
        steps.append(A.Affine(scale=scale, translate_percent=shift, p=0.8, **white))
    if params.colour:
        brightness = contrast = saturation = params.colour
        steps.append(A.ColorJitter(brightness, contrast, saturation, hue=params.colour / 4, p=0.8))
    if params.noise:
        steps.append(A.GaussNoise(std_range=(0, params.noise), p=0.5))
    return A.Compose(steps)


def as_png(pixels: Any) -> bytes:
    """The PNG of (height, width, channels) pixels."""
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return png.getvalue()
