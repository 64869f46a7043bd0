"""Quality of given labels: which are probably wrong, how many may leave, which ones to review."""
