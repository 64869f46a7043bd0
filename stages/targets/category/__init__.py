"""One name out of a closed set."""
