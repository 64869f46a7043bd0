"""Hostile data: the inputs by kind, how they are run, and what counts as a fault."""
