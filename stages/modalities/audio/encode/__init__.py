"""Models that convert recordings into vectors and logits, in batches of fixed shapes."""
