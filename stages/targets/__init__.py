"""Kinds of labels, one folder each."""
