"""Augmented copies of images: their labels stay."""

from stages.modalities.image.augment import AugmentParams, augmenter

__all__ = ["AugmentParams", "augmenter"]
