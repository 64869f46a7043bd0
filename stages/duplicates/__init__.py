"""Search for exact, near and semantic duplicates."""
