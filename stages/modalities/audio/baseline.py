"""Sounds have no baseline on contents: samples in a linear model say less than the vectors of embed."""

features = None
