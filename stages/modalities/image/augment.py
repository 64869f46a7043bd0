"""Augmented copies of images."""

import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from pydantic import Field

from stages.core.params import Strict
from stages.core.tables import Content, Label


class AugmentParams(Strict):
    flip: bool = Field(description="left and right changed, every other time")
    rotate: float = Field(ge=0, le=180, description="the largest turn, in degrees; 0: none")
    crop: float = Field(ge=0, lt=1, description="the largest zoom and shift, as a share of the side; 0: none")
    colour: float = Field(ge=0, le=1, description="the largest change of brightness, contrast and saturation; 0: none")
    noise: float = Field(
        ge=0, le=1, description="the largest standard deviation of noise, as a share of the range; 0: none"
    )


def augmenter(
    params: AugmentParams, train: Callable[[], Iterable[tuple[Content, Label]]]
) -> Callable[[Content, Label, int], tuple[Content, Label]]:
    """Copies changed by every switch that is on."""
    from stages.modalities.image.content import decode

    changes = compose(params)

    def augment(content: bytes, label: Label, seed: int) -> tuple[bytes, Label]:
        for place, change in enumerate(
            changes.transforms
        ):  # Compose would give all of them one seed: then they come together, or not at all
            change.set_random_seed((seed + place) % 2**32)
        return as_png(changes(image=np.asarray(decode(content)))["image"]), label

    return augment


def compose(params: AugmentParams) -> Any:
    import os

    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it calls home when it is imported
    import albumentations as A
    import cv2

    white = {"border_mode": cv2.BORDER_CONSTANT, "fill": 255}
    steps: list[Any] = []
    if params.flip:
        steps.append(A.HorizontalFlip(p=0.5))
    if params.rotate:
        steps.append(A.Rotate(limit=params.rotate, p=0.8, **white))
    if params.crop:
        steps.append(
            A.Affine(
                scale=(1 - params.crop, 1 + params.crop), translate_percent=(-params.crop, params.crop), p=0.8, **white
            )
        )
    if params.colour:
        steps.append(A.ColorJitter(params.colour, params.colour, params.colour, params.colour / 4, p=0.8))
    if params.noise:
        steps.append(A.GaussNoise(std_range=(0, params.noise), p=0.5))
    return A.Compose(steps)


def as_png(pixels: Any) -> bytes:
    from PIL import Image

    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    return png.getvalue()
