"""Decisions about rows, the ledger, missing values, and the counts of clean."""
