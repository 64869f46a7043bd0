"""Zero or more classes per row, from a closed set."""
