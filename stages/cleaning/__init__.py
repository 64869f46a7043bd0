"""The ledger, missing values, and the counts of clean."""
