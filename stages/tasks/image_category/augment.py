"""Augmented copies of images; the label stays the same."""

from stages.modalities.image.augment import AugmentParams, augmenter

__all__ = ["AugmentParams", "augmenter"]
