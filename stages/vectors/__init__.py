"""Search in the vectors of rows."""
