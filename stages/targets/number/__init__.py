"""A finite number."""
