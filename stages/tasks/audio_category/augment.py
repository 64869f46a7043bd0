"""Augmented copies of recordings: their labels stay."""

from stages.modalities.audio.augment import AugmentParams, augmenter

__all__ = ["AugmentParams", "augmenter"]
