"""Frozen encoders of texts, and how much of a text they read."""
