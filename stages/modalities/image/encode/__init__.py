"""Models that turn images into numbers, in batches of fixed shapes."""
