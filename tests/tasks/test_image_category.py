"""What images have of their own."""

import numpy as np

from stages.modalities.image.augment import AugmentParams, as_png, augmenter


def test_each_change_of_an_image_has_chances_of_its_own() -> None:
    """Half of the copies are flipped, a fifth is not turned, a fifth not zoomed, half get no noise: one in a
    hundred stays as it is, not one in five.
    """
    image = as_png(np.arange(12 * 12 * 3, dtype=np.uint8).reshape(12, 12, 3))
    augment = augmenter(AugmentParams(flip=True, rotate=20, crop=0.1, colour=0, noise=0.1), lambda: [])
    same = sum(augment(image, "one", seed)[0] == image for seed in range(400))
    assert same <= 12
