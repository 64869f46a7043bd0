"""Models that turn texts into numbers, in batches of fixed shapes."""
