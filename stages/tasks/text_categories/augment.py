"""Augmented copies of texts: their labels stay."""

from stages.modalities.text.augment import AugmentParams, augmenter

__all__ = ["AugmentParams", "augmenter"]
