"""Models that convert texts into vectors and logits, in batches of fixed shapes."""
