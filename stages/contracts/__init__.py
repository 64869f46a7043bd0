"""Protocols of the parts of a modality, a target and a task; each file is named after the part."""
