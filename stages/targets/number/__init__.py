"""One finite number per row."""
