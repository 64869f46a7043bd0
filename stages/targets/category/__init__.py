"""One class per row, from a closed set."""
