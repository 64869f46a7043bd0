"""Combinations of a kind of content and a kind of label: what can be trained."""
