"""Combinations of a modality and a target that a model can be fine-tuned for."""
