"""Comparison of the model with baselines: the one on contents, and the verdict in one sentence."""
