"""Any number of names out of a closed set."""
