"""Kinds of content, one folder each."""
