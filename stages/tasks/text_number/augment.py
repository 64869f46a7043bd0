"""Augmented copies of texts; the label stays the same."""

from stages.modalities.text.augment import AugmentParams, augmenter

__all__ = ["AugmentParams", "augmenter"]
