"""Augmented copies of recordings; the label stays the same."""

from stages.modalities.audio.augment import AugmentParams, augmenter

__all__ = ["AugmentParams", "augmenter"]
