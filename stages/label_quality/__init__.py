"""Wrong labels: which, how many may leave, which to review."""
