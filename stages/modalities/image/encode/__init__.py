"""Models that convert images into vectors and logits, in batches of fixed shapes."""
