"""Models that turn recordings into numbers, in batches of fixed shapes."""
