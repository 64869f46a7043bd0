"""A tag for each token of a text."""
