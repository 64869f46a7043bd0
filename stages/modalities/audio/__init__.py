"""Sound recordings."""
