"""One tag per token of a text."""
