"""Regression on texts or on pairs of texts."""
