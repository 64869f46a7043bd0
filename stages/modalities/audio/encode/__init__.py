"""Frozen encoders of recordings, and how much of a recording they hear."""
